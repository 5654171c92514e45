package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/moby/moby/client"

	"github.com/hutch-dev/hutch"
)

// lost says what became of the container.
func (s *Sandbox) lost(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	why := s.e.fate(ctx, s.id)
	return fmt.Errorf("%w: %s", ErrLost, why)
}

// Detach lets go of the container and leaves it running, for the idle time of
// its options, to whoever attaches. The sandbox is closed then.
func (s *Sandbox) Detach(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &fs.PathError{Op: "detach", Path: ".", Err: hutch.ErrClosed}
	}
	err := s.leave(ctx)
	if err != nil {
		return &fs.PathError{Op: "detach", Path: ".", Err: cause(err)}
	}
	s.release()
	return nil
}

// Close removes the container, with its workspace and all that runs there. It
// is safe to call it again.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.release()
	ctx, cancel := context.WithTimeout(context.Background(), removeTime)
	defer cancel()
	defer removeDoorway(s.ident.id)
	return s.e.remove(ctx, s.id) // with a connection of its own
}

// removeTime is how long the engine may take to remove a container.
const removeTime = time.Minute

// release lets go of everything but the container. mu is held.
func (s *Sandbox) release() {
	s.closed = true
	if s.client != nil {
		s.client.Close()
	}
	if s.plain != nil {
		s.beat()
		s.plain.Close()
	}
	sweepers.leave(s.e.host)
	s.e.close()
	if s.given != nil {
		s.given()
	}
}

// alive reports whether the sandbox can be used as far as can be told without
// asking.
func (s *Sandbox) alive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.client == nil {
		return !s.closed
	}
	select {
	case <-s.client.Lost():
		return false
	default:
		return true
	}
}

// remove removes a container with what is its own. One that is gone, or going, will do.
func (e *engine) remove(ctx context.Context, id string) error {
	_, err := e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err == nil || notFound(err) || going(err) {
		return nil
	}
	return &fs.PathError{Op: "close", Path: ".", Err: errors.New(said(err))}
}
