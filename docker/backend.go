package docker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/hutch-dev/hutch"
)

// fail puts operation and name around an error that has none.
func fail(op, name string, err error) error {
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// to checks a name and finds where the operation goes.
func (s *Sandbox) to(ctx context.Context, op, name string) (hutch.Sandbox, error) {
	if err := hutch.CheckName(op, name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(op, name, err)
	}
	b, err := s.backend(ctx)
	return b, fail(op, name, err)
}

// files is to, for what needs no commands.
func (s *Sandbox) files(ctx context.Context, op, name string) (hutch.Backend, error) {
	b, err := s.to(ctx, op, name)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Open implements [hutch.Backend].
func (s *Sandbox) Open(ctx context.Context, name string) (hutch.File, error) {
	b, err := s.to(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	return b.Open(ctx, name)
}

// Stat implements [hutch.Backend].
func (s *Sandbox) Stat(ctx context.Context, name string) (hutch.Info, error) {
	b, err := s.to(ctx, "stat", name)
	if err != nil {
		return hutch.Info{}, err
	}
	return b.Stat(ctx, name)
}

// List implements [hutch.Backend].
func (s *Sandbox) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return stream(s, ctx, "list", dir, func(b hutch.Backend) iter.Seq2[hutch.Info, error] { return b.List(ctx, dir) })
}

// Write implements [hutch.Backend].
func (s *Sandbox) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	b, err := s.to(ctx, "write", name)
	if err != nil {
		return hutch.Info{}, err
	}
	return b.Write(ctx, name, r, opts)
}

// Remove implements [hutch.Backend].
func (s *Sandbox) Remove(ctx context.Context, name string) error {
	b, err := s.to(ctx, "remove", name)
	if err != nil {
		return err
	}
	return b.Remove(ctx, name)
}

// Exec implements [hutch.Execer]. A command whose container or connection goes
// away has no status: the error matches [ErrLost] and says what is known.
func (s *Sandbox) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if cmd == nil || len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return hutch.Result{}, fail("exec", "", fs.ErrInvalid)
	}
	b, err := s.to(ctx, "exec", ".")
	if err != nil {
		return hutch.Result{}, fail("exec", cmd.Args[0], cause(err))
	}
	own := *cmd
	own.Limits = within(cmd.Limits, s.limit)
	res, err := b.Exec(ctx, &own)
	if errors.Is(err, ErrLost) && ctx.Err() == nil {
		err = &fs.PathError{Op: "exec", Path: cmd.Args[0], Err: s.lost(ctx)}
	}
	return res, err
}

// cause takes operation and name off an error.
func cause(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// within are the limits of a command inside those of the sandbox.
func within(asked, most hutch.Limits) hutch.Limits {
	return hutch.Limits{
		Time: lesser(asked.Time, most.Time), CPU: lesser(asked.CPU, most.CPU), Memory: lesser(asked.Memory, most.Memory),
		Processes: lesser(asked.Processes, most.Processes), FileSize: lesser(asked.FileSize, most.FileSize),
		OpenFiles: lesser(asked.OpenFiles, most.OpenFiles),
	}
}

func lesser[T int | int64 | time.Duration](a, b T) T {
	switch {
	case a <= 0:
		return max(0, b)
	case b <= 0:
		return a
	}
	return min(a, b)
}

// side is where operations on files go.
type side interface {
	files(ctx context.Context, op, name string) (hutch.Backend, error)
}

// stream is a sequence of the far side, found when it is asked for.
func stream[T any](s side, ctx context.Context, op, dir string, of func(hutch.Backend) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		b, err := s.files(ctx, op, dir)
		if err != nil {
			yield(none, err)
			return
		}
		of(b)(yield)
	}
}

// As answers for the powers, and for the speeds that the far side has.
func (s *Sandbox) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Execer:
		*t = s
		return true
	case *hutch.Rooted:
		*t = s
		return true
	case *hutch.Signaler:
		return give[hutch.Signaler](s, t, signals{s})
	case *hutch.Renamer:
		return give[hutch.Renamer](s, t, speeds{s})
	case *hutch.Walker:
		return give[hutch.Walker](s, t, speeds{s})
	case *hutch.Scanner:
		return give[hutch.Scanner](s, t, speeds{s})
	case *hutch.Grepper:
		return give[hutch.Grepper](s, t, speeds{s})
	case *hutch.Globber:
		return give[hutch.Globber](s, t, speeds{s})
	case *hutch.Linker:
		return give[hutch.Linker](s, t, links{s})
	case *hutch.Confiner:
		*t = s
		return true
	}
	return false
}

// give sets a speed if the far side has it.
func give[T any](s *Sandbox, to *T, v T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ok bool
	if s.plain != nil {
		_, ok = hutch.As[T](s.plain)
	} else {
		_, ok = hutch.As[T](s.client)
	}
	if ok {
		*to = v
	}
	return ok
}

// speeds are those of the far side, whichever connection it is on.
type speeds struct{ s side }

func (v speeds) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return stream(v.s, ctx, "walk", dir, func(b hutch.Backend) iter.Seq2[hutch.Info, error] { return hutch.Walk(ctx, b, dir) })
}

func (v speeds) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return stream(v.s, ctx, "list", dir, func(b hutch.Backend) iter.Seq2[hutch.Info, error] {
		if c, ok := hutch.As[hutch.Scanner](b); ok {
			return c.Scan(ctx, dir)
		}
		return b.List(ctx, dir)
	})
}

func (v speeds) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	return stream(v.s, ctx, "grep", first(q.Dir, "."), func(b hutch.Backend) iter.Seq2[hutch.Match, error] { return hutch.Grep(ctx, b, q) })
}

func (v speeds) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	dir := "."
	if opts != nil {
		dir = first(opts.Dir, dir)
	}
	return stream(v.s, ctx, "glob", dir, func(b hutch.Backend) iter.Seq2[hutch.Info, error] { return hutch.Glob(ctx, b, pattern, opts) })
}

func (v speeds) Rename(ctx context.Context, from, to string) error {
	if err := hutch.CheckName("rename", from); err != nil {
		return err
	}
	if err := hutch.CheckName("rename", to); err != nil {
		return err
	}
	b, err := v.s.files(ctx, "rename", from)
	if err != nil {
		return err
	}
	if r, ok := hutch.As[hutch.Renamer](b); ok {
		return r.Rename(ctx, from, to)
	}
	return fail("rename", from, errors.ErrUnsupported)
}
