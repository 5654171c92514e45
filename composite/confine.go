package composite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/search"
)

// confiner is there where commands run in a backend that can confine them.
// What a confinement says of other mounts holds as it is: commands do not see
// their files.
func (c *Backend) confiner() (hutch.Confiner, bool) {
	if c.exec == nil {
		return nil, false
	}
	f, ok := hutch.As[hutch.Confiner](c.exec.b)
	return confiner{c.exec, f}, ok
}

type confiner struct {
	m *mount
	f hutch.Confiner
}

// Confine hands on what is about the names of the backend in which commands run,
// as they are in there. Where that is not at the root, a pattern with a '/'
// between braces matches errors.ErrUnsupported.
func (x confiner) Confine(ctx context.Context, c hutch.Confinement) error {
	var inside hutch.Confinement
	for _, l := range []struct{ from, to *[]string }{{&c.Hide, &inside.Hide}, {&c.Protect, &inside.Protect}} {
		if _, err := search.CompileNameList(*l.from); err != nil {
			return &fs.PathError{Op: "confine", Path: ".", Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
		}
		near, err := search.Relative(*l.from, x.m.at)
		if err != nil {
			return &fs.PathError{Op: "confine", Path: ".", Err: fmt.Errorf("%w: %w", errors.ErrUnsupported, err)}
		}
		*l.to = near
	}
	return x.m.err(x.f.Confine(ctx, inside))
}
