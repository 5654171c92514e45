//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// broken is a backend of which some methods are replaced. It has no speeds but
// those that as gives.
type broken struct {
	b      hutch.Backend // sound
	open   func(ctx context.Context, name string) (hutch.File, error)
	stat   func(ctx context.Context, name string) (hutch.Info, error)
	list   func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error]
	write  func(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error)
	remove func(ctx context.Context, name string) error
	as     func(target any) bool
}

func (b *broken) Open(ctx context.Context, name string) (hutch.File, error) {
	if b.open != nil {
		return b.open(ctx, name)
	}
	return b.b.Open(ctx, name)
}

func (b *broken) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if b.stat != nil {
		return b.stat(ctx, name)
	}
	return b.b.Stat(ctx, name)
}

func (b *broken) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	if b.list != nil {
		return b.list(ctx, dir)
	}
	return b.b.List(ctx, dir)
}

func (b *broken) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if b.write != nil {
		return b.write(ctx, name, r, opts)
	}
	return b.b.Write(ctx, name, r, opts)
}

func (b *broken) Remove(ctx context.Context, name string) error {
	if b.remove != nil {
		return b.remove(ctx, name)
	}
	return b.b.Remove(ctx, name)
}

func (b *broken) As(target any) bool { return b.as != nil && b.as(target) }

// breaking makes a mutant of state by what change replaces.
func breaking(change func(b *broken)) func(t testing.TB) hutch.Backend {
	return func(testing.TB) hutch.Backend {
		b := &broken{b: Plain(state.New(nil))}
		change(b)
		return b
	}
}

// renaming is a mutant that turns every name into another before it is used.
func renaming(f func(name string) string) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.open = func(ctx context.Context, n string) (hutch.File, error) { return s.Open(ctx, f(n)) }
		b.stat = func(ctx context.Context, n string) (hutch.Info, error) { return s.Stat(ctx, f(n)) }
		b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] { return s.List(ctx, f(n)) }
		b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
			return s.Write(ctx, f(n), r, o)
		}
		b.remove = func(ctx context.Context, n string) error { return s.Remove(ctx, f(n)) }
	})
}

// erring is a mutant that turns every error into another.
func erring(f func(name string, err error) error) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		wrap := func(name string, err error) error {
			if err == nil {
				return nil
			}
			return f(name, err)
		}
		b.open = func(ctx context.Context, n string) (hutch.File, error) {
			file, err := s.Open(ctx, n)
			return file, wrap(n, err)
		}
		b.stat = func(ctx context.Context, n string) (hutch.Info, error) {
			i, err := s.Stat(ctx, n)
			return i, wrap(n, err)
		}
		b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
			return mapSeq(s.List(ctx, n), func(i hutch.Info, err error) (hutch.Info, error) { return i, wrap(n, err) })
		}
		b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
			i, err := s.Write(ctx, n, r, o)
			return i, wrap(n, err)
		}
		b.remove = func(ctx context.Context, n string) error { return wrap(n, s.Remove(ctx, n)) }
	})
}

// meaning is an erring mutant that takes one error for another.
func meaning(from, to error) func(t testing.TB) hutch.Backend {
	return erring(func(name string, err error) error {
		if errors.Is(err, from) {
			return fail("op", name, to)
		}
		return err
	})
}

func mapSeq[T any](seq iter.Seq2[T, error], f func(T, error) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if !yield(f(v, err)) {
				return
			}
		}
	}
}

// infos is a mutant that changes every Info.
func infos(f func(i hutch.Info) hutch.Info) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.open = func(ctx context.Context, n string) (hutch.File, error) {
			file, err := s.Open(ctx, n)
			if err != nil {
				return nil, err
			}
			return withInfo{file, f(file.Info())}, nil
		}
		b.stat = func(ctx context.Context, n string) (hutch.Info, error) {
			i, err := s.Stat(ctx, n)
			return f(i), err
		}
		b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
			return mapSeq(s.List(ctx, n), func(i hutch.Info, err error) (hutch.Info, error) { return f(i), err })
		}
		b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
			i, err := s.Write(ctx, n, r, o)
			return f(i), err
		}
	})
}

type withInfo struct {
	hutch.File
	info hutch.Info
}

func (f withInfo) Info() hutch.Info { return f.info }

// reading is a mutant that changes what is read.
func reading(f func(b hutch.Backend, file hutch.File) io.Reader) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.open = func(ctx context.Context, n string) (hutch.File, error) {
			file, err := s.Open(ctx, n)
			if err != nil {
				return nil, err
			}
			return withReader{f(s, file), file}, nil
		}
	})
}

type withReader struct {
	r    io.Reader
	file hutch.File
}

func (f withReader) Read(p []byte) (int, error) { return f.r.Read(p) }
func (f withReader) Close() error               { return f.file.Close() }
func (f withReader) Info() hutch.Info           { return f.file.Info() }

// listing is a mutant that changes what List gives.
func listing(f func(dir string, all []hutch.Info) []hutch.Info) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.list = func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
			return func(yield func(hutch.Info, error) bool) {
				all, err := hutch.Collect(s.List(ctx, dir))
				for _, i := range f(dir, all) {
					if !yield(i, nil) {
						return
					}
				}
				if err != nil {
					yield(hutch.Info{}, err)
				}
			}
		}
	})
}

// writing is a mutant that changes how things are written.
func writing(f func(s hutch.Backend, ctx context.Context, name string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error)) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
			if o == nil {
				o = &hutch.WriteOptions{}
			}
			return f(s, ctx, n, r, *o)
		}
	})
}

// storing is a mutant that changes what is written.
func storing(f func(data []byte) []byte) func(t testing.TB) hutch.Backend {
	return writing(func(s hutch.Backend, ctx context.Context, n string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
		data, err := io.ReadAll(r)
		if err != nil {
			return hutch.Info{}, err
		}
		return s.Write(ctx, n, bytes.NewReader(f(data)), &o)
	})
}

// removing is a mutant that changes how things are removed.
func removing(f func(s hutch.Backend, ctx context.Context, name string) error) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		s := b.b
		b.remove = func(ctx context.Context, name string) error { return f(s, ctx, name) }
	})
}

// walkSpeed, globSpeed, grepSpeed and renameSpeed are mutants with a speed that is wrong.
type walkSpeed func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error]

func (w walkSpeed) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return w(ctx, dir)
}

func walking(f func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error]) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		b.as = func(target any) bool {
			t, ok := target.(*hutch.Walker)
			if ok {
				*t = walkSpeed(func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] { return f(b.b, ctx, dir) })
			}
			return ok
		}
	})
}

type globSpeed func(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error]

func (g globSpeed) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	return g(ctx, pattern, opts)
}

// globbing is a mutant whose Glob looks for something else than asked for.
func globbing(f func(pattern *string, o *hutch.GlobOptions)) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		b.as = func(target any) bool {
			t, ok := target.(*hutch.Globber)
			if ok {
				*t = globSpeed(func(ctx context.Context, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
					mine := *o
					f(&p, &mine)
					return hutch.Glob(ctx, b.b, p, &mine)
				})
			}
			return ok
		}
	})
}

type grepSpeed func(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error]

func (g grepSpeed) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	return g(ctx, q)
}

func grepping(f func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error]) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		b.as = func(target any) bool {
			t, ok := target.(*hutch.Grepper)
			if ok {
				*t = grepSpeed(func(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] { return f(b.b, ctx, q) })
			}
			return ok
		}
	})
}

// asking is a mutant whose Grep runs another query than the one asked for.
func asking(f func(q *hutch.Query)) func(t testing.TB) hutch.Backend {
	return grepping(func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
		f(&q)
		return hutch.Grep(ctx, b, q)
	})
}

type renameSpeed func(ctx context.Context, from, to string) error

func (r renameSpeed) Rename(ctx context.Context, from, to string) error { return r(ctx, from, to) }

func moving(f func(b hutch.Backend, ctx context.Context, from, to string) error) func(t testing.TB) hutch.Backend {
	return breaking(func(b *broken) {
		b.as = func(target any) bool {
			t, ok := target.(*hutch.Renamer)
			if ok {
				*t = renameSpeed(func(ctx context.Context, from, to string) error { return f(b.b, ctx, from, to) })
			}
			return ok
		}
	})
}
