package session

import (
	"container/heap"
	"context"
	"time"
)

// parallel is how many sessions the Manager puts to sleep or ends by itself at a
// time.
const parallel = 8

// How long after a failed end the next one is tried.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// plan is when to look at which session, the next one first. A session may have
// got a later time since: uses move it too often to keep the order.
type plan []*session

func (p plan) Len() int           { return len(p) }
func (p plan) Less(i, j int) bool { return p[i].at.Before(p[j].at) }
func (p plan) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].index, p[j].index = i+1, j+1
}
func (p *plan) Push(x any) {
	s := x.(*session)
	*p = append(*p, s)
	s.index = len(*p)
}
func (p *plan) Pop() any {
	old := *p
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*p = old[:len(old)-1]
	s.index = 0
	return s
}

// deadline is when something is due for s if nobody uses it before. Without one
// there is nothing to wait for.
func (s *session) deadline() (at time.Time, ok bool) {
	if s.step != nil || s.Uses > 0 {
		return at, false
	}
	if s.doomed {
		return s.retry, true
	}
	if s.TTL > 0 {
		at, ok = s.Used.Add(s.TTL), true
	}
	if s.State == Open && s.Idle > 0 && (!ok || s.Idle < s.TTL) {
		at, ok = s.Used.Add(s.Idle), true
	}
	return at, ok
}

// endDue reports whether it is the end that is due, not sleep.
func (s *session) endDue(now time.Time) bool {
	return s.doomed || s.TTL > 0 && !now.Before(s.Used.Add(s.TTL))
}

// arrange sees to it that s is looked at in time. mu is held.
func (m *Manager) arrange(s *session) {
	at, ok := s.deadline()
	switch {
	case !ok || s.index > 0 && !at.Before(s.at):
		return
	case s.index > 0:
		s.at = at
		heap.Fix(&m.plan, s.index-1)
	default:
		s.at = at
		heap.Push(&m.plan, s)
	}
	if s.index == 1 {
		m.wakeSweeper()
	}
}

func (m *Manager) wakeSweeper() {
	select {
	case m.nudge <- struct{}{}:
	default:
	}
}

// sweeper does what is due when it is.
func (m *Manager) sweeper() {
	for {
		var alarm <-chan time.Time
		if next, ok := m.sweep(time.Now()); ok {
			alarm = time.After(time.Until(next))
		}
		select {
		case <-alarm:
		case <-m.nudge:
		case <-m.life.Done():
			return
		}
	}
}

// sweep begins what is due and says when to look again. Where as much is under
// way as may be, the end of it will say so.
func (m *Manager) sweep(now time.Time) (next time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for !m.closed && len(m.plan) > 0 {
		s := m.plan[0]
		switch {
		case s.at.After(now):
			return s.at, true
		case m.sweeping >= parallel:
			return next, false
		}
		heap.Pop(&m.plan)
		at, ok := s.deadline()
		if !ok {
			continue
		}
		if at.After(now) {
			m.arrange(s)
			continue
		}
		m.due(s, now)
	}
	return next, false
}

// due begins what is due for s. mu is held.
func (m *Manager) due(s *session, now time.Time) {
	var st *step
	if s.endDue(now) {
		st = m.end(context.WithoutCancel(m.life), s)
	} else {
		st = m.sleep(context.WithoutCancel(m.life), s)
	}
	st.swept = true
	m.sweeping++
}
