package composite

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"

	"github.com/hutch-dev/hutch"
)

type lister func(ctx context.Context, dir string) iter.Seq2[hutch.Info, error]

// List implements [hutch.Backend].
func (c *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return c.entries(ctx, dir, func(m *mount) lister { return m.b.List })
}

// Scan implements [hutch.Scanner].
func (c *Backend) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return c.entries(ctx, dir, func(m *mount) lister {
		if s, ok := hutch.As[hutch.Scanner](m.b); ok {
			return s.Scan
		}
		return m.b.List
	})
}

// entries merges what a backend has in dir with what is fixed there.
func (c *Backend) entries(ctx context.Context, dir string, list func(*mount) lister) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		if err := check(ctx, "list", dir); err != nil {
			yield(hutch.Info{}, err)
			return
		}
		fixed := c.inside[dir]
		m, inner := c.find(dir)
		for info, err := range list(m)(ctx, inner) {
			if err != nil {
				if len(c.inside[dir]) > 0 && gone(err) {
					break // the directory is there because of a mount
				}
				if yieldFixed(fixed, yield) {
					yield(hutch.Info{}, c.absent(ctx, dir, m.err(err)))
				}
				return
			}
			info = m.info(info)
			if tooLong(info.Name) {
				continue
			}
			n, hidden := slices.BinarySearch(fixed, info.Name)
			if !yieldFixed(fixed[:n], yield) {
				return
			}
			fixed = fixed[n:]
			if !hidden && !yield(info, nil) {
				return
			}
		}
		yieldFixed(fixed, yield)
	}
}

func yieldFixed(names []string, yield func(hutch.Info, error) bool) bool {
	for _, name := range names {
		if !yield(fixedInfo(name), nil) {
			return false
		}
	}
	return true
}

// gone reports whether err says that a directory is not there.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, hutch.ErrNotDir)
}
