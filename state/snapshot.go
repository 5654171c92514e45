package state

import (
	"context"
	"fmt"

	"github.com/hutch-dev/hutch"
)

// Snapshot is the content of a Backend at one moment. It never changes, costs
// no copy, and stays valid for as long as it is held. The zero value is the
// content of an empty backend.
type Snapshot struct {
	v      *version
	limits Options // that the content is known to keep to
}

// Snapshot returns the content as it is now, in constant time.
func (b *Backend) Snapshot() Snapshot { return Snapshot{b.load(), b.limits} }

// Fork makes a backend with the same content and the same limits, in constant
// time. The two share what neither has changed since, and are independent: no
// write to one is ever seen in the other.
func (b *Backend) Fork() *Backend {
	f := &Backend{limits: b.limits}
	f.now.Store(b.load())
	return f
}

// Restore replaces the content by that of s, which may come from another
// backend, in one step and constant time. Readers that have a file open keep it.
// A snapshot that is over the limits of b is [hutch.ErrTooLarge] and changes
// nothing; to find that out, the files of a snapshot are counted one by one only
// where b bounds single files and the backend that made s did not.
func (b *Backend) Restore(s Snapshot) error {
	v := s.v
	if v == nil {
		v = &empty
	}
	if err := b.limits.fits(*v); err != nil {
		return fmt.Errorf("state: restore: %w", err)
	}
	most := b.limits.MaxFileBytes
	if most > 0 && (s.limits.MaxFileBytes == 0 || s.limits.MaxFileBytes > most) {
		if !v.top.walk(".", func(_ string, f *file) bool { return int64(len(f.data)) <= most }) {
			return fmt.Errorf("state: restore: %w: more than %d bytes in a file", hutch.ErrTooLarge, most)
		}
	}
	b.now.Store(v)
	return nil
}

// TakeSnapshot implements [hutch.Snapshotter] with [Backend.Snapshot].
func (b *Backend) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	return taken{b, b.Snapshot()}, ctx.Err()
}

type taken struct {
	b *Backend
	s Snapshot
}

func (t taken) Restore(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return t.b.Restore(t.s)
}

func (taken) Close() error { return nil }
