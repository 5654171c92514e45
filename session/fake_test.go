package session

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// fake is a Provider that checks how it is called and does what the test says.
type fake struct {
	t   testing.TB
	max int // workspaces at a time, 0 is any number

	mu      sync.Mutex
	files   map[string]*state.Backend // by serial: what there is outside of the process
	busy    map[string]string         // by ID: the call under way
	held    map[string]*fakeSpace     // by ID: not let go yet
	opens   int
	again   int
	removes int
	sleeps  int
	ends    int

	// before is called at the beginning of each call, "open", "again", "sleep",
	// "end" or "remove".
	before func(ctx context.Context, call, id string) error
}

type fakeSpace struct {
	f     *fake
	i     Info
	b     *state.Backend
	users int // as the test knows, under f.mu
	over  bool
}

func newFake(t testing.TB) *fake {
	return &fake{t: t, files: map[string]*state.Backend{}, busy: map[string]string{}, held: map[string]*fakeSpace{}}
}

// set replaces before.
func (f *fake) set(before func(ctx context.Context, call, id string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.before = before
}

func (f *fake) enter(ctx context.Context, call string, i Info) error {
	f.mu.Lock()
	if was := f.busy[i.ID]; was != "" {
		f.t.Errorf("%s: %s during %s", i.ID, call, was)
	}
	f.busy[i.ID] = call
	before := f.before
	f.mu.Unlock()
	if before == nil {
		return nil
	}
	return before(ctx, call, i.ID)
}

// leave is deferred by who called enter, with mu held.
func (f *fake) leave(i Info) { delete(f.busy, i.ID) }

func (f *fake) Open(ctx context.Context, i Info, again bool) (Workspace, error) {
	call := "open"
	if again {
		call = "again"
	}
	f.mu.Lock()
	if n := len(f.held); f.max > 0 && n >= f.max {
		f.t.Errorf("%s: opened as number %d of %d", i.ID, n+1, f.max)
	}
	if f.held[i.ID] != nil {
		f.t.Errorf("%s: opened twice", i.ID)
	}
	w := &fakeSpace{f: f, i: i}
	f.held[i.ID] = w
	f.mu.Unlock()
	err := f.enter(ctx, call, i)
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.leave(i)
	f.opens++
	b := f.files[i.Serial]
	switch {
	case err != nil:
	case again && b == nil:
		err = fmt.Errorf("%w: no files", ErrGone)
	case again:
		f.again++
	default:
		b = state.New(nil)
		f.files[i.Serial] = b
	}
	if err != nil {
		delete(f.held, i.ID)
		return nil, err
	}
	w.b = b
	return w, nil
}

func (f *fake) Remove(ctx context.Context, i Info) error {
	err := f.enter(ctx, "remove", i)
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.leave(i)
	if f.held[i.ID] != nil {
		f.t.Errorf("%s: removed while it is open", i.ID)
	}
	f.removes++
	if err == nil {
		delete(f.files, i.Serial)
	}
	return err
}

func (w *fakeSpace) Backend() hutch.Backend { return held{w.b, w} }

// held is a backend that knows its workspace.
type held struct {
	*state.Backend
	w *fakeSpace
}

func (w *fakeSpace) Sleep(ctx context.Context) error { return w.letGo(ctx, "sleep", false) }
func (w *fakeSpace) End(ctx context.Context) error   { return w.letGo(ctx, "end", true) }

// letGo is the one end of a workspace.
func (w *fakeSpace) letGo(ctx context.Context, call string, files bool) error {
	f := w.f
	f.mu.Lock()
	if w.users > 0 {
		f.t.Errorf("%s: %s in use", w.i.ID, call)
	}
	if w.over {
		f.t.Errorf("%s: %s of a workspace that was let go", w.i.ID, call)
	}
	w.over = true
	f.mu.Unlock()
	err := f.enter(ctx, call, w.i)
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.leave(w.i)
	delete(f.held, w.i.ID)
	if files {
		f.ends++
	} else {
		f.sleeps++
	}
	if err == nil && files {
		delete(f.files, w.i.Serial)
	}
	return err
}

// count counts users as the test knows them.
func (f *fake) count(id string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[id].users += n
}

// wantTook checks how long something has taken.
func wantTook(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if d := time.Since(start); d != want {
		t.Errorf("it took %v, want %v", d, want)
	}
}

// rest lets a time go by, and what is due then happen.
func rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// slow makes every call last a time.
func slow(d time.Duration) func(context.Context, string, string) error {
	return func(ctx context.Context, _, _ string) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deaf is slow and does not look at its ctx.
func deaf(d time.Duration) func(context.Context, string, string) error {
	return func(context.Context, string, string) error {
		time.Sleep(d)
		return nil
	}
}

// most makes every call last a time and counts how many are under way at most.
func (f *fake) most(d time.Duration) (most func() int) {
	var mu sync.Mutex
	now, peak := 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		now += n
		peak = max(peak, now)
	}
	f.set(func(context.Context, string, string) error {
		count(1)
		defer count(-1)
		time.Sleep(d)
		return nil
	})
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		return peak
	}
}

// fails makes calls of one kind fail as long as the error is not nil.
func fails(call string, err *error) func(context.Context, string, string) error {
	return func(_ context.Context, c, _ string) error {
		if c == call {
			return *err
		}
		return nil
	}
}

// counts is what was called.
func (f *fake) counts() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%d opened, %d of them again, %d slept, %d ended, %d removed", f.opens, f.again, f.sleeps, f.ends, f.removes)
}

func (f *fake) want(what string) {
	f.t.Helper()
	if got := f.counts(); got != what {
		f.t.Errorf("%s; want %s", got, what)
	}
}

// in runs a test in a bubble with a Manager, which is closed at the end.
func in(t *testing.T, opts Options, test func(*testing.T, *Manager, *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		m, err := New(t.Context(), f, &opts)
		if err != nil {
			t.Fatal(err)
		}
		f.max = m.o.MaxOpen
		test(t, m, f)
		checkInvariants(t, m)
		if err := m.Close(t.Context()); err != nil {
			t.Error("close:", err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.held) > 0 {
			t.Errorf("not let go: %v", f.held)
		}
	})
}

// create makes a session of that ID.
func create(t *testing.T, m *Manager, id string) Info {
	t.Helper()
	i, err := m.Create(t.Context(), Spec{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// use begins a use.
func use(t *testing.T, m *Manager, id string) *Use {
	t.Helper()
	u, err := m.Use(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// wantState checks what a session does.
func wantState(t *testing.T, m *Manager, id string, want State) {
	t.Helper()
	i, err := m.Get(id)
	if err != nil {
		i.State = Ended
	}
	if i.State != want {
		t.Errorf("%s is %s, want %s (%v)", id, i.State, want, i.Err)
	}
}
