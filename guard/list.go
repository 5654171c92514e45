package guard

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/hutch-dev/hutch"
)

// List implements [hutch.Backend].
func (g *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return g.infos(ctx, "list", List, dir, g.b.List)
}

// Scan implements [hutch.Scanner].
func (g *Backend) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return g.infos(ctx, "list", List, dir, scan(g.b))
}

// Walk implements [hutch.Walker].
func (g *Backend) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return g.infos(ctx, "walk", List, dir, func(ctx context.Context, real string) iter.Seq2[hutch.Info, error] {
		return hutch.Walk(ctx, g.b, real)
	})
}

type lister func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error]

// scan is the cheapest way to see what is in a directory.
func scan(b hutch.Backend) lister {
	if s, ok := hutch.As[hutch.Scanner](b); ok {
		return s.Scan
	}
	return b.List
}

// infos yields what list finds in dir and op may see.
func (g *Backend) infos(ctx context.Context, verb string, op Op, dir string, list lister) iter.Seq2[hutch.Info, error] {
	s := sequence[hutch.Info]{ctx: ctx, g: g, verb: verb, ops: []Op{op}, dir: dir, list: list}
	s.show = func(i *hutch.Info, real string) bool {
		seen := g.c.Visible(op, i.Name)
		i.Name = outside(i.Name, real, dir)
		return seen
	}
	return s.run
}

// sequence yields what list gives for a directory and show lets pass.
type sequence[T any] struct {
	ctx  context.Context
	g    *Backend
	verb string
	ops  []Op // the first is what the Check is asked about, others come by the way
	dir  string
	list func(ctx context.Context, real string) iter.Seq2[T, error]
	show func(v *T, real string) bool // also gives it the caller's name
}

func (s *sequence[T]) run(yield func(T, error) bool) {
	var none T
	stopped := false
	late, err := through(s.ctx, s.g, s.verb, s.dir, s.g.real, s.g.asks(s.ops...), func(real string) (late error, err error) {
		if err := s.g.check(s.ctx, s.verb, s.ops[0], real, nil); err != nil {
			return nil, err
		}
		started := false
		for v, err := range s.list(s.ctx, real) {
			switch {
			case err != nil && started: // too late to begin again
				return outward(err, real, s.dir), nil
			case err != nil:
				return nil, s.g.unseen(s.ctx, s.verb, s.ops[0], real, err)
			}
			started = true
			if s.show(&v, real) && !yield(v, nil) {
				stopped = true
				return nil, nil
			}
		}
		return nil, nil
	})
	if err == nil {
		err = late
	}
	if err != nil && !stopped {
		yield(none, err)
	}
}

// unseen is the error of what is no directory. What would not be seen if it were
// there is refused either way, so that nobody can find out by trying names.
func (g *Backend) unseen(ctx context.Context, verb string, op Op, real string, err error) error {
	if op == Grep {
		op = List // which is about names, not about what is in files
	}
	tells := errors.Is(err, fs.ErrNotExist) || errors.Is(err, hutch.ErrNotDir)
	if !tells || real == "." || g.c.Visible(op, real) {
		return err
	}
	if refusal := g.check(ctx, verb, Read, real, nil); refusal != nil {
		return refusal
	}
	return err
}
