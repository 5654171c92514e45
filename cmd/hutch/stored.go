package main

import (
	"context"
	"io"
	"iter"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// stored is a workspace with state files in it whose changes are stored as they
// are made.
type stored struct {
	w *workspace
	b hutch.Backend
}

// As lets everything through that is known here.
func (s stored) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = hutch.As[hutch.Walker](s.b)
	case *hutch.Scanner:
		*t, ok = hutch.As[hutch.Scanner](s.b)
	case *hutch.Globber:
		*t, ok = hutch.As[hutch.Globber](s.b)
	case *hutch.Grepper:
		*t, ok = hutch.As[hutch.Grepper](s.b)
	case *hutch.Execer:
		*t, ok = hutch.As[hutch.Execer](s.b)
	case *hutch.Signaler:
		*t, ok = hutch.As[hutch.Signaler](s.b)
	case *hutch.Rooted:
		*t, ok = hutch.As[hutch.Rooted](s.b)
	case *hutch.Confiner:
		*t, ok = hutch.As[hutch.Confiner](s.b)
	case *hutch.Linker:
		var l hutch.Linker
		if l, ok = hutch.As[hutch.Linker](s.b); ok {
			*t = storedLinker{s, l}
		}
	case *guard.Foreseer:
		*t, ok = hutch.As[guard.Foreseer](s.b)
	case *hutch.Updater:
		var u hutch.Updater
		if u, ok = hutch.As[hutch.Updater](s.b); ok {
			*t = storedUpdater{s, u}
		}
	case *hutch.Renamer:
		var r hutch.Renamer
		if r, ok = hutch.As[hutch.Renamer](s.b); ok {
			*t = storedRenamer{s, r}
		}
	}
	return ok
}

func (s stored) Open(ctx context.Context, name string) (hutch.File, error) {
	return s.b.Open(ctx, name)
}

func (s stored) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return s.b.Stat(ctx, name)
}

func (s stored) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return s.b.List(ctx, dir)
}

func (s stored) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	info, err := s.b.Write(ctx, name, r, opts)
	if err == nil {
		err = s.w.commit()
	}
	return info, err
}

func (s stored) Remove(ctx context.Context, name string) error {
	if err := s.b.Remove(ctx, name); err != nil {
		return err
	}
	return s.w.commit()
}

type storedUpdater struct {
	s stored
	u hutch.Updater
}

func (s storedUpdater) Update(ctx context.Context, name string, change func([]byte, hutch.Info) ([]byte, error)) (hutch.EditResult, error) {
	res, err := s.u.Update(ctx, name, change)
	if err == nil {
		err = s.s.w.commit()
	}
	return res, err
}

type storedRenamer struct {
	s stored
	r hutch.Renamer
}

func (s storedRenamer) Rename(ctx context.Context, from, to string) error {
	if err := s.r.Rename(ctx, from, to); err != nil {
		return err
	}
	return s.s.w.commit()
}

type storedLinker struct {
	s stored
	l hutch.Linker
}

func (s storedLinker) Real(ctx context.Context, name string) (string, error) {
	return s.l.Real(ctx, name)
}

func (s storedLinker) Unlinked() hutch.Backend { return stored{s.s.w, s.l.Unlinked()} }
