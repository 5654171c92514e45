package composite

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/hutch-dev/hutch"
)

// snapshotter is there where all that can be changed through the composite can go
// back.
func (c *Backend) snapshotter() (hutch.Snapshotter, bool) {
	var parts snapshotter
	for _, at := range slices.Sorted(maps.Keys(c.mounts)) {
		b := c.mounts[at].b
		if _, fixed := b.(readOnly); fixed {
			continue
		}
		s, ok := hutch.As[hutch.Snapshotter](b)
		if !ok {
			return nil, false
		}
		parts = append(parts, s)
	}
	return parts, len(parts) > 0
}

type snapshotter []hutch.Snapshotter

// TakeSnapshot keeps all parts, or none.
func (s snapshotter) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	now := snapshot{of: s}
	for _, p := range s {
		part, err := p.TakeSnapshot(ctx)
		if err != nil {
			return nil, errors.Join(err, now.Close())
		}
		now.parts = append(now.parts, part)
	}
	return now, nil
}

type snapshot struct {
	of    snapshotter
	parts []hutch.Snapshot
}

// Restore goes back part by part, and forth again where one cannot.
func (s snapshot) Restore(ctx context.Context) error {
	now, err := s.of.TakeSnapshot(ctx)
	if err != nil {
		return err
	}
	defer now.Close()
	for i, p := range s.parts {
		if err := p.Restore(ctx); err != nil {
			for _, done := range slices.Backward(now.(snapshot).parts[:i]) {
				err = errors.Join(err, done.Restore(context.WithoutCancel(ctx)))
			}
			return err
		}
	}
	return nil
}

// Close lets all parts go.
func (s snapshot) Close() error {
	var err error
	for _, p := range s.parts {
		err = errors.Join(err, p.Close())
	}
	return err
}
