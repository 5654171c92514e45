package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/hutch-dev/hutch"
)

// Close ends the contexts of all uses, waits until they are done, puts all
// sessions to sleep, a few at a time, and returns what failed of that. What is
// being opened is given up, what is being ended is ended. From its beginning on
// everything else is hutch.ErrClosed, but Get, List and ListTenant go on to tell
// what is known, and uses can be done.
//
// When ctx ends, Close stops waiting for uses and leaves their sessions as a crash
// would; the provider's calls get a ctx that has ended, and Close returns when they
// have. A second Close waits for the first, as long as its own ctx lasts, and
// returns the same.
func (m *Manager) Close(ctx context.Context) error {
	if !m.beginClose() {
		select {
		case <-m.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		return errors.Join(m.failed...)
	}
	stop := context.AfterFunc(ctx, func() { m.cut(context.Cause(ctx)) })
	m.work.Wait()
	stop()
	m.cut(nil)
	m.tell.close()
	close(m.done)
	return errors.Join(m.failed...)
}

// beginClose closes the door, once.
func (m *Manager) beginClose() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.closed = true
	m.stop(hutch.ErrClosed)
	turns := make(chan struct{}, parallel)
	for s := range m.opened {
		if s.cancel != nil {
			s.cancel(hutch.ErrClosed)
		}
		m.work.Go(func() { m.settle(s, turns) })
	}
	return true
}

// settle puts s to sleep when it can be.
func (m *Manager) settle(s *session, turns chan struct{}) {
	if !m.calm(s) {
		return
	}
	turns <- struct{}{}
	defer func() { <-turns }()
	m.mu.Lock()
	var st *step
	if s.step == nil && s.State == Open {
		st = m.sleep(context.WithoutCancel(m.life), s)
	}
	m.mu.Unlock()
	if st != nil {
		<-st.done
	}
}

// calm waits until nothing is under way in s and nobody uses it. It reports false
// if that takes too long.
func (m *Manager) calm(s *session) bool {
	for {
		m.mu.Lock()
		st, quiet := s.step, s.hush()
		m.mu.Unlock()
		if st == nil {
			return m.unused(s, quiet)
		}
		<-st.done
	}
}

func (m *Manager) unused(s *session, quiet <-chan struct{}) bool {
	select {
	case <-quiet:
		return true
	case <-m.late.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		if s.doomed { // its end has said so
			return false
		}
		m.failed = append(m.failed, sessionError("close", s.ID, fmt.Errorf("%w: %w", ErrBusy, context.Cause(m.late))))
		return false
	}
}
