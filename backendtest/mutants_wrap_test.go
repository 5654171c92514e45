//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// frozen is a backend that refuses all writes.
type frozen struct{ hutch.Backend }

func (f frozen) As(target any) bool {
	w, ok := target.(*hutch.Walker)
	if ok {
		*w, ok = hutch.As[hutch.Walker](f.Backend)
	}
	return ok
}

func (f frozen) Write(_ context.Context, n string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, f.refuse("write", n)
}

func (f frozen) Remove(_ context.Context, n string) error { return f.refuse("remove", n) }

func (f frozen) refuse(op, n string) error {
	if err := hutch.CheckName(op, n); err != nil {
		return err
	}
	return fail(op, n, errors.ErrUnsupported)
}

// frozenOpener fills a backend before it is frozen.
func frozenOpener(open func(t testing.TB) hutch.Backend) opener {
	return func(t testing.TB, files map[string]string) hutch.Backend {
		b := open(t)
		w, broken := b.(*broken)
		into := b
		if broken {
			into = w.b
		}
		written(func(testing.TB) hutch.Backend { return into })(t, files)
		if broken {
			return b
		}
		return frozen{b}
	}
}

func TestFrozen(t *testing.T) { TestReadOnly(t, frozenOpener(memory)) }

// frozenMutants are backends that are not frozen enough.
func frozenMutants() []mutant {
	freeze := func(f func(b *broken)) func(testing.TB) hutch.Backend {
		return breaking(func(b *broken) {
			z := frozen{b.b}
			b.write, b.remove = z.Write, z.Remove
			f(b)
		})
	}
	return []mutant{
		{name: "lets things be removed", open: freeze(func(b *broken) { b.remove = nil }), kills: "ReadOnly/Refuses"},
		{name: "calls a refusal bad", open: freeze(func(b *broken) {
			b.write = func(_ context.Context, n string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
				return hutch.Info{}, fail("write", n, fs.ErrInvalid)
			}
		}), kills: "ReadOnly/Refuses"},
		{name: "refuses before it looks at the name", open: freeze(func(b *broken) {
			b.remove = func(_ context.Context, n string) error { return fail("remove", n, errors.ErrUnsupported) }
		}), kills: "ReadOnly/Names"},
	}
}

// sameBackend is the wrapper that is none, but for hiding powers.
func sameBackend(_ testing.TB, b hutch.Backend) hutch.Backend { return Plain(b) }

// TestTransparent runs the law of wrappers on one that lets commands through.
func TestTransparent(t *testing.T) {
	runAll(t, wrapping{memory, func(_ testing.TB, b hutch.Backend) hutch.Backend { return &transparent{Plain(b), b, execPasses} }}.checks(), written(memory))
}

// transparent lets the speeds and known powers through, commands by way of exec.
type transparent struct {
	hutch.Backend
	inner hutch.Backend
	exec  func(x hutch.Execer, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error)
}

func execPasses(x hutch.Execer, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return x.Exec(ctx, cmd)
}

func (b *transparent) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	x, _ := hutch.As[hutch.Execer](b.inner)
	return b.exec(x, ctx, cmd)
}

func (b *transparent) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Execer:
		*t = b
		return true
	case *hutch.Rooted, *hutch.Signaler, *hutch.Walker, *hutch.Grepper, *hutch.Renamer:
		a, ok := b.inner.(interface{ As(any) bool })
		return ok && a.As(t)
	}
	return false
}

// wrapperMutant breaks a wrapper: its checks wrap by themselves, so they are
// built anew around it.
func wrapperMutant(name, kills string, wrap func(b hutch.Backend) hutch.Backend) mutant {
	return mutant{name: name, kills: kills, checks: wrapping{memory, func(_ testing.TB, b hutch.Backend) hutch.Backend { return wrap(b) }}.checks()}
}

// breakingWrap is a wrapper of which some methods are replaced.
func breakingWrap(change func(b *broken)) func(hutch.Backend) hutch.Backend {
	return func(inner hutch.Backend) hutch.Backend {
		b := &broken{b: Plain(inner)}
		change(b)
		return b
	}
}

func wrapperMutants() []mutant {
	return []mutant{
		wrapperMutant("turns errors into text", "Wrapper/Errors Wrapper/NoPanic", breakingWrap(func(b *broken) {
			b.stat = func(ctx context.Context, n string) (hutch.Info, error) {
				i, err := b.b.Stat(ctx, n)
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					err = errors.New(err.Error())
				}
				return i, err
			}
		})),
		wrapperMutant("tells the names of inside", "Wrapper/Errors", func(b hutch.Backend) hutch.Backend {
			return prefixed{b}
		}),
		wrapperMutant("ends a list at an error", "Wrapper/Sequences", breakingWrap(func(b *broken) {
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] { return quiet(b.b.List(ctx, n)) }
		})),
		wrapperMutant("takes an error for the end of a file", "Wrapper/Reads", breakingWrap(func(b *broken) {
			b.open = func(ctx context.Context, n string) (hutch.File, error) {
				f, err := b.b.Open(ctx, n)
				if err != nil {
					return nil, err
				}
				return withReader{readerFunc(func(p []byte) (int, error) {
					k, err := f.Read(p)
					if err != nil {
						err = io.EOF
					}
					return k, err
				}), f}, nil
			}
		})),
		wrapperMutant("writes what it has when writing fails", "Wrapper/Writes", breakingWrap(func(b *broken) {
			b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
				i, err := b.b.Write(ctx, n, r, o)
				if errors.Is(err, hutch.ErrTooLarge) {
					return hutch.Info{Name: n}, nil
				}
				return i, err
			}
		})),
		wrapperMutant("panics where removing fails", "Wrapper/NoPanic", breakingWrap(func(b *broken) {
			b.remove = func(ctx context.Context, n string) error {
				err := b.b.Remove(ctx, n)
				if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hutch.ErrIsDir) {
					panic(err)
				}
				return err
			}
		})),
		wrapperMutant("keeps what it opens", "Wrapper/Releases", breakingWrap(func(b *broken) {
			b.open = func(ctx context.Context, n string) (hutch.File, error) {
				f, err := b.b.Open(ctx, n)
				if err != nil {
					return nil, err
				}
				data, err := io.ReadAll(f)
				return dirFile{bytes.NewReader(data), f.Info()}, err
			}
		})),
		wrapperMutant("answers for everything", "Wrapper/Powers", func(b hutch.Backend) hutch.Backend { return b }),
		wrapperMutant("takes an unknown status for 0", "Wrapper/Exec", func(b hutch.Backend) hutch.Backend {
			return &transparent{Plain(b), b, func(x hutch.Execer, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				res, _ := x.Exec(ctx, cmd)
				return res, nil
			}}
		}),
		wrapperMutant("keeps signals to itself", "Wrapper/Signals", func(b hutch.Backend) hutch.Backend {
			return &transparent{Plain(b), b, func(x hutch.Execer, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				c := *cmd
				c.Signals = nil
				return x.Exec(ctx, &c)
			}}
		}),
		wrapperMutant("tells inner names in Real", "Wrapper/Links", func(b hutch.Backend) hutch.Backend {
			return linked(b, func(l *linkSpeed) {
				inner := l.real
				l.real = func(ctx context.Context, n string) (string, error) {
					n, err := inner(ctx, n)
					return strings.Replace(n, "dir/sub", "in/dir/sub", 1), err
				}
			})
		}),
		wrapperMutant("takes an error of Real for no link", "Wrapper/Links", func(b hutch.Backend) hutch.Backend {
			return linked(b, func(l *linkSpeed) {
				inner := l.real
				l.real = func(ctx context.Context, n string) (string, error) {
					if real, err := inner(ctx, n); err == nil {
						return real, nil
					}
					return n, nil
				}
			})
		}),
		wrapperMutant("is Unlinked itself", "Wrapper/Unlinked", func(b hutch.Backend) hutch.Backend {
			return linked(b, func(l *linkSpeed) { l.unlinked = Plain(b) })
		}),
		wrapperMutant("shows more in Unlinked", "Wrapper/Unlinked", func(b hutch.Backend) hutch.Backend {
			return linked(b, func(l *linkSpeed) { l.unlinked = &broken{b: l.unlinked, as: b.(*powered).As} })
		}),
		wrapperMutant("walks inside by other names", "Wrapper/Speeds", func(b hutch.Backend) hutch.Backend { return prefixed{b} }),
	}
}

// linked is a wrapper that lets links through, but for what change replaces.
func linked(inner hutch.Backend, change func(l *linkSpeed)) hutch.Backend {
	in, _ := hutch.As[hutch.Linker](inner)
	l := &linkSpeed{in.Real, Plain(in.Unlinked())}
	change(l)
	return &broken{b: Plain(inner), as: func(target any) bool {
		t, ok := target.(*hutch.Linker)
		if ok {
			*t = l
		}
		return ok
	}}
}

// prefixed keeps everything below a directory of the inner backend, and forgets
// to turn errors and the names of walks back.
type prefixed struct{ b hutch.Backend }

func (p prefixed) in(n string) string {
	if n == "." {
		return "in"
	}
	return "in/" + n
}

func (p prefixed) As(target any) bool {
	w, ok := target.(*hutch.Walker)
	if ok {
		*w, ok = hutch.As[hutch.Walker](p.b)
	}
	return ok
}

func (p prefixed) Open(ctx context.Context, n string) (hutch.File, error) {
	return p.b.Open(ctx, p.in(n))
}

func (p prefixed) Stat(ctx context.Context, n string) (hutch.Info, error) {
	i, err := p.b.Stat(ctx, p.in(n))
	i.Name = n
	return i, err
}

func (p prefixed) List(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
	return mapSeq(p.b.List(ctx, p.in(n)), func(i hutch.Info, err error) (hutch.Info, error) {
		if err == nil {
			i.Name = i.Name[len("in/"):]
		}
		return i, err
	})
}

func (p prefixed) Write(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	i, err := p.b.Write(ctx, p.in(n), r, o)
	i.Name = n
	return i, err
}

func (p prefixed) Remove(ctx context.Context, n string) error { return p.b.Remove(ctx, p.in(n)) }
