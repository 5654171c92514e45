package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
)

// Create makes a session and opens its workspace. Where there is no room for one
// more workspace, it puts another session to sleep and waits for that.
//
// Its errors match fs.ErrInvalid for a Spec that cannot be; fs.ErrExist where
// there is a session of that ID, also one that is being made or ended; ErrFull;
// ErrStart with what the provider said; hutch.ErrClosed; and fs.ErrNotExist where
// the session was ended before it was there.
//
// After an error nothing is left: what was made has been removed, or where that
// failed the session stays listed like every other whose end has failed. When ctx
// ends, Create returns its error at once and the removal goes on in the
// background; as long as it does, the session counts and its ID is taken.
func (m *Manager) Create(ctx context.Context, spec Spec) (Info, error) {
	given := spec.ID
	spec, err := m.o.decide(spec)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Info{}, sessionError("create", given, err)
	}
	s, st, err := m.reserve(ctx, spec)
	if err != nil {
		return Info{}, sessionError("create", spec.ID, err)
	}
	select {
	case <-st.done:
	case <-ctx.Done():
		if m.giveUp(ctx, s, st) {
			return Info{}, sessionError("create", s.ID, ctx.Err())
		}
	}
	if st.err != nil {
		if err := st.then.wait(ctx); err != nil {
			return Info{}, sessionError("create", spec.ID, errors.Join(st.err, err))
		}
		return Info{}, st.err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.ending || s.doomed || m.all[s.ID] != s {
		return Info{}, sessionError("create", s.ID, errEnded)
	}
	return s.info(), nil
}

// reserve lists the session and begins to open it.
func (m *Manager) reserve(ctx context.Context, spec Spec) (*session, *step, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, nil, hutch.ErrClosed
	case m.all[spec.ID] != nil:
		return nil, nil, fs.ErrExist
	case len(m.all) >= m.o.MaxSessions:
		return nil, nil, &FullError{LimitSessions, m.o.MaxSessions}
	case m.tenants[spec.Tenant] >= m.o.MaxPerTenant:
		return nil, nil, &FullError{LimitTenant, m.o.MaxPerTenant}
	}
	now := time.Now().UTC()
	s := &session{Info: Info{Spec: spec, Serial: random(16), Created: now, Used: now}}
	st, err := m.open(ctx, s, false)
	if err == nil {
		m.add(s)
	}
	return s, st, err
}

// giveUp ends a session that is still being made and reports whether it is.
func (m *Manager) giveUp(ctx context.Context, s *session, st *step) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-st.done:
		return false
	default:
		m.end(ctx, s)
		return true
	}
}

// open begins to open the workspace of s, if there is room for it or room can be
// made. mu is held.
func (m *Manager) open(ctx context.Context, s *session, again bool) (*step, error) {
	c, err := m.claim()
	if err != nil {
		return nil, err
	}
	ctx, cancel := within(m.life, ctx)
	st := s.begin()
	st.cancel = cancel
	m.opened[s] = struct{}{}
	m.turn(s, Opening)
	i := s.info()
	m.work.Go(func() {
		defer cancel(nil)
		e := m.enter(ctx, c, i, again)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.entered(s, e, again)
		if e.err != nil && !again {
			st.then = m.end(ctx, s)
		}
		m.finish(s, st, e.err)
	})
	return st, nil
}

// claim takes a slot, or a place in the queue for one that will be given back.
// mu is held.
func (m *Manager) claim() (*claim, error) {
	if c := m.slots.take(); c != nil {
		return c, nil
	}
	if len(m.slots.queue) >= m.slots.freeing {
		var victim *session
		for s := range m.opened {
			if s.State == Open && s.step == nil && s.Uses == 0 && (victim == nil || s.Used.Before(victim.Used)) {
				victim = s
			}
		}
		if victim == nil {
			return nil, &FullError{LimitOpen, m.slots.max}
		}
		m.sleep(context.WithoutCancel(m.life), victim)
	}
	return m.slots.wait(), nil
}

// entry is what came of an opening.
type entry struct {
	ws      Workspace
	backend hutch.Backend
	slot    bool // it still has its slot
	bare    bool // nothing was begun
	err     error
}

// enter opens a workspace as soon as c is granted.
func (m *Manager) enter(ctx context.Context, c *claim, i Info, again bool) entry {
	select {
	case <-c.granted:
	case <-ctx.Done():
		m.mu.Lock()
		defer m.mu.Unlock()
		m.slots.withdraw(c)
		return entry{bare: true, err: m.openError(ctx, i, ctx.Err())}
	}
	if !again {
		err := m.rec.put(ctx, i, stageMaking)
		if errors.Is(err, hutch.ErrConflict) { // a record that nobody knew of
			err = fmt.Errorf("%w: %w", fs.ErrExist, err)
		}
		if err != nil {
			return entry{slot: true, bare: true, err: m.openError(ctx, i, err)}
		}
	}
	e := entry{slot: true}
	e.ws, e.err = m.p.Open(ctx, i, again)
	if e.err == nil && e.ws == nil {
		e.err = errors.New("the provider made no workspace")
	}
	if e.err != nil {
		if again && errors.Is(e.err, ErrGone) {
			return entry{slot: true, err: m.openError(ctx, i, e.err)}
		}
		return entry{slot: true, err: m.openError(ctx, i, fmt.Errorf("%w: %w", ErrStart, e.err))}
	}
	e.backend = e.ws.Backend()
	i.Used = time.Now().UTC()
	if e.err = m.rec.put(ctx, i, stageOpen); e.err != nil {
		if again { // a new one is ended
			m.unrecorded(ctx, &e)
		}
		e.err = m.openError(ctx, i, e.err)
	}
	return e
}

// unrecorded lets a workspace go that was woken and cannot be recorded.
func (m *Manager) unrecorded(ctx context.Context, e *entry) {
	ctx, cancel := within(m.late, ctx)
	defer cancel(nil)
	if err := e.ws.Sleep(ctx); err != nil {
		e.err = errors.Join(e.err, err)
	}
	e.ws, e.backend = nil, nil
}

// openError is why a session was not opened; where it was told to stop, that.
func (m *Manager) openError(ctx context.Context, i Info, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return sessionError("open", i.ID, err)
}

// entered notes what came of an opening. mu is held.
func (m *Manager) entered(s *session, e entry, again bool) {
	s.ws, s.backend, s.bare, s.Err = e.ws, e.backend, e.bare && !again, e.err
	if e.ws == nil {
		delete(m.opened, s)
		if e.slot {
			m.slots.give()
		}
		if again {
			m.turn(s, Asleep)
		}
		return
	}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(m.life))
	if e.err == nil {
		s.Used = time.Now().UTC()
		m.turn(s, Open)
	}
}
