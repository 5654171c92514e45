package guard

import (
	"context"

	"github.com/hutch-dev/hutch"
)

// Open implements [hutch.Backend].
func (g *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	return through(ctx, g, "open", name, g.real, g.asks(Read), func(real string) (hutch.File, error) {
		if err := g.check(ctx, "open", Read, real, nil); err != nil {
			return nil, err
		}
		f, err := g.b.Open(ctx, real)
		if err != nil || real == name {
			return f, err
		}
		return called(f, real, name), nil
	})
}

// Stat implements [hutch.Backend].
func (g *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return through(ctx, g, "stat", name, g.real, g.asks(Read), func(real string) (hutch.Info, error) {
		if real != "." && !g.c.Visible(List, real) {
			if err := g.check(ctx, "stat", Read, real, nil); err != nil {
				return hutch.Info{}, err
			}
		}
		info, err := g.b.Stat(ctx, real)
		if err != nil {
			return hutch.Info{}, err
		}
		info.Name = name
		return info, nil
	})
}

// called is an open file under the name that the caller knows.
func called(f hutch.File, real, name string) hutch.File {
	o := opened{f, real, name}
	if s, ok := f.(seekable); ok {
		return seeker{o, s}
	}
	return o
}

type opened struct {
	f          hutch.File
	real, name string
}

func (o opened) Info() hutch.Info {
	i := o.f.Info()
	i.Name = o.name
	return i
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.f.Read(p)
	return n, outward(err, o.real, o.name)
}

func (o opened) Close() error { return outward(o.f.Close(), o.real, o.name) }

type seekable interface {
	ReadAt(p []byte, off int64) (int, error)
	Seek(offset int64, whence int) (int64, error)
}

// seeker is an open file that can be read from anywhere.
type seeker struct {
	opened
	s seekable
}

func (s seeker) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.s.ReadAt(p, off)
	return n, outward(err, s.real, s.name)
}

func (s seeker) Seek(offset int64, whence int) (int64, error) {
	n, err := s.s.Seek(offset, whence)
	return n, outward(err, s.real, s.name)
}
