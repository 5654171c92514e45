// Package audit records what is done with a backend.
//
// Put it outside of a guard: what the guard refuses is recorded as well. Inside,
// only what was let through would be, by the names that links lead to.
package audit

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Backend is a backend whose every operation leaves one record, when it has
// ended, with the level Warn if it was refused and Info otherwise. The message is
// what was done: open, stat, list, scan, walk, glob, grep, write, edit, remove,
// rename, exec, confine, snapshot or restore. The attributes, each where it says something, are
//
//	who       Options.Who
//	by        of the context, see By
//	name      what was meant, as the caller said it; of exec the directory
//	to        the new name of a rename
//	pattern   of glob
//	result    ok, refused (the error matches fs.ErrPermission), or failed
//	error     the kind of the error, such as "not exist" or "conflict"
//	bytes     that were read, written, or printed by a command
//	count     of what a list or a search has given
//	stopped   true where its consumer wanted no more
//	args      of a command, see Options.Secrets
//	env       the names, without values, that a command was given
//	exit, signal, timeout   how a command ended
//	duration  in nanoseconds, from begin to end, also of what the caller did in between
//
// Never recorded are contents, what is searched for, values of the environment,
// input and output, and texts of errors, which may quote contents.
//
// An open file is recorded when it is closed, a list or a search when it has
// ended; a file that is never closed is not. Where a speed does several things
// at once that is one record. What only says where a name leads leaves none.
//
// It has the speeds and powers of what it wraps as far as it knows them:
// [hutch.Execer], [hutch.Rooted], [hutch.Signaler], [hutch.Linker],
// [hutch.Confiner] and [guard.Foreseer]. It is safe for concurrent use, as long as the handler of its
// logger is, and does not close what it wraps.
type Backend struct {
	b    hutch.Backend
	log  *slog.Logger
	o    Options
	lost *atomic.Pointer[error] // why a record could not be written
}

// Options qualifies New.
type Options struct {
	// Who uses the backend: a user, a session.
	Who string
	// Secrets are texts that are replaced by "***" in the arguments of commands.
	// So are, without being named: the values of the command's environment from
	// six bytes on; user and password in a URL; what follows a name with token,
	// secret, password, passwd, passphrase, credential, authorization, cookie,
	// api key, access key or private key in it and "=", ":" or, for an option,
	// white space or the next argument; what follows Bearer and Basic; and texts
	// that have the form of a well-known kind of key. A secret that is none of
	// this is recorded: who passes such things leaves the arguments out.
	Secrets []string
	// NoArgs records the program alone.
	NoArgs bool
	// Lost is told why a record could not be written. Without it, no operation
	// is let through after that: the error matches hutch.ErrClosed.
	Lost func(error)
}

// New records what is done with b. Neither b nor log may be nil; opts may.
func New(b hutch.Backend, log *slog.Logger, opts *Options) *Backend {
	if b == nil || log == nil {
		panic("audit: no backend or no logger")
	}
	a := &Backend{b: b, log: log, lost: new(atomic.Pointer[error])}
	if opts != nil {
		a.o = *opts
		a.o.Secrets = slices.Clone(opts.Secrets)
	}
	return a
}

type byKey struct{}

// By is a context under which operations are recorded as done by who: an agent
// among several that share a backend.
func By(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, byKey{}, who)
}

// entry is a record to be.
type entry struct {
	a     *Backend
	ctx   context.Context
	op    string
	start time.Time
	attrs []slog.Attr
}

// begin begins an operation, unless there is nowhere to record it.
func (a *Backend) begin(ctx context.Context, op, name string) (*entry, error) {
	if err := a.lost.Load(); err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: *err}
	}
	e := &entry{a: a, ctx: ctx, op: op, start: time.Now()}
	if a.o.Who != "" {
		e.add(slog.String("who", a.o.Who))
	}
	if by, ok := ctx.Value(byKey{}).(string); ok {
		e.add(slog.String("by", by))
	}
	e.add(slog.String("name", name))
	return e, nil
}

func (e *entry) add(attrs ...slog.Attr) { e.attrs = append(e.attrs, attrs...) }

// end writes the record.
func (e *entry) end(err error) {
	now := time.Now()
	level, result := slog.LevelInfo, "ok"
	switch {
	case errors.Is(err, fs.ErrPermission):
		level, result = slog.LevelWarn, "refused"
	case err != nil:
		result = "failed"
	}
	h := e.a.log.Handler()
	if !h.Enabled(e.ctx, level) {
		return
	}
	r := slog.NewRecord(now, level, e.op, 0)
	r.AddAttrs(e.attrs...)
	r.AddAttrs(slog.String("result", result))
	if err != nil {
		r.AddAttrs(slog.String("error", kind(err)))
	}
	r.AddAttrs(slog.Duration("duration", now.Sub(e.start)))
	if failed := h.Handle(context.WithoutCancel(e.ctx), r); failed != nil {
		e.a.lose(failed)
	}
}

// errLost hides what a handler says, which may name files of the host.
type errLost struct{}

func (errLost) Error() string { return "what is done cannot be recorded any more" }
func (errLost) Unwrap() error { return hutch.ErrClosed }

func (a *Backend) lose(why error) {
	if a.o.Lost != nil {
		a.o.Lost(why)
		return
	}
	var err error = errLost{}
	a.lost.Store(&err)
}

// kinds are the errors that are told apart, the more telling first.
var kinds = []struct {
	err  error
	name string
}{
	{context.Canceled, "canceled"}, {context.DeadlineExceeded, "deadline exceeded"}, {fs.ErrPermission, "permission"},
	{hutch.ErrConflict, "conflict"}, {fs.ErrNotExist, "not exist"}, {hutch.ErrIsDir, "is a directory"},
	{hutch.ErrNotDir, "not a directory"}, {fs.ErrExist, "exist"}, {hutch.ErrTooLarge, "too large"}, {hutch.ErrClosed, "closed"},
	{errors.ErrUnsupported, "unsupported"}, {fs.ErrInvalid, "invalid"},
}

func kind(err error) string {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return "other"
}

// As offers the speeds, and the powers that the wrapped backend has.
func (a *Backend) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = a, true
	case *hutch.Scanner:
		*t, ok = scanner{a}, has[hutch.Scanner](a.b)
	case *hutch.Globber:
		*t, ok = a, true
	case *hutch.Grepper:
		*t, ok = a, true
	case *hutch.Updater:
		*t, ok = a, true
	case *hutch.Renamer:
		*t, ok = renamer{a}, has[hutch.Renamer](a.b)
	case *hutch.Execer:
		*t, ok = execer{a}, has[hutch.Execer](a.b)
	case *hutch.Rooted:
		*t, ok = rooted{a}, has[hutch.Rooted](a.b)
	case *hutch.Signaler:
		*t, ok = signaler{a}, has[hutch.Signaler](a.b)
	case *hutch.Linker:
		*t, ok = linker{a}, has[hutch.Linker](a.b)
	case *hutch.Confiner:
		*t, ok = confiner{a}, has[hutch.Confiner](a.b)
	case *hutch.Snapshotter:
		*t, ok = snapshotter{a}, has[hutch.Snapshotter](a.b)
	case *guard.Foreseer:
		*t, ok = foreseer{a}, has[guard.Foreseer](a.b)
	}
	return ok
}

func has[T any](b hutch.Backend) bool {
	_, ok := hutch.As[T](b)
	return ok
}

// power is a T that b has.
func power[T any](b hutch.Backend) T {
	t, _ := hutch.As[T](b)
	return t
}

// Write implements [hutch.Backend].
func (a *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	e, err := a.begin(ctx, "write", name)
	if err != nil {
		return hutch.Info{}, err
	}
	info, err := a.b.Write(ctx, name, r, opts)
	if err == nil {
		e.add(slog.Int64("bytes", info.Size))
	}
	e.end(err)
	return info, err
}

// Update implements [hutch.Updater].
func (a *Backend) Update(ctx context.Context, name string, change func(before []byte, i hutch.Info) (after []byte, err error)) (hutch.EditResult, error) {
	e, err := a.begin(ctx, "edit", name)
	if err != nil {
		return hutch.EditResult{}, err
	}
	res, err := hutch.UpdateFile(ctx, a.b, name, change)
	if err == nil {
		e.add(slog.Int64("bytes", res.Info.Size))
	}
	e.end(err)
	return res, err
}

// Stat implements [hutch.Backend].
func (a *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	e, err := a.begin(ctx, "stat", name)
	if err != nil {
		return hutch.Info{}, err
	}
	info, err := a.b.Stat(ctx, name)
	e.end(err)
	return info, err
}

// Remove implements [hutch.Backend].
func (a *Backend) Remove(ctx context.Context, name string) error {
	e, err := a.begin(ctx, "remove", name)
	if err != nil {
		return err
	}
	err = a.b.Remove(ctx, name)
	e.end(err)
	return err
}
