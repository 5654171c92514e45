package composite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/rename"
)

// executor is where commands run: in the default backend if it can, else in the
// only one that can.
func (c *Backend) executor() *mount {
	if _, ok := hutch.As[hutch.Execer](c.mounts["."].b); ok {
		return c.mounts["."]
	}
	var able []*mount
	for _, m := range c.mounts {
		if _, ok := hutch.As[hutch.Execer](m.b); ok {
			able = append(able, m)
		}
	}
	if len(able) != 1 {
		return nil
	}
	return able[0]
}

func (c *Backend) execer() (hutch.Execer, bool) {
	if c.exec == nil {
		return nil, false
	}
	e, ok := hutch.As[hutch.Execer](c.exec.b)
	return execer{c, e}, ok
}

// signaler is there where commands run in a backend that can send them signals.
func (c *Backend) signaler() (hutch.Signaler, bool) {
	if c.exec == nil {
		return nil, false
	}
	s, ok := hutch.As[hutch.Signaler](c.exec.b)
	return signaler{s}, ok
}

// signaler shows one method and nothing of what is behind it.
type signaler struct{ s hutch.Signaler }

func (s signaler) Signals() []string { return s.s.Signals() }

type execer struct {
	c *Backend
	e hutch.Execer
}

func (x execer) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if cmd == nil {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: ".", Err: fmt.Errorf("%w: no command", fs.ErrInvalid)}
	}
	dir := cmd.Dir
	if dir == "" {
		dir = "."
	}
	if err := check(ctx, "exec", dir); err != nil {
		return hutch.Result{}, err
	}
	m, inner := x.c.find(dir)
	if m != x.c.exec {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: dir, Err: x.elsewhere(m)}
	}
	inside := *cmd
	inside.Dir = inner
	res, err := x.e.Exec(ctx, &inside)
	return res, rename.Error(err, func(name string) string {
		if name == inner { // else it is that of a program
			return dir
		}
		return name
	})
}

// elsewhere says why nothing runs in a directory of m.
func (x execer) elsewhere(m *mount) error {
	at := x.c.exec.at
	if at == "." {
		return fmt.Errorf("%w: commands do not see the files of the backend mounted at %q yet; they run in the default backend",
			errors.ErrUnsupported, m.at)
	}
	what := fmt.Sprintf("the backend mounted at %q", m.at)
	if m.at == "." {
		what = "the default backend"
	}
	return fmt.Errorf("%w: commands do not see the files of %s yet; they run in the backend mounted at %q, in that directory or below",
		errors.ErrUnsupported, what, at)
}

// rooted is a Root for the whole composite where there is a true one: under
// which commands see the files of their backend by the names of the composite.
func (c *Backend) rooted() (hutch.Rooted, bool) {
	if c.exec == nil {
		return nil, false
	}
	r, ok := hutch.As[hutch.Rooted](c.exec.b)
	if !ok || c.exec.at == "." {
		return r, ok
	}
	dir, ok := strings.CutSuffix(path.Clean(r.Root()), "/"+c.exec.at)
	// At "/" the names of the other backends would be those of system files.
	return root(dir), ok && dir != ""
}

type root string

func (r root) Root() string { return string(r) }
