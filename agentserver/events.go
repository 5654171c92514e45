package agentserver

import (
	"strconv"
	"time"

	"github.com/hutch-dev/hutch/server"
)

const (
	maxWait       = 300 // seconds
	maxBatch      = 1000
	maxBatchBytes = 4 << 20
)

type eventsQuery struct {
	After       int64 `json:"after" jsonschema:"Only events with greater numbers. A number that no event has had is taken for 0."`
	WaitSeconds int   `json:"wait_seconds" jsonschema:"How long to wait while there is none, up to 300."`
}

type eventsOut struct {
	Events []event `json:"events"`
	Next   int64   `json:"next" jsonschema:"The after that goes on from here."`
	Lost   int64   `json:"lost" jsonschema:"How many events after after are not kept any more."`
	State  state   `json:"state" jsonschema:"That of the run. While it is running or waiting there will be more."`
	More   bool    `json:"more" jsonschema:"There are more already."`
}

type lostOut struct {
	Lost int64 `json:"lost"`
}

// look is what there is after a number, and what is closed when there is more.
func (r *run) look(after int64) (out eventsOut, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, lost := r.events.since(after)
	out = eventsOut{Events: []event{}, Next: after, Lost: lost, State: r.rec.State}
	bytes := 0
	for _, e := range list {
		if bytes += len(e.Event); len(out.Events) == maxBatch || len(out.Events) > 0 && bytes > maxBatchBytes {
			out.More = true
			break
		}
		out.Events = append(out.Events, e)
		out.Next = e.Seq
	}
	if r.rec.Last < r.events.begin && r.rec.State.over() { // it has not gone on in this life
		out.Lost = r.rec.lost(after)
	}
	return out, r.changed
}

// lost is how many events after a number are gone with the memory they were in.
func (rec *record) lost(after int64) int64 {
	if after/lifeEvents != rec.Last/lifeEvents {
		return rec.Last % lifeEvents
	}
	return max(0, rec.Last-after)
}

func (s *Server) events(c *server.Call) (any, error) {
	q := c.Query.(*eventsQuery)
	switch {
	case q.After < 0:
		return nil, invalid("after must not be below 0")
	case q.WaitSeconds < 0 || q.WaitSeconds > maxWait:
		return nil, invalid("wait_seconds must be 0 to %d", maxWait)
	}
	r, err := s.find(c)
	if err != nil {
		return nil, err
	}
	if c.WantsEvents() {
		if n, err := strconv.ParseInt(c.R.Header.Get("Last-Event-ID"), 10, 64); err == nil && n >= 0 {
			q.After = n // of a client that comes back
		}
		r.stream(c, q.After)
		return nil, nil
	}
	t := time.NewTimer(time.Duration(q.WaitSeconds) * time.Second)
	defer t.Stop()
	for {
		out, changed := r.look(q.After)
		if len(out.Events) > 0 || out.State.over() || q.WaitSeconds == 0 {
			return out, nil
		}
		select {
		case <-changed:
		case <-t.C:
			return out, nil
		case <-c.Draining():
			return out, nil
		case <-c.Ctx.Done():
			return nil, c.Ctx.Err()
		}
	}
}

// stream sends what happens until the run has ended or the client is gone.
func (r *run) stream(c *server.Call, after int64) {
	e := c.Events()
	for {
		out, changed := r.look(after)
		if out.Lost > 0 && e.Send("", "lost", lostOut{out.Lost}) != nil {
			return
		}
		for _, x := range out.Events {
			if e.Send(strconv.FormatInt(x.Seq, 10), string(x.kind), x) != nil {
				return
			}
		}
		after = out.Next
		if len(out.Events) > 0 {
			continue
		}
		if out.State.over() {
			_ = e.Send("", "run", r.out())
			return
		}
		select {
		case <-changed:
		case <-c.Draining():
			return
		case <-c.Ctx.Done():
			return
		}
	}
}
