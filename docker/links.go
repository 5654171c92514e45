package docker

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/hutch-dev/hutch"
)

// links is the power of the far side, whichever connection it is on.
type links struct{ s *Sandbox }

func (l links) Real(ctx context.Context, name string) (string, error) {
	b, err := l.s.to(ctx, "real", name)
	if err != nil {
		return "", err
	}
	far, ok := hutch.As[hutch.Linker](b)
	if !ok {
		return "", fail("real", name, errors.ErrUnsupported)
	}
	return far.Real(ctx, name)
}

func (l links) Unlinked() hutch.Backend { return unlinked(l) }

// unlinked is the workspace without links, whichever connection it is on.
type unlinked struct{ s *Sandbox }

func (u unlinked) files(ctx context.Context, op, name string) (hutch.Backend, error) {
	b, err := u.s.to(ctx, op, name)
	if err != nil {
		return nil, err
	}
	far, ok := hutch.As[hutch.Linker](b)
	if !ok {
		return nil, fail(op, name, errors.ErrUnsupported)
	}
	return far.Unlinked(), nil
}

// As answers for the speeds that the far side has.
func (u unlinked) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Renamer:
		return give[hutch.Renamer](u.s, t, speeds{u})
	case *hutch.Walker:
		return give[hutch.Walker](u.s, t, speeds{u})
	case *hutch.Scanner:
		return give[hutch.Scanner](u.s, t, speeds{u})
	case *hutch.Grepper:
		return give[hutch.Grepper](u.s, t, speeds{u})
	case *hutch.Globber:
		return give[hutch.Globber](u.s, t, speeds{u})
	}
	return false
}

func (u unlinked) Open(ctx context.Context, name string) (hutch.File, error) {
	b, err := u.files(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	return b.Open(ctx, name)
}

func (u unlinked) Stat(ctx context.Context, name string) (hutch.Info, error) {
	b, err := u.files(ctx, "stat", name)
	if err != nil {
		return hutch.Info{}, err
	}
	return b.Stat(ctx, name)
}

func (u unlinked) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return stream(u, ctx, "list", dir, func(b hutch.Backend) iter.Seq2[hutch.Info, error] { return b.List(ctx, dir) })
}

func (u unlinked) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	b, err := u.files(ctx, "write", name)
	if err != nil {
		return hutch.Info{}, err
	}
	return b.Write(ctx, name, r, opts)
}

func (u unlinked) Remove(ctx context.Context, name string) error {
	b, err := u.files(ctx, "remove", name)
	if err != nil {
		return err
	}
	return b.Remove(ctx, name)
}
