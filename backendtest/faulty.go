package backendtest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// Faulty is b with errors where f wants them. Before each step f is asked with
// the name of the step and that of the file; an error from it takes the place
// of the step, as an *fs.PathError unless it is one. f must be safe for
// concurrent use; nil never objects. The steps are
//
//	open, stat, list, write, remove     a method of the backend
//	walk, grep, rename                  a speed, where b has it
//	real                                Real of [hutch.Linker], where b has it
//	read                                one Read of an open file
//	write.read                          one Read of the reader of a Write
//	list.next, walk.next, grep.next     the next element of a sequence
//
// Faulty lets the speeds of b through and of its powers Linker, whose Unlinked is
// as faulty as the rest; it hides all others.
func Faulty(b hutch.Backend, f func(op, name string) error) *FaultyBackend {
	if f == nil {
		f = func(string, string) error { return nil }
	}
	return &FaultyBackend{b: b, f: f, uses: &uses{}}
}

// FaultyBackend is what Faulty returns. It counts what is in use, so that a
// test sees what was not released.
type FaultyBackend struct {
	b hutch.Backend
	f func(op, name string) error
	*uses
}

// uses is what is open of a backend and of its Unlinked together.
type uses struct{ files, seqs atomic.Int64 }

// OpenFiles is how many files are open.
func (b *FaultyBackend) OpenFiles() int { return int(b.files.Load()) }

// OpenSequences is how many lists, walks and greps are under way.
func (b *FaultyBackend) OpenSequences() int { return int(b.seqs.Load()) }

func (b *FaultyBackend) fault(op, name string) error {
	err := b.f(op, name)
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// As lets the speeds and the links through.
func (b *FaultyBackend) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Walker:
		if w, ok := hutch.As[hutch.Walker](b.b); ok {
			*t = faultySpeeds{b: b, walker: w}
			return true
		}
	case *hutch.Globber:
		if g, ok := hutch.As[hutch.Globber](b.b); ok {
			*t = faultySpeeds{b: b, globber: g}
			return true
		}
	case *hutch.Grepper:
		if g, ok := hutch.As[hutch.Grepper](b.b); ok {
			*t = faultySpeeds{b: b, grepper: g}
			return true
		}
	case *hutch.Renamer:
		if r, ok := hutch.As[hutch.Renamer](b.b); ok {
			*t = faultySpeeds{b: b, renamer: r}
			return true
		}
	case *hutch.Linker:
		if l, ok := hutch.As[hutch.Linker](b.b); ok {
			*t = faultyLinker{b, l}
			return true
		}
	}
	return false
}

// Open implements hutch.Backend.
func (b *FaultyBackend) Open(ctx context.Context, name string) (hutch.File, error) {
	if err := b.fault("open", name); err != nil {
		return nil, err
	}
	f, err := b.b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	b.files.Add(1)
	return &faultyFile{b: b, f: f, name: name}, nil
}

// faultyFile shows nothing but Read, so that no way leads around the faults.
type faultyFile struct {
	b      *FaultyBackend
	f      hutch.File
	name   string
	closed atomic.Bool
}

func (f *faultyFile) Info() hutch.Info { return f.f.Info() }

func (f *faultyFile) Read(p []byte) (int, error) {
	if err := f.b.fault("read", f.name); err != nil {
		return 0, err
	}
	return f.f.Read(p)
}

func (f *faultyFile) Close() error {
	if !f.closed.Swap(true) {
		f.b.files.Add(-1)
	}
	return f.f.Close()
}

// Stat implements hutch.Backend.
func (b *FaultyBackend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if err := b.fault("stat", name); err != nil {
		return hutch.Info{}, err
	}
	return b.b.Stat(ctx, name)
}

// List implements hutch.Backend.
func (b *FaultyBackend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return faultySeq(b, "list", dir, b.b.List(ctx, dir), func(i hutch.Info) string { return i.Name })
}

// Write implements hutch.Backend.
func (b *FaultyBackend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := b.fault("write", name); err != nil {
		return hutch.Info{}, err
	}
	return b.b.Write(ctx, name, readerFunc(func(p []byte) (int, error) {
		if err := b.fault("write.read", name); err != nil {
			return 0, err
		}
		return r.Read(p)
	}), opts)
}

// Remove implements hutch.Backend.
func (b *FaultyBackend) Remove(ctx context.Context, name string) error {
	if err := b.fault("remove", name); err != nil {
		return err
	}
	return b.b.Remove(ctx, name)
}

type faultySpeeds struct {
	b       *FaultyBackend
	walker  hutch.Walker
	globber hutch.Globber
	grepper hutch.Grepper
	renamer hutch.Renamer
}

func (s faultySpeeds) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return faultySeq(s.b, "walk", dir, s.walker.Walk(ctx, dir), func(i hutch.Info) string { return i.Name })
}

func (s faultySpeeds) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	return faultySeq(s.b, "glob", opts.Dir, s.globber.Glob(ctx, pattern, opts), func(i hutch.Info) string { return i.Name })
}

func (s faultySpeeds) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	return faultySeq(s.b, "grep", q.Dir, s.grepper.Grep(ctx, q), func(m hutch.Match) string { return m.Name })
}

func (s faultySpeeds) Rename(ctx context.Context, from, to string) error {
	if err := s.b.fault("rename", from); err != nil {
		return err
	}
	return s.renamer.Rename(ctx, from, to)
}

type faultyLinker struct {
	b *FaultyBackend
	l hutch.Linker
}

func (l faultyLinker) Real(ctx context.Context, name string) (string, error) {
	if err := l.b.fault("real", name); err != nil {
		return "", err
	}
	return l.l.Real(ctx, name)
}

func (l faultyLinker) Unlinked() hutch.Backend {
	return &FaultyBackend{b: l.l.Unlinked(), f: l.b.f, uses: l.b.uses}
}

func faultySeq[T any](b *FaultyBackend, op, dir string, seq iter.Seq2[T, error], name func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		b.seqs.Add(1)
		defer b.seqs.Add(-1)
		var none T
		if err := b.fault(op, dir); err != nil {
			yield(none, err)
			return
		}
		for v, err := range seq {
			if err == nil {
				err = b.fault(op+".next", name(v))
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(v, nil) {
				return
			}
		}
	}
}
