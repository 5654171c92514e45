package session

import (
	"context"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
)

// Use is one use of a session, from [Manager.Use] to Done. It is safe for
// concurrent use.
type Use struct {
	m       *Manager
	s       *session
	backend hutch.Backend
	ctx     context.Context
	done    bool
}

// Use begins a use of a session and wakes it if it sleeps. Whoever calls it calls
// Done of what it returns. ctx bounds the waiting alone: when it ends, the
// workspace is opened all the same, for others who may wait.
//
// A session that is being made or falls asleep is waited for. One that ends, or is
// not there, is fs.ErrNotExist. A workspace that has vanished is ErrGone, and the
// session stays listed, asleep, until it is ended. Where no workspace can be
// opened without putting one in use to sleep it is ErrFull; what else the provider
// says comes in ErrStart. After Close it is hutch.ErrClosed. A wake that fails is
// no use: it puts the end by age off by nothing.
func (m *Manager) Use(ctx context.Context, id string) (*Use, error) {
	for {
		u, st, err := m.join(ctx, id)
		switch {
		case err != nil:
			return nil, sessionError("use", id, err)
		case st == nil:
			return u, nil
		case u != nil:
			return u.arrive(ctx, st)
		}
		_ = st.wait(ctx) // for its end, whatever that was: join looks at ctx
	}
}

// join counts a use, and says what it must wait for. Without a use that is a
// sleep, and then it is to be tried again.
func (m *Manager) join(ctx context.Context, id string) (u *Use, wait *step, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	switch {
	case m.closed:
		return nil, nil, hutch.ErrClosed
	case s == nil:
		return nil, nil, fs.ErrNotExist
	case s.ending:
		return nil, nil, errEnded
	case s.doomed:
		return nil, nil, ErrGone
	case s.step == nil && s.State == Open:
		s.Used = time.Now().UTC()
	case s.step == nil:
		_, err = m.open(ctx, s, true)
	case s.State == Open:
		return nil, s.step, nil
	}
	if err != nil {
		return nil, nil, err
	}
	s.Uses++
	return &Use{m: m, s: s, backend: s.backend, ctx: s.ctx}, s.step, nil
}

// arrive waits for the workspace of a use that is counted already.
func (u *Use) arrive(ctx context.Context, st *step) (*Use, error) {
	err := st.wait(ctx)
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	s := u.s
	select {
	case <-st.done:
		switch {
		case u.m.closed:
			err = hutch.ErrClosed
		case s.ending || u.m.all[s.ID] != s:
			err = errEnded
		case s.doomed:
			err = ErrGone
		case st.err == nil:
			s.Used = time.Now().UTC()
			u.backend, u.ctx = s.backend, s.ctx
			return u, nil
		default:
			err = st.err
		}
	default:
	}
	u.done = true
	u.m.leave(s)
	return nil, sessionError("use", s.ID, err)
}

// leave takes a use off the count. mu is held.
func (m *Manager) leave(s *session) {
	if s.Uses--; s.Uses > 0 {
		return
	}
	if s.quiet != nil {
		close(s.quiet)
		s.quiet = nil
	}
	m.arrange(s)
}

// hush is closed when s has no use. mu is held.
func (s *session) hush() <-chan struct{} {
	if s.Uses > 0 && s.quiet != nil {
		return s.quiet
	}
	c := make(chan struct{})
	if s.Uses == 0 {
		close(c)
	} else {
		s.quiet = c
	}
	return c
}

// Backend is the workspace. It is good until Done.
func (u *Use) Backend() hutch.Backend { return u.backend }

// Info describes the session as it is now.
func (u *Use) Info() Info {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	return u.s.info()
}

// Context ends when the session is being ended or the Manager closes, with a cause
// that matches fs.ErrNotExist or hutch.ErrClosed. Whoever uses the session should
// then stop and be done. It is the same for all uses of a session that are under
// way, does not end with Done, and knows nothing of the ctx given to Manager.Use.
func (u *Use) Context() context.Context { return u.ctx }

// Done ends the use. Further calls do nothing.
func (u *Use) Done() {
	u.m.mu.Lock()
	defer u.m.mu.Unlock()
	if u.done {
		return
	}
	u.done = true
	u.s.Used = time.Now().UTC()
	u.m.leave(u.s)
}
