package workspaces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/session"
)

// Docker keeps every session in a container of its own, taken from a pool. The
// container goes on while the session sleeps, for [docker.Options.Idle], and outlives
// a process that was killed for [docker.Options.Lease]: who comes back in time finds
// it with its files.
type Docker struct {
	// Dir is the folder where it is noted which container is whose.
	Dir string
	// Pool gives the containers. It stays the caller's, and is closed after the
	// manager. A session that wants less memory or fewer processes than its Options
	// name is refused with errors.ErrUnsupported.
	Pool *docker.Pool
}

type dockerWorkspace struct {
	*docker.Sandbox
	note string
}

// Open implements [session.Provider].
func (d *Docker) Open(ctx context.Context, s session.Info, again bool) (session.Workspace, error) {
	note := place(d.Dir, s) + ".container"
	if again {
		b, err := d.attach(ctx, note)
		if err != nil {
			return nil, err
		}
		return &dockerWorkspace{b, note}, nil
	}
	if o := d.Pool.Options; narrower(s.Limits.Memory, o.Memory) || narrower(int64(s.Limits.Processes), o.Processes) {
		return nil, fmt.Errorf("%w: the containers of a pool were made before, with limits of their own for memory and processes", errors.ErrUnsupported)
	}
	if err := privately(d.Dir); err != nil {
		return nil, err
	}
	b, err := d.Pool.Take(ctx)
	if err != nil {
		return nil, err
	}
	if err := replace(note, []byte(b.ID()+"\n")); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return &dockerWorkspace{b, note}, nil
}

// narrower reports whether somebody wants less than there is; 0 wants nothing, and is
// a default that nobody knows here.
func narrower(wanted, has int64) bool { return wanted > 0 && (has <= 0 || wanted < has) }

// attach opens the container in a note. What has no note, or no container, is gone.
func (d *Docker) attach(ctx context.Context, note string) (*docker.Sandbox, error) {
	id, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gone("its container")
	}
	if err != nil {
		return nil, bare(err)
	}
	name := string(id)
	if n := len(name); n > 0 && name[n-1] == '\n' {
		name = name[:n-1]
	}
	o := &d.Pool.Options
	b, err := docker.Attach(ctx, name, &docker.AttachOptions{Host: o.Host, Limits: o.Limits})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, gone("its container")
	}
	return b, err
}

// Remove implements [session.Provider].
func (d *Docker) Remove(ctx context.Context, s session.Info) error {
	note := place(d.Dir, s) + ".container"
	b, err := d.attach(ctx, note)
	if err == nil {
		err = b.Close()
	}
	if err != nil && !errors.Is(err, session.ErrGone) {
		return err
	}
	return removeFile(note)
}

// Backend implements [session.Workspace].
func (w *dockerWorkspace) Backend() hutch.Backend { return w.Sandbox }

// Sleep implements [session.Workspace].
func (w *dockerWorkspace) Sleep(ctx context.Context) error { return w.Detach(ctx) }

// End implements [session.Workspace].
func (w *dockerWorkspace) End(context.Context) error {
	return errors.Join(w.Close(), removeFile(w.note))
}
