package server

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// eventRoutes are what was done in a session, one by one and counted.
func eventRoutes() []Route {
	return []Route{
		{
			Method: "GET", Path: "/events", Name: "listEvents", Sleeping: true, Streams: true,
			Doc:   "Gives what was done in the session, the last 1000 events at most, without contents. As a stream of events it goes on: each has its number as id and the name event; lost says how many are not there any more. It does not wake the session.",
			Query: eventsQuery{}, Out: eventsOut{}, Serve: listEvents,
		},
		{
			Method: "GET", Path: "/usage", Name: "getUsage", Sleeping: true,
			Doc:   "Counts what was done in the session since the service began. It does not wake the session, unless files are to be counted.",
			Query: usageQuery{}, Out: usageOut{}, Serve: getUsage,
		},
	}
}

type eventsQuery struct {
	After       int64 `json:"after" jsonschema:"The next of an earlier answer. Last-Event-ID wins over it."`
	WaitSeconds int   `json:"wait_seconds" jsonschema:"How long to wait while there is nothing new, at most 60."`
}

type eventsOut struct {
	Events []event `json:"events"`
	Next   int64   `json:"next" jsonschema:"What to ask for next, in after."`
	Lost   int64   `json:"lost" jsonschema:"How many events before these are not there any more."`
}

// event is one operation that has ended.
type event struct {
	Seq        int64     `json:"seq" jsonschema:"From 1; it begins anew when the service does."`
	Time       time.Time `json:"time" jsonschema:"When it had ended."`
	Op         string    `json:"op" jsonschema:"open, stat, list, scan, walk, glob, grep, write, edit, remove, rename, exec, snapshot or restore."`
	Path       string    `json:"path,omitempty" jsonschema:"What was meant; of exec the directory."`
	To         string    `json:"to,omitempty" jsonschema:"The new path of a rename."`
	Pattern    string    `json:"pattern,omitempty" jsonschema:"Of glob."`
	Args       []string  `json:"args,omitempty" jsonschema:"Of a command, cut after 1 KiB, with *** for what looks like a secret."`
	Who        string    `json:"who,omitempty" jsonschema:"The name of the service token, or session."`
	Decision   string    `json:"decision" jsonschema:"allowed or denied."`
	Bytes      *int64    `json:"bytes,omitempty" jsonschema:"That were read, written or printed."`
	ExitCode   *int64    `json:"exit_code,omitempty"`
	Signal     string    `json:"signal,omitempty" jsonschema:"That ended the command."`
	TimedOut   bool      `json:"timed_out,omitempty"`
	DurationMS float64   `json:"duration_ms"`
	Error      string    `json:"error,omitempty" jsonschema:"The kind of error that it ended with."`
}

type lostOut struct {
	Lost int64 `json:"lost"`
}

// mostWait is how long a request may wait for something to happen.
const mostWait = 60

// waitOf is how long a request wants to wait.
func waitOf(seconds int) (time.Duration, error) {
	if seconds < 0 || seconds > mostWait {
		return 0, invalid("wait_seconds is 0 to %d", mostWait)
	}
	return time.Duration(seconds) * time.Second, nil
}

// afterOf is where a stream or an answer goes on.
func (c *Call) afterOf(asked int64) (int64, error) {
	if last := c.R.Header["Last-Event-Id"]; len(last) > 0 {
		n, err := strconv.ParseInt(last[0], 10, 64)
		if err != nil || len(last) > 1 {
			return 0, invalid("the Last-Event-ID is none of this stream")
		}
		asked = n
	}
	if asked < 0 {
		return 0, invalid("after is 0 or more")
	}
	return asked, nil
}

func listEvents(c *Call) (any, error) {
	q := c.Query.(*eventsQuery)
	wait, err := waitOf(q.WaitSeconds)
	if err != nil {
		return nil, err
	}
	after, err := c.afterOf(q.After)
	if err != nil {
		return nil, err
	}
	l := c.service.ledger(c)
	if c.WantsEvents() {
		return nil, c.follow(l, after)
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		out, changed := l.since(after)
		switch {
		case changed == nil && len(out.Events) == 0:
			return nil, Problem(http.StatusGone, "gone", "the session has ended")
		case len(out.Events) > 0 || wait == 0 || !c.sleep(changed, late.C):
			return out, c.Ctx.Err()
		}
	}
}

// follow sends events as they come, until the client goes, the session ends or the
// service does.
func (c *Call) follow(l *ledger, after int64) error {
	to := c.Events()
	for {
		out, changed := l.since(after)
		if out.Lost > 0 {
			if err := to.Send("", "lost", lostOut{out.Lost}); err != nil {
				return err
			}
		}
		for _, e := range out.Events {
			if err := to.Send(strconv.FormatInt(e.Seq, 10), "event", e); err != nil {
				return err
			}
		}
		after = out.Next
		if changed == nil || !c.sleep(changed, nil) {
			return nil
		}
	}
}

// sleep waits until something has changed, and reports false where it is too late
// for that.
func (c *Call) sleep(changed <-chan struct{}, late <-chan time.Time) bool {
	select {
	case <-changed:
		return true
	case <-late:
	case <-c.Draining():
	case <-c.Ctx.Done():
	}
	return false
}

// The bounds of what is kept of a session.
const (
	maxEvents     = 1000
	maxEventBytes = 256 << 10 // of the texts of all events
	maxEventText  = 1 << 10   // of the arguments, and of the pattern, of one
)

// size is what the texts of an event take.
func (e *event) size() int {
	n := len(e.Path) + len(e.To) + len(e.Pattern)
	for _, a := range e.Args {
		n += len(a) + 16
	}
	return n
}

// add numbers an event and keeps it.
func (l *ledger) add(e event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	e.Seq = l.seq
	l.events = append(l.events, e)
	l.size += e.size()
	over := 0
	for len(l.events)-over > maxEvents || l.size > maxEventBytes && over < len(l.events)-1 {
		l.size -= l.events[over].size()
		over++
	}
	clear(l.events[:over])
	l.events = l.events[over:]
	l.wake()
}

func (l *ledger) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// since is what came after a number. A number that was not given yet is one of an
// earlier count: then it is everything. changed is closed when there is more, and
// nil where there never will be.
func (l *ledger) since(after int64) (out eventsOut, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if after > l.seq {
		after = 0
	}
	first := l.seq - int64(len(l.events)) + 1
	out.Lost = max(0, first-after-1)
	out.Events = slices.Clone(l.events[max(0, after+1-first):])
	out.Next = l.seq
	if out.Events == nil {
		out.Events = []event{}
	}
	if l.over {
		return out, nil
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return out, l.changed
}

// end ends the waiting for events.
func (l *ledger) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	l.wake()
}

// shorten cuts texts after maxEventText bytes in all.
func shorten(all []string) []string {
	room := maxEventText
	for i, s := range all {
		if len(s) > room {
			short := append(slices.Clone(all[:i]), cutText(s, room))
			if more := len(all) - i - 1; more > 0 {
				short = append(short, fmt.Sprintf("... (%d more)", more))
			}
			return short
		}
		room -= len(s)
	}
	return all
}

// cutText is the beginning of s.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n-partial([]byte(s[:n]))] + "..."
}
