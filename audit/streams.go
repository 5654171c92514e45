package audit

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// Open implements [hutch.Backend].
func (a *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	e, err := a.begin(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	f, err := a.b.Open(ctx, name)
	if err != nil {
		e.end(err)
		return nil, err
	}
	o := &opened{File: f, e: e}
	if s, ok := f.(seekable); ok {
		return seeker{o, s}, nil
	}
	return o, nil
}

// opened is an open file that counts.
type opened struct {
	hutch.File
	e     *entry
	bytes atomic.Int64
	err   atomic.Pointer[error] // the first of a Read
	once  sync.Once
}

func (o *opened) count(n int, err error) (int, error) {
	o.bytes.Add(int64(max(n, 0)))
	if err != nil && err != io.EOF {
		o.err.CompareAndSwap(nil, &err)
	}
	return n, err
}

func (o *opened) Read(p []byte) (int, error) { return o.count(o.File.Read(p)) }

func (o *opened) Close() error {
	err := o.File.Close()
	o.once.Do(func() {
		o.e.add(slog.Int64("bytes", o.bytes.Load()))
		told := err
		if first := o.err.Load(); first != nil {
			told = *first
		}
		o.e.end(told)
	})
	return err
}

type seekable interface {
	ReadAt(p []byte, off int64) (int, error)
	Seek(offset int64, whence int) (int64, error)
}

// seeker is an open file that can be read from anywhere.
type seeker struct {
	*opened
	s seekable
}

func (s seeker) ReadAt(p []byte, off int64) (int, error) { return s.count(s.s.ReadAt(p, off)) }

func (s seeker) Seek(offset int64, whence int) (int64, error) { return s.s.Seek(offset, whence) }

// List implements [hutch.Backend].
func (a *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return counted(a, ctx, "list", dir, a.b.List(ctx, dir))
}

type scanner struct{ a *Backend }

func (s scanner) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return counted(s.a, ctx, "scan", dir, power[hutch.Scanner](s.a.b).Scan(ctx, dir))
}

// Walk implements [hutch.Walker].
func (a *Backend) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return counted(a, ctx, "walk", dir, hutch.Walk(ctx, a.b, dir))
}

// Glob implements [hutch.Globber].
func (a *Backend) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	dir := "."
	if opts != nil && opts.Dir != "" {
		dir = opts.Dir
	}
	return counted(a, ctx, "glob", dir, hutch.Glob(ctx, a.b, pattern, opts), slog.String("pattern", pattern))
}

// Grep implements [hutch.Grepper].
func (a *Backend) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	dir := "."
	if q.Dir != "" {
		dir = q.Dir
	}
	return counted(a, ctx, "grep", dir, hutch.Grep(ctx, a.b, q))
}

// counted is a sequence that is recorded when it has ended, each time it is run.
func counted[T any](a *Backend, ctx context.Context, op, dir string, seq iter.Seq2[T, error], attrs ...slog.Attr) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		e, err := a.begin(ctx, op, dir)
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		e.add(attrs...)
		n, stopped := 0, false
		var last error
		defer func() { // also where the consumer panics
			e.add(slog.Int("count", n))
			if stopped {
				e.add(slog.Bool("stopped", true))
			}
			e.end(last)
		}()
		for v, err := range seq {
			if last = err; err == nil {
				n++
			}
			stopped = true // if it never comes back
			if !yield(v, err) {
				stopped = err == nil
				return
			}
			stopped = false
		}
	}
}
