package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Manager stands in until the package is merged.
type Manager struct {
	p Provider
	o Options

	mu   sync.Mutex
	all  map[string]*one
	seen map[int]func(Info)
	n    int
}

type one struct {
	info Info
	w    Workspace
	ctx  context.Context
	stop context.CancelFunc
	uses sync.WaitGroup
}

// New stands in.
func New(ctx context.Context, p Provider, opts *Options) (*Manager, error) {
	m := &Manager{p: p, all: map[string]*one{}, seen: map[int]func(Info){}}
	if opts != nil {
		m.o = *opts
	}
	return m, nil
}

// Watch stands in.
func (m *Manager) Watch(f func(Info)) (stop func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n++
	n := m.n
	m.seen[n] = f
	return func() { m.mu.Lock(); defer m.mu.Unlock(); delete(m.seen, n) }
}

func (m *Manager) tell(i Info) {
	for _, f := range m.seen {
		f(i)
	}
}

// Create stands in.
func (m *Manager) Create(ctx context.Context, spec Spec) (Info, error) {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	if spec.ID == "" {
		spec.ID = "s-" + hex.EncodeToString(b[:8])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all[spec.ID] != nil {
		return Info{}, sessionError("create", spec.ID, fs.ErrExist)
	}
	i := Info{Spec: spec, Serial: hex.EncodeToString(b), State: Open, Created: time.Now().UTC(), Used: time.Now().UTC()}
	w, err := m.p.Open(ctx, i, false)
	if err != nil {
		return Info{}, sessionError("create", spec.ID, err)
	}
	s := &one{info: i, w: w}
	s.ctx, s.stop = context.WithCancel(context.Background())
	m.all[spec.ID] = s
	m.tell(i)
	return i, nil
}

// Use stands in.
func (m *Manager) Use(ctx context.Context, id string) (*Use, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	if s == nil {
		return nil, sessionError("use", id, fs.ErrNotExist)
	}
	if s.w == nil {
		w, err := m.p.Open(ctx, s.info, true)
		if err != nil {
			return nil, sessionError("use", id, err)
		}
		s.w = w
		s.info.State = Open
		m.tell(s.info)
	}
	s.uses.Add(1)
	s.info.Uses++
	return &Use{m: m, s: s, i: s.info, b: s.w.Backend()}, nil
}

// Get stands in.
func (m *Manager) Get(id string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.all[id]; s != nil {
		return s.info, nil
	}
	return Info{}, sessionError("get", id, fs.ErrNotExist)
}

// List stands in.
func (m *Manager) List() []Info {
	m.mu.Lock()
	defer m.mu.Unlock()
	var l []Info
	for _, s := range m.all {
		l = append(l, s.info)
	}
	slices.SortFunc(l, func(a, b Info) int { return strings.Compare(a.ID, b.ID) })
	return l
}

// ListTenant stands in.
func (m *Manager) ListTenant(tenant string) []Info {
	return slices.DeleteFunc(m.List(), func(i Info) bool { return i.Tenant != tenant })
}

// Sleep stands in.
func (m *Manager) Sleep(ctx context.Context, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.all[id]
	switch {
	case s == nil:
		return sessionError("sleep", id, fs.ErrNotExist)
	case s.info.Uses > 0:
		return sessionError("sleep", id, ErrBusy)
	case s.w != nil:
		err := s.w.Sleep(ctx)
		s.w = nil
		s.info.State = Asleep
		m.tell(s.info)
		return err
	}
	return nil
}

// End stands in.
func (m *Manager) End(ctx context.Context, id string) error {
	m.mu.Lock()
	s := m.all[id]
	delete(m.all, id)
	m.mu.Unlock()
	if s == nil {
		return sessionError("end", id, fs.ErrNotExist)
	}
	s.stop()
	s.uses.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	s.info.State = Ended
	m.tell(s.info)
	if s.w == nil {
		return m.p.Remove(ctx, s.info)
	}
	return s.w.End(ctx)
}

// Close stands in.
func (m *Manager) Close(ctx context.Context) error {
	for _, i := range m.List() {
		m.mu.Lock()
		s := m.all[i.ID]
		m.mu.Unlock()
		s.stop()
		s.uses.Wait()
		_ = m.Sleep(ctx, i.ID)
	}
	return nil
}

// Use stands in.
type Use struct {
	m    *Manager
	s    *one
	i    Info
	b    hutch.Backend
	once sync.Once
}

// Backend stands in.
func (u *Use) Backend() hutch.Backend { return u.b }

// Info stands in.
func (u *Use) Info() Info { return u.i }

// Context stands in.
func (u *Use) Context() context.Context { return u.s.ctx }

// Done stands in.
func (u *Use) Done() {
	u.once.Do(func() {
		u.m.mu.Lock()
		u.s.info.Uses--
		u.m.mu.Unlock()
		u.s.uses.Done()
	})
}
