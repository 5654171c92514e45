package local

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
)

// Sandbox is a directory of this machine with commands in a jail. It has the
// speeds [hutch.Renamer] and [hutch.Scanner] and the powers [hutch.Execer], [hutch.Rooted],
// [hutch.Linker] and [hutch.Confiner].
// What is on disk under a name that is no name here, because it is not valid
// UTF-8 or longer than [hutch.MaxName], is not shown.
type Sandbox struct {
	dir   string // absolute, of the host; for the jail only
	opts  Options
	tree  tree
	guard guard
	locks locks
	cell  cell // the jail, once it runs

	ceiling *jail.Level // for tests: the highest level tried

	mu     sync.RWMutex // held for reading by every operation, for writing by Close
	closed bool
}

var (
	_ hutch.Sandbox = (*Sandbox)(nil)
	_ hutch.Rooted  = (*Sandbox)(nil)
	_ hutch.Renamer = (*Sandbox)(nil)
	_ hutch.Scanner = (*Sandbox)(nil)
	_ hutch.Linker  = (*Sandbox)(nil)

	_ hutch.Confiner = (*Sandbox)(nil)
)

// Open opens the workspace in dir, which must be a directory. opts may be nil.
// It removes what a killed program left there, unless another user of this
// package has the workspace open. It starts no process.
//
// Protected names, and Env entries without "=", that make no sense are errors
// that match fs.ErrInvalid. Whoever opens a Sandbox closes it.
func Open(dir string, opts *Options) (*Sandbox, error) {
	return open(dir, opts, newTree)
}

func open(dir string, opts *Options, newTree func(string) (tree, error)) (*Sandbox, error) {
	s := &Sandbox{}
	if opts != nil {
		s.opts = opts.clone()
	}
	if err := s.opts.check(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err == nil {
		s.tree, err = newTree(abs)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: plain(err)}
	}
	s.dir = abs
	if len(s.opts.Hide) > 0 {
		s.cell.confined = []hutch.Confinement{{Hide: s.opts.Hide}}
	}
	if s.guard, err = newGuard(s.opts.Protect, s.opts.Unprotect); err == nil {
		err = s.locks.init(s)
	}
	if err != nil {
		s.tree.close()
		return nil, err
	}
	return s, nil
}

func (o *Options) clone() Options {
	c := *o
	c.Visible = slices.Clone(o.Visible)
	c.Env = slices.Clone(o.Env)
	c.Protect = slices.Clone(o.Protect)
	c.Unprotect = slices.Clone(o.Unprotect)
	c.Hide = slices.Clone(o.Hide)
	return c
}

func (o *Options) check() error {
	if o.Isolation < Unconfined || o.Isolation > Capped {
		return &fs.PathError{Op: "open", Path: ".", Err: errors.Join(fs.ErrInvalid, errors.New("unknown isolation"))}
	}
	for _, v := range o.Visible {
		if !filepath.IsAbs(v) {
			return &fs.PathError{Op: "open", Path: v, Err: errors.Join(fs.ErrInvalid, errors.New("visible path is not absolute"))}
		}
	}
	if err := (&jail.Confinement{Hide: o.Hide}).Check(); err != nil {
		return fail("hide", ".", err)
	}
	for _, e := range o.Env {
		if strings.IndexByte(e, '=') < 1 || strings.IndexByte(e, 0) >= 0 {
			return &fs.PathError{Op: "open", Path: ".", Err: errors.Join(fs.ErrInvalid, errors.New("environment entry is not KEY=value"))}
		}
	}
	return nil
}

// begin is asked first by every operation. Where it returns no error, end must
// be called.
func (s *Sandbox) begin(ctx context.Context, op, name string) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fail(op, name, err)
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return fail(op, name, hutch.ErrClosed)
	}
	return nil
}

func (s *Sandbox) end() { s.mu.RUnlock() }

// fail puts operation and name around an error.
func fail(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: plain(err)}
}

// Open implements [hutch.Backend].
func (s *Sandbox) Open(ctx context.Context, name string) (hutch.File, error) {
	return view{s: s}.Open(ctx, name)
}

// Stat implements [hutch.Backend].
func (s *Sandbox) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return view{s: s}.Stat(ctx, name)
}

// List implements [hutch.Backend].
func (s *Sandbox) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return view{s: s}.List(ctx, dir)
}

// Scan implements [hutch.Scanner].
func (s *Sandbox) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return view{s: s}.Scan(ctx, dir)
}

// Write implements [hutch.Backend].
func (s *Sandbox) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	return view{s: s}.Write(ctx, name, r, opts)
}

// Remove implements [hutch.Backend].
func (s *Sandbox) Remove(ctx context.Context, name string) error {
	return view{s: s}.Remove(ctx, name)
}

// Rename implements [hutch.Renamer]. A link is renamed, never what it leads to.
func (s *Sandbox) Rename(ctx context.Context, from, to string) error {
	return view{s: s}.Rename(ctx, from, to)
}

// Close ends the jail, if there is one, with all that runs in it. Operations
// that are under way are waited for, commands are ended. It is safe to call it
// again.
func (s *Sandbox) Close() error {
	err := s.cell.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.locks.close()
	return errors.Join(err, s.tree.close())
}
