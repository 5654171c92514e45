// Package workspaces makes the workspaces of sessions, for [session.New]: in
// memory, in a folder of this machine, in a container.
//
// Each keeps what it needs to find a workspace again in a folder of the host,
// under the ID of the session and the beginning of its serial: so a session never
// gets what another one of its ID has left. The folder must be one that nobody else
// writes to.
package workspaces

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hutch-dev/hutch/session"
)

// ByRuntime gives every session to the provider of its runtime. A runtime that is
// not in it is fs.ErrInvalid.
type ByRuntime map[string]session.Provider

// Open implements [session.Provider].
func (b ByRuntime) Open(ctx context.Context, s session.Info, again bool) (session.Workspace, error) {
	p, err := b.of(s)
	if err != nil {
		return nil, err
	}
	return p.Open(ctx, s, again)
}

// Remove implements [session.Provider].
func (b ByRuntime) Remove(ctx context.Context, s session.Info) error {
	p, err := b.of(s)
	if err != nil {
		return err
	}
	return p.Remove(ctx, s)
}

func (b ByRuntime) of(s session.Info) (session.Provider, error) {
	p := b[s.Runtime]
	if p == nil {
		return nil, fmt.Errorf("%w: there is no runtime %q", fs.ErrInvalid, s.Runtime)
	}
	return p, nil
}

// place is where dir has what belongs to a session.
func place(dir string, s session.Info) string {
	return filepath.Join(dir, s.ID+"-"+s.Serial[:min(8, len(s.Serial))])
}

// privately makes dir, for its owner alone.
func privately(dir string) error {
	return bare(os.MkdirAll(dir, 0o700))
}

// bare is an error of the host without its paths.
func bare(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

// gone is what becomes of a session whose workspace is not there.
func gone(what string) error { return fmt.Errorf("%w: %s is not there", session.ErrGone, what) }
