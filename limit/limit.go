// Package limit caps how much is done with a backend.
package limit

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Options are the caps. A field that is zero or less is none.
type Options struct {
	FileBytes  int64 // of each file that is written or edited
	WriteBytes int64 // written into files in all; what a failed write took is given back
	ReadBytes  int64 // read from files in all, by Open and by edits, not by searches
	Operations int64 // in all; opening a file is one, and so is a whole search
	Entries    int64 // given by a list, a walk or a glob
	Matches    int64 // lines given by a grep, those around matches included

	Commands    int64 // in all
	AtOnce      int64 // commands running at a time; one more is refused and does not wait
	OutputBytes int64 // of each command, standard output and error together
}

// Backend is a backend with caps. What goes beyond one is an error that matches
// [hutch.ErrTooLarge] and says which:
//
//   - A write or an edit that is too large changes nothing.
//   - A read ends with the error after the last byte that is allowed, a list or
//     a search after the last entry.
//   - A command that prints too much is ended. Its writers have got as much as
//     is allowed, and Exec returns the error. What nobody wants to have, because
//     Stdout or Stderr is nil, does not count.
//
// The caps are exact, also for operations side by side; bytes of a write under
// way count. Nothing that was counted comes back when a file is removed.
//
// It has the speeds and powers of what it wraps as far as it knows them:
// [hutch.Execer], [hutch.Rooted], [hutch.Signaler], [hutch.Linker],
// [hutch.Confiner], [hutch.Snapshotter] and [guard.Foreseer]. It is safe for concurrent
// use and does not close what it wraps.
type Backend struct {
	b hutch.Backend
	o Options
	n *used
}

// used is what was used so far.
type used struct {
	written, read, ops, commands, running atomic.Int64
}

// New caps what is done with b, which must not be nil.
func New(b hutch.Backend, o Options) *Backend {
	if b == nil {
		panic("limit: no backend")
	}
	return &Backend{b: b, o: o, n: &used{}}
}

// take adds n to what was used of a cap, or nothing and false if that is over it.
func take(counter *atomic.Int64, limit, n int64) bool {
	if limit <= 0 {
		return true
	}
	for {
		now := counter.Load()
		if n > limit-now {
			return false
		}
		if counter.CompareAndSwap(now, now+n) {
			return true
		}
	}
}

// takeSome takes up to n, and says how much.
func takeSome(counter *atomic.Int64, limit, n int64) int64 {
	if limit <= 0 {
		return n
	}
	for {
		now := counter.Load()
		some := min(n, limit-now)
		if counter.CompareAndSwap(now, now+some) {
			return some
		}
	}
}

func tooMany(op, name string, limit int64, what string) error {
	return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: at most %d %s", hutch.ErrTooLarge, limit, what)}
}

// begin counts an operation.
func (l *Backend) begin(op, name string) error {
	if !take(&l.n.ops, l.o.Operations, 1) {
		return tooMany(op, name, l.o.Operations, "operations in all")
	}
	return nil
}

// As offers the speeds, and the powers that the wrapped backend has.
func (l *Backend) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = l, true
	case *hutch.Scanner:
		*t, ok = scanner{l}, has[hutch.Scanner](l.b)
	case *hutch.Globber:
		*t, ok = l, true
	case *hutch.Grepper:
		*t, ok = l, true
	case *hutch.Updater:
		*t, ok = l, true
	case *hutch.Renamer:
		*t, ok = renamer{l}, has[hutch.Renamer](l.b)
	case *hutch.Execer:
		*t, ok = execer{l}, has[hutch.Execer](l.b)
	case *hutch.Rooted:
		*t, ok = rooted{l}, has[hutch.Rooted](l.b)
	case *hutch.Signaler:
		*t, ok = signaler{l}, has[hutch.Signaler](l.b)
	case *hutch.Linker:
		*t, ok = linker{l}, has[hutch.Linker](l.b)
	case *hutch.Confiner:
		*t, ok = confiner{l}, has[hutch.Confiner](l.b)
	case *hutch.Snapshotter:
		*t, ok = snapshotter{l}, has[hutch.Snapshotter](l.b)
	case *guard.Foreseer:
		*t, ok = foreseer{l}, has[guard.Foreseer](l.b)
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

// Stat implements [hutch.Backend].
func (l *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if err := l.begin("stat", name); err != nil {
		return hutch.Info{}, err
	}
	return l.b.Stat(ctx, name)
}

// Remove implements [hutch.Backend].
func (l *Backend) Remove(ctx context.Context, name string) error {
	if err := l.begin("remove", name); err != nil {
		return err
	}
	return l.b.Remove(ctx, name)
}

// List implements [hutch.Backend].
func (l *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return capped(l, "list", dir, l.o.Entries, "entries", l.b.List(ctx, dir))
}

type scanner struct{ l *Backend }

func (s scanner) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return capped(s.l, "list", dir, s.l.o.Entries, "entries", power[hutch.Scanner](s.l.b).Scan(ctx, dir))
}

// Walk implements [hutch.Walker].
func (l *Backend) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return capped(l, "walk", dir, l.o.Entries, "entries", hutch.Walk(ctx, l.b, dir))
}

// Glob implements [hutch.Globber].
func (l *Backend) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	dir := "."
	if opts != nil && opts.Dir != "" {
		dir = opts.Dir
	}
	return capped(l, "glob", dir, l.o.Entries, "entries", hutch.Glob(ctx, l.b, pattern, opts))
}

// Grep implements [hutch.Grepper].
func (l *Backend) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	dir := "."
	if q.Dir != "" {
		dir = q.Dir
	}
	return capped(l, "grep", dir, l.o.Matches, "lines", hutch.Grep(ctx, l.b, q))
}

// capped is a sequence that counts as one operation each time it is run, and
// ends with an error where it would be longer than limit.
func capped[T any](l *Backend, op, dir string, limit int64, what string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if err := l.begin(op, dir); err != nil {
			yield(none, err)
			return
		}
		n := int64(0)
		for v, err := range seq {
			if n++; err == nil && limit > 0 && n > limit {
				yield(none, tooMany(op, dir, limit, what))
				return
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// Open implements [hutch.Backend].
func (l *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	if err := l.begin("open", name); err != nil {
		return nil, err
	}
	f, err := l.b.Open(ctx, name)
	if err != nil || l.o.ReadBytes <= 0 {
		return f, err
	}
	o := opened{f, l, name}
	if s, ok := f.(seekable); ok {
		return seeker{o, s}, nil
	}
	return o, nil
}

// opened is an open file whose bytes are counted.
type opened struct {
	hutch.File
	l    *Backend
	name string
}

// count lets through as much of n bytes as is allowed.
func (o opened) count(n int, err error) (int, error) {
	if n <= 0 {
		return n, err
	}
	some := takeSome(&o.l.n.read, o.l.o.ReadBytes, int64(n))
	if some < int64(n) {
		return int(some), tooMany("read", o.name, o.l.o.ReadBytes, "bytes read in all")
	}
	return n, err
}

func (o opened) Read(p []byte) (int, error) { return o.count(o.File.Read(p)) }

type seekable interface {
	io.ReaderAt
	io.Seeker
}

// seeker is an open file that can be read from anywhere.
type seeker struct {
	opened
	s seekable
}

func (s seeker) ReadAt(p []byte, off int64) (int, error) { return s.count(s.s.ReadAt(p, off)) }

func (s seeker) Seek(offset int64, whence int) (int64, error) { return s.s.Seek(offset, whence) }
