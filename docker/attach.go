package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/helper"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// AttachOptions qualifies Attach.
type AttachOptions struct {
	// Host is the address of the engine; see [Options.Host].
	Host string
	// Limits of single commands, as in Options.
	Limits hutch.Limits
}

// Attach opens the sandbox in a container that is there already, by its name or
// its id: one that an owner has detached from, or still has. One that was kept
// for good and has stopped is started. Its error matches fs.ErrNotExist where
// there is no such container, and fs.ErrInvalid where it is not one of this
// package's.
func Attach(ctx context.Context, name string, opts *AttachOptions) (*Sandbox, error) {
	o := AttachOptions{}
	if opts != nil {
		o = *opts
	}
	if !namePattern().MatchString(name) {
		return nil, attachError(name, fs.ErrInvalid)
	}
	e, err := dial(ctx, o.Host)
	if err != nil {
		return nil, attachError(name, err)
	}
	s, err := e.attach(ctx, name)
	if err != nil {
		e.close()
		return nil, attachError(name, err)
	}
	s.limit = o.Limits
	sweepers.join(e.host)
	return s, nil
}

func attachError(name string, err error) error {
	var known bool
	for _, k := range []error{fs.ErrInvalid, fs.ErrNotExist, fs.ErrExist, ErrNoEngine, ErrLost, context.Canceled, context.DeadlineExceeded} {
		known = known || errors.Is(err, k)
	}
	if !known {
		err = &causeError{said(err), []error{err}}
	}
	return &fs.PathError{Op: "attach", Path: name, Err: err}
}

func (e *engine) attach(ctx context.Context, name string) (*Sandbox, error) {
	got, err := e.api.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if notFound(err) {
		return nil, fmt.Errorf("%w: no such container", fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	c := got.Container
	i, ours := identity{}, false
	if c.Config != nil {
		i, ours = identityOf(c.Config.Labels)
	}
	if !ours || c.State == nil {
		return nil, fmt.Errorf("%w: not a container of hutch", fs.ErrInvalid)
	}
	s := &Sandbox{e: e, id: c.ID, name: name, ident: i}
	return s, s.enter(ctx, c.State.Status)
}

// enter connects to the container, whatever state it is in.
func (s *Sandbox) enter(ctx context.Context, state container.ContainerState) (err error) {
	if state == container.StatePaused {
		if _, err := s.e.api.ContainerUnpause(ctx, s.id, client.ContainerUnpauseOptions{}); err != nil {
			return err
		}
		state = container.StateRunning
	}
	running := state == container.StateRunning
	switch {
	case s.ident.plain != "":
		if !running {
			if _, err := s.e.api.ContainerStart(ctx, s.id, client.ContainerStartOptions{}); err != nil {
				return err
			}
		}
		return s.openShell(ctx)
	case running:
		s.client, err = s.e.redial(ctx, s.id, &s.ident)
	default:
		s.client, err = s.e.launch(ctx, s.id, &s.ident, nil, nil)
	}
	return err
}

// takeOver attaches to the container of the name in o, if there is one. Without
// a sandbox and without an error there is none.
func (e *engine) takeOver(ctx context.Context, o *Options, want *identity) (*Sandbox, error) {
	got, err := e.api.ContainerInspect(ctx, o.Name, client.ContainerInspectOptions{})
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c := got.Container
	i, ours := identity{}, false
	if c.Config != nil {
		i, ours = identityOf(c.Config.Labels)
	}
	switch {
	case !ours:
		return nil, &fs.PathError{Op: "open", Path: o.Name, Err: fmt.Errorf("%w: a container of that name that is not hutch's", fs.ErrExist)}
	case i.options != want.options:
		return nil, &fs.PathError{Op: "open", Path: o.Name, Err: fmt.Errorf("%w: a container of that name with other options", fs.ErrExist)}
	}
	s, err := e.attach(ctx, o.Name)
	if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
		return nil, nil
	}
	if err == nil {
		s.limit = o.Limits
	}
	return s, err
}

// leave tells the container that nobody will be there for a while. mu is held.
func (s *Sandbox) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, launchTime)
	defer cancel()
	if s.plain == nil {
		return s.client.Call(ctx, helper.RouteDetach, struct{}{}, nil)
	}
	s.beat()
	s.beat = func() {}
	word := "good"
	if s.ident.idle >= 0 {
		word = fmt.Sprint(int(s.ident.idle / time.Second))
	}
	return s.showLife(ctx, word)
}
