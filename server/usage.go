package server

import (
	"context"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
)

// ledger is what is known of a session beyond its sleep: what was done, and how
// much.
type ledger struct {
	requests, refused counter // requests that used the workspace
	commands, running counter // commands, jobs and those over the wire included
	nanoseconds       counter // of commands that have ended
	read, written     counter // bytes of files

	mu      sync.Mutex
	events  []event // the oldest first
	seq     int64   // of the last one
	size    int     // of their texts
	changed chan struct{}
	over    bool
}

// ledgers are those of the sessions that there are, by serial.
type ledgers struct {
	mu  sync.Mutex
	all map[string]*ledger
}

// of is the ledger of a session.
func (l *ledgers) of(serial string) *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.all[serial]
	if x == nil {
		if l.all == nil {
			l.all = map[string]*ledger{}
		}
		x = &ledger{}
		l.all[serial] = x
	}
	return x
}

// drop forgets a session that has ended.
func (l *ledgers) drop(serial string) {
	l.mu.Lock()
	x := l.all[serial]
	delete(l.all, serial)
	l.mu.Unlock()
	if x != nil {
		x.end()
	}
}

// ledger is that of the session of a call.
func (s *Service) ledger(c *Call) *ledger {
	l := s.rooms.ledgers.of(c.Info.Serial)
	if now, err := s.m.Get(c.ID); err != nil || now.Serial != c.Info.Serial {
		s.rooms.ledgers.drop(c.Info.Serial) // it has ended, and nobody will say so again
	}
	return l
}

// record is the backend of a room with everything recorded that is done with it.
func record(r *room) hutch.Backend {
	h := &scribe{l: r.ledger}
	if log := r.service.o.Audit; log != nil {
		h.next, h.session = log.Handler(), slog.String("session", r.info.ID)
	}
	return &recorded{audit.New(limited(r.plain, r.info.Limits), slog.New(h), nil), r}
}

// scribe is a handler that keeps the records of package audit. It fails where
// the one that gets them too does: then nothing is done any more.
type scribe struct {
	l       *ledger
	next    slog.Handler // nil is nobody
	session slog.Attr
}

// Enabled implements [slog.Handler].
func (h *scribe) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler]; package audit has no use for it.
func (h *scribe) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup implements [slog.Handler]; package audit has no use for it.
func (h *scribe) WithGroup(string) slog.Handler { return h }

// Handle implements [slog.Handler].
func (h *scribe) Handle(ctx context.Context, r slog.Record) error {
	h.l.note(r)
	if h.next == nil || !h.next.Enabled(ctx, r.Level) {
		return nil
	}
	r = r.Clone()
	r.AddAttrs(h.session)
	return h.next.Handle(ctx, r)
}

// note keeps a record.
func (l *ledger) note(r slog.Record) {
	e := event{Time: r.Time.UTC(), Op: r.Message, Decision: "allowed"}
	r.Attrs(func(a slog.Attr) bool {
		e.take(a)
		return true
	})
	if e.Bytes != nil {
		switch e.Op {
		case "open":
			l.read.add(*e.Bytes)
		case "write", "edit":
			l.written.add(*e.Bytes)
		}
	}
	l.add(e)
}

// take takes an attribute of a record.
func (e *event) take(a slog.Attr) {
	switch v := a.Value; a.Key {
	case "by":
		e.Who = v.String()
	case "name":
		e.Path = v.String()
	case "to":
		e.To = v.String()
	case "signal":
		e.Signal = v.String()
	case "error":
		e.Error = v.String()
	case "bytes":
		n := v.Int64()
		e.Bytes = &n
	case "exit":
		n := v.Int64()
		e.ExitCode = &n
	case "pattern":
		e.Pattern = cutText(v.String(), maxEventText)
	case "args":
		args, _ := v.Any().([]string)
		e.Args = shorten(args)
	case "timeout":
		e.TimedOut = v.Bool()
	case "duration":
		e.DurationMS = milliseconds(v.Duration())
	case "result":
		if v.String() == "refused" {
			e.Decision = "denied"
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// recorded is a backend whose commands are counted.
type recorded struct {
	*audit.Backend
	r *room
}

// As implements the method that [hutch.As] asks for.
func (b *recorded) As(target any) bool {
	t, ok := target.(*hutch.Execer)
	if !ok {
		return b.Backend.As(target)
	}
	e, ok := hutch.As[hutch.Execer](b.Backend)
	*t = execer{timed{e, b.r.info.Limits.CommandTime}, b.r}
	return ok
}

// execer counts commands.
type execer struct {
	hutch.Execer
	r *room
}

// Exec implements [hutch.Execer].
func (x execer) Exec(ctx context.Context, cmd *hutch.Cmd) (res hutch.Result, err error) {
	begin := time.Now()
	x.r.commands.add(1)
	x.r.running.add(1)
	x.r.service.meters.commands.Add(1)
	ctx, end := x.r.service.spanOf(ctx)
	defer func() {
		x.r.running.add(-1)
		x.r.nanoseconds.add(int64(time.Since(begin)))
		x.r.service.meters.commands.Add(-1)
		end(res, err)
	}()
	return x.Execer.Exec(ctx, cmd)
}

// spanOf begins the span of a command.
func (s *Service) spanOf(ctx context.Context) (context.Context, func(hutch.Result, error)) {
	if s.o.Tracer == nil {
		return ctx, func(hutch.Result, error) {}
	}
	ctx, span := s.o.Tracer.Start(ctx, "exec")
	return ctx, func(res hutch.Result, err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		} else {
			span.SetAttributes(attribute.Int("process.exit.code", res.ExitCode))
		}
		span.End()
	}
}

type usageQuery struct {
	Files bool `json:"files" jsonschema:"Count the files too, which takes a look at each of them and wakes the session."`
}

type usageOut struct {
	Commands        int64   `json:"commands" jsonschema:"That were started, jobs and those over the wire included."`
	CommandsRunning int64   `json:"commands_running"`
	JobsRunning     int     `json:"jobs_running"`
	CommandSeconds  float64 `json:"command_seconds" jsonschema:"Of the commands that have ended."`
	BytesRead       int64   `json:"bytes_read" jsonschema:"Of files, by whoever opened them; not by commands or searches."`
	BytesWritten    int64   `json:"bytes_written" jsonschema:"To files; not by commands."`
	Requests        int64   `json:"requests" jsonschema:"That used the workspace."`
	Refused         int64   `json:"refused" jsonschema:"Those of them that were denied."`
	Files           *int64  `json:"files,omitempty" jsonschema:"How many there are."`
	Bytes           *int64  `json:"bytes,omitempty" jsonschema:"What they hold."`
}

func getUsage(c *Call) (any, error) {
	l := c.service.ledger(c)
	out := usageOut{
		Commands: l.commands.get(), CommandsRunning: l.running.get(), CommandSeconds: time.Duration(l.nanoseconds.get()).Seconds(),
		BytesRead: l.read.get(), BytesWritten: l.written.get(), Requests: l.requests.get(), Refused: l.refused.get(),
	}
	if r := c.roomNow(); r != nil {
		out.JobsRunning = r.jobsRunning()
	}
	if !c.Query.(*usageQuery).Files {
		return out, nil
	}
	files, bytes, err := c.count()
	out.Files, out.Bytes = &files, &bytes
	return out, err
}

// count counts the files of the session and what they hold.
func (c *Call) count() (files, bytes int64, err error) {
	u, err := c.service.m.Use(c.Ctx, c.ID)
	if err != nil {
		return 0, 0, managerError(err)
	}
	defer u.Done()
	if u.Info().Serial != c.Info.Serial {
		return 0, 0, fs.ErrNotExist
	}
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	defer after(u.Context(), cancel)()
	for i, err := range hutch.Walk(ctx, u.Backend(), ".") {
		if err != nil {
			return 0, 0, err
		}
		files++
		bytes += i.Size
	}
	return files, bytes, nil
}
