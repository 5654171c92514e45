package limit

import (
	"context"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Each of these shows the methods of one interface and nothing of what is behind.

type renamer struct{ l *Backend }

func (r renamer) Rename(ctx context.Context, from, to string) error {
	if err := r.l.begin("rename", from); err != nil {
		return err
	}
	return power[hutch.Renamer](r.l.b).Rename(ctx, from, to)
}

type rooted struct{ l *Backend }

func (r rooted) Root() string { return power[hutch.Rooted](r.l.b).Root() }

type signaler struct{ l *Backend }

func (s signaler) Signals() []string { return power[hutch.Signaler](s.l.b).Signals() }

type foreseer struct{ l *Backend }

func (f foreseer) Outlook(op guard.Op) guard.Outlook {
	return power[guard.Foreseer](f.l.b).Outlook(op)
}

type confiner struct{ l *Backend }

func (c confiner) Confine(ctx context.Context, what hutch.Confinement) error {
	return power[hutch.Confiner](c.l.b).Confine(ctx, what)
}

type linker struct{ l *Backend }

// Real does not count.
func (k linker) Real(ctx context.Context, name string) (string, error) {
	return power[hutch.Linker](k.l.b).Real(ctx, name)
}

// Unlinked has the same caps and counts with the same numbers.
func (k linker) Unlinked() hutch.Backend {
	return &Backend{b: power[hutch.Linker](k.l.b).Unlinked(), o: k.l.o, n: k.l.n}
}

type snapshotter struct{ l *Backend }

// TakeSnapshot is an operation. Going back is none: it must be possible when a cap
// has ended the work, and brings only what was there.
func (s snapshotter) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	if err := s.l.begin("snapshot", "."); err != nil {
		return nil, err
	}
	return power[hutch.Snapshotter](s.l.b).TakeSnapshot(ctx)
}
