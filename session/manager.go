package session

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Manager keeps sessions. It is safe for concurrent use, and what takes long in
// one session never keeps others waiting.
type Manager struct {
	p     Provider
	o     Options
	rec   records
	life  context.Context // of what is opened; ends when Close begins
	stop  context.CancelCauseFunc
	late  context.Context // of everything else; ends with the ctx of Close
	cut   context.CancelCauseFunc
	nudge chan struct{} // tells the sweeper to look again
	work  sync.WaitGroup
	tell  *teller

	mu       sync.Mutex
	all      map[string]*session
	tenants  map[string]int
	opened   map[*session]struct{} // those with a slot, or in the queue for one
	slots    slots
	plan     plan
	sweeping int // steps that the sweeper has begun
	closed   bool
	failed   []error       // while it was closed
	done     chan struct{} // closed when Close is through
}

// session is one of them. All is under the lock of the Manager but what never
// changes: ID, Serial and what was decided.
type session struct {
	Info
	step    *step // what is under way; nothing else begins meanwhile but an end
	ws      Workspace
	backend hutch.Backend
	ctx     context.Context // of the uses
	cancel  context.CancelCauseFunc
	quiet   chan struct{} // closed when there is no use left, if somebody waits for that
	ending  bool
	bare    bool // nothing was recorded or made of it
	marked  bool // the record says that it ends
	doomed  bool // its end has begun and failed
	fails   int
	retry   time.Time
	at      time.Time // of its place in the plan
	index   int       // in the plan, from 1; 0 is none
}

// step is one opening, sleep or end.
type step struct {
	done   chan struct{}
	err    error                   // once it is done
	cancel context.CancelCauseFunc // of an opening
	swept  bool                    // begun by the sweeper
	then   *step                   // the end that a failed Create leads to
}

// New makes a Manager of the workspaces of p and finds the sessions in
// [Options.Records] again, all of them asleep. opts may be nil. ctx bounds New
// alone; its values go to what the Manager does by itself.
//
// A record that cannot be read, is larger than 64 KiB, has another version, or is
// not that of its file's name, is an error with the name of the file: nothing is
// changed, and whoever is in charge decides. Options that make no sense are
// fs.ErrInvalid.
func New(ctx context.Context, p Provider, opts *Options) (*Manager, error) {
	m := &Manager{
		p: p, nudge: make(chan struct{}, 1), done: make(chan struct{}),
		all: map[string]*session{}, tenants: map[string]int{}, opened: map[*session]struct{}{},
	}
	if opts != nil {
		m.o = *opts
	}
	err := m.o.complete()
	if err == nil && p == nil {
		err = bad("no provider")
	}
	if err != nil {
		return nil, &fs.PathError{Op: "sessions", Path: ".", Err: err}
	}
	m.rec, m.slots.max = records{m.o.Records}, m.o.MaxOpen
	if err := m.find(ctx); err != nil {
		return nil, err
	}
	m.life, m.stop = context.WithCancelCause(context.WithoutCancel(ctx))
	m.late, m.cut = context.WithCancelCause(context.WithoutCancel(ctx))
	m.tell = newTeller(m.o.Changed)
	m.work.Go(m.sweeper)
	return m, nil
}

// find lists the sessions of an earlier process.
func (m *Manager) find(ctx context.Context) error {
	all, err := m.rec.all(ctx)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	for _, f := range all {
		s := &session{Info: f.Info}
		switch f.stage {
		case stageMaking, stageEnding:
			s.doomed, s.marked, s.retry = true, true, now
		case stageOpen:
			s.Used = now
			if err := m.rec.put(ctx, s.Info, stageAsleep); err != nil {
				return sessionError("open", s.ID, err)
			}
		}
		if s.Used.After(now) { // the clock has been set back
			s.Used = now
		}
		m.add(s)
		m.arrange(s)
	}
	return nil
}

func (m *Manager) add(s *session) {
	m.all[s.ID] = s
	m.tenants[s.Tenant]++
}

// Get describes a session. It neither wakes it nor counts as a use. One that is
// not there is fs.ErrNotExist.
func (m *Manager) Get(id string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	if s == nil {
		return Info{}, sessionError("get", id, fs.ErrNotExist)
	}
	return s.info(), nil
}

// List describes all sessions, sorted by ID. It neither wakes them nor counts as a
// use.
func (m *Manager) List() []Info {
	return m.list(func(*session) bool { return true })
}

// ListTenant is List of the sessions of one tenant, "" for those without.
func (m *Manager) ListTenant(tenant string) []Info {
	return m.list(func(s *session) bool { return s.Tenant == tenant })
}

func (m *Manager) list(want func(*session) bool) []Info {
	m.mu.Lock()
	var all []Info
	for _, s := range m.all {
		if want(s) {
			all = append(all, s.info())
		}
	}
	m.mu.Unlock()
	slices.SortFunc(all, func(a, b Info) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// info is a copy that nobody else changes. mu is held.
func (s *session) info() Info {
	i := s.Info
	i.Labels = maps.Clone(i.Labels)
	return i
}

// turn changes the state and has that told. A session that ends does nothing else
// any more. mu is held.
func (m *Manager) turn(s *session, to State) {
	if s.State == to || s.ending && to != Ending {
		return
	}
	s.State = to
	m.tell.add(s)
}

// begin makes a step of s. mu is held.
func (s *session) begin() *step {
	s.step = &step{done: make(chan struct{})}
	return s.step
}

// finish says how a step went. mu is held.
func (m *Manager) finish(s *session, st *step, err error) {
	st.err = err
	close(st.done)
	if s.step == st {
		s.step = nil
	}
	if m.closed && err != nil && st.cancel == nil { // what was being opened has somebody to tell
		m.failed = append(m.failed, err)
	}
	if st.swept {
		m.sweeping--
		m.wakeSweeper()
	}
	if m.all[s.ID] == s {
		m.arrange(s)
	}
}

// wait waits for a step as long as ctx lasts.
func (st *step) wait(ctx context.Context) error {
	select {
	case <-st.done:
		return st.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// within is a context with the values of one that ends with another.
func within(life, values context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(values))
	stop := context.AfterFunc(life, func() { cancel(context.Cause(life)) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}

var errEnded = fmt.Errorf("%w: the session is ended", fs.ErrNotExist)
