package composite

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch"
)

// linker is the power of a composite all of whose backends have it.
type linker struct {
	c   *Backend
	all map[string]hutch.Linker // by mount point
}

var errHidden = fmt.Errorf("%w: the link leads to what a mount hides", fs.ErrPermission)

func (c *Backend) linker() (hutch.Linker, bool) {
	l := linker{c, make(map[string]hutch.Linker, len(c.mounts))}
	for at, m := range c.mounts {
		one, ok := hutch.As[hutch.Linker](m.b)
		if !ok {
			return nil, false
		}
		l.all[at] = one
	}
	return l, true
}

// Real implements [hutch.Linker]. A fixed name leads to itself, whatever the
// backend around the mount has there.
func (l linker) Real(ctx context.Context, name string) (string, error) {
	if err := check(ctx, "real", name); err != nil {
		return "", err
	}
	if l.c.fixed(name) {
		return name, nil
	}
	m, inner := l.c.find(name)
	real, err := l.all[m.at].Real(ctx, inner)
	if err != nil {
		return "", m.err(err)
	}
	real = m.outer(real)
	if tooLong(real) {
		return "", hutch.CheckName("real", real)
	}
	if other, _ := l.c.find(real); other != m {
		return "", &fs.PathError{Op: "real", Path: name, Err: errHidden}
	}
	return real, nil
}

// Unlinked implements [hutch.Linker].
func (l linker) Unlinked() hutch.Backend {
	c := &Backend{mounts: make(map[string]*mount, len(l.all)), inside: l.c.inside}
	for at, one := range l.all {
		b := one.Unlinked()
		for _, m := range c.mounts { // what was mounted twice stays the same in both places
			if same(l.c.mounts[at].b, l.c.mounts[m.at].b) {
				b = m.b
			}
		}
		c.mounts[at] = &mount{at, b}
	}
	return c
}

// readOnlyLinker is that of what can only be read.
type readOnlyLinker struct{ hutch.Linker }

func (l readOnlyLinker) Unlinked() hutch.Backend { return ReadOnly(l.Linker.Unlinked()) }
