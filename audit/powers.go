package audit

import (
	"context"
	"log/slog"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Each of these shows the methods of one interface and nothing of what is behind.

type renamer struct{ a *Backend }

func (r renamer) Rename(ctx context.Context, from, to string) error {
	e, err := r.a.begin(ctx, "rename", from)
	if err != nil {
		return err
	}
	e.add(slog.String("to", to))
	err = power[hutch.Renamer](r.a.b).Rename(ctx, from, to)
	e.end(err)
	return err
}

type rooted struct{ a *Backend }

func (r rooted) Root() string { return power[hutch.Rooted](r.a.b).Root() }

type signaler struct{ a *Backend }

func (s signaler) Signals() []string { return power[hutch.Signaler](s.a.b).Signals() }

type foreseer struct{ a *Backend }

func (f foreseer) Outlook(op guard.Op) guard.Outlook {
	return power[guard.Foreseer](f.a.b).Outlook(op)
}

type confiner struct{ a *Backend }

func (c confiner) Confine(ctx context.Context, what hutch.Confinement) error {
	e, err := c.a.begin(ctx, "confine", ".")
	if err != nil {
		return err
	}
	err = power[hutch.Confiner](c.a.b).Confine(ctx, what)
	e.end(err)
	return err
}

type linker struct{ a *Backend }

func (l linker) Real(ctx context.Context, name string) (string, error) {
	return power[hutch.Linker](l.a.b).Real(ctx, name)
}

// Unlinked records what is done as well.
func (l linker) Unlinked() hutch.Backend {
	a := *l.a
	a.b = power[hutch.Linker](l.a.b).Unlinked()
	return &a
}

type snapshotter struct{ a *Backend }

func (s snapshotter) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	e, err := s.a.begin(ctx, "snapshot", ".")
	if err != nil {
		return nil, err
	}
	taken, err := power[hutch.Snapshotter](s.a.b).TakeSnapshot(ctx)
	e.end(err)
	if err != nil {
		return nil, err
	}
	return snapshot{s.a, taken}, nil
}

type snapshot struct {
	a *Backend
	s hutch.Snapshot
}

func (s snapshot) Restore(ctx context.Context) error {
	e, err := s.a.begin(ctx, "restore", ".")
	if err != nil {
		return err
	}
	err = s.s.Restore(ctx)
	e.end(err)
	return err
}

func (s snapshot) Close() error { return s.s.Close() }
