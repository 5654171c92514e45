package session

import (
	"container/heap"
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
)

// Sleep puts a session to sleep now. One that sleeps already is no error; one that
// is in use, or being opened, is ErrBusy; one that ends, or is not there,
// fs.ErrNotExist. When ctx ends, Sleep returns its error and the rest goes on.
func (m *Manager) Sleep(ctx context.Context, id string) error {
	st, err := m.beginSleep(ctx, id)
	if err != nil {
		return sessionError("sleep", id, err)
	}
	if st == nil {
		return nil
	}
	return st.waitFor(ctx, "sleep", id)
}

func (m *Manager) beginSleep(ctx context.Context, id string) (*step, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	switch {
	case m.closed:
		return nil, hutch.ErrClosed
	case s == nil:
		return nil, fs.ErrNotExist
	case s.ending:
		return nil, errEnded
	case s.State == Opening || s.Uses > 0 && s.step == nil:
		return nil, ErrBusy
	case s.step != nil || s.State == Asleep:
		return s.step, nil
	}
	return m.sleep(ctx, s), nil
}

// sleep begins to put s to sleep, which is open and not in use. mu is held.
func (m *Manager) sleep(ctx context.Context, s *session) *step {
	st, ws, i := s.begin(), s.ws, s.info()
	m.slots.freeing++
	m.work.Go(func() {
		ctx, cancel := within(m.late, ctx)
		defer cancel(nil)
		err := ws.Sleep(ctx)
		// Also after a failure: what it was is what the next one wants to know.
		if err = errors.Join(err, m.rec.put(ctx, i, stageAsleep)); err != nil {
			err = sessionError("sleep", i.ID, err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.letGo(s)
		s.Err = err
		m.turn(s, Asleep)
		m.finish(s, st, err)
	})
	return st
}

// letGo forgets the workspace of s and gives its slot back. mu is held.
func (m *Manager) letGo(s *session) {
	s.cancel(nil)
	s.ws, s.backend, s.ctx, s.cancel = nil, nil, nil, nil
	delete(m.opened, s)
	m.slots.freeing--
	m.slots.give()
}

// End ends a session, files included. The contexts of its uses end, and it waits
// until they are done. A second End meanwhile waits for the first and returns the
// same. When ctx ends, End returns its error and the rest goes on: an end is never
// taken back. After an error the session stays listed and End can be called again.
// One that is not there is fs.ErrNotExist.
func (m *Manager) End(ctx context.Context, id string) error {
	st, err := m.beginEnd(ctx, id)
	if err != nil {
		return sessionError("end", id, err)
	}
	return st.waitFor(ctx, "end", id)
}

func (m *Manager) beginEnd(ctx context.Context, id string) (*step, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	switch {
	case m.closed:
		return nil, hutch.ErrClosed
	case s == nil:
		return nil, fs.ErrNotExist
	}
	return m.end(ctx, s), nil
}

// end begins to end s, or says which end of it is under way. What was under way
// comes to its own end first. mu is held.
func (m *Manager) end(ctx context.Context, s *session) *step {
	if s.ending {
		return s.step
	}
	before := s.step
	st := s.begin()
	s.ending = true
	if before != nil && before.cancel != nil {
		before.cancel(errEnded)
	}
	if s.cancel != nil {
		s.cancel(errEnded)
	}
	m.turn(s, Ending)
	m.work.Go(func() {
		if before != nil {
			<-before.done
		}
		ctx, cancel := within(m.late, ctx)
		defer cancel(nil)
		err := m.takeAway(ctx, s)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.ended(s, st, err)
	})
	return st
}

// takeAway waits until s is not in use and removes all there is of it.
func (m *Manager) takeAway(ctx context.Context, s *session) error {
	m.mu.Lock()
	i, bare, quiet := s.info(), s.bare, s.hush()
	m.mu.Unlock()
	if !bare && !s.marked {
		// Where that fails the end goes on: it may well make the room that is missing.
		s.marked = m.rec.put(ctx, i, stageEnding) == nil
	}
	select {
	case <-quiet:
	case <-ctx.Done():
		return errors.Join(ErrBusy, context.Cause(ctx))
	}
	if bare {
		return nil
	}
	err := m.remove(ctx, s, i)
	if err == nil {
		err = m.rec.remove(ctx, i.ID)
	}
	return err
}

// remove ends the workspace, or what is left where there is none.
func (m *Manager) remove(ctx context.Context, s *session, i Info) error {
	m.mu.Lock()
	ws := s.ws
	if ws != nil {
		m.slots.freeing++
	}
	m.mu.Unlock()
	if ws == nil {
		return m.p.Remove(ctx, i)
	}
	err := ws.End(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.letGo(s)
	return err
}

// ended notes what came of an end. mu is held.
func (m *Manager) ended(s *session, st *step, err error) {
	if err == nil {
		delete(m.all, s.ID)
		if m.tenants[s.Tenant]--; m.tenants[s.Tenant] == 0 {
			delete(m.tenants, s.Tenant)
		}
		if s.index > 0 {
			heap.Remove(&m.plan, s.index-1)
		}
		s.ending, s.Err = false, nil
		m.turn(s, Ended)
		m.finish(s, st, nil)
		return
	}
	err = sessionError("end", s.ID, err)
	s.Err = err
	s.ending, s.doomed = false, true
	s.retry = time.Now().UTC().Add(min(firstRetry<<min(s.fails, 10), lastRetry))
	s.fails++
	m.turn(s, Asleep)
	m.finish(s, st, err)
}

// waitFor is wait with the ID in the error of ctx.
func (st *step) waitFor(ctx context.Context, op, id string) error {
	err := st.wait(ctx)
	select {
	case <-st.done:
		return st.err
	default:
		return sessionError(op, id, err)
	}
}
