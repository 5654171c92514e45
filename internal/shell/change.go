package shell

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// turns are the conditional writes that wait, by name.
type turns struct {
	mu      sync.Mutex
	waiting map[string][]*turn
	now     string        // the name that is being written
	over    chan struct{} // closed when it is
}

// turn is one of them. It is lost when another write to its name was made while
// it waited: the revision that it wants can never come back.
type turn struct{ lost bool }

func (t *turns) enter(name string) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting == nil {
		t.waiting = map[string][]*turn{}
	}
	w := &turn{}
	t.waiting[name] = append(t.waiting[name], w)
	return w
}

func (t *turns) leave(name string, w *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rest := slices.DeleteFunc(t.waiting[name], func(o *turn) bool { return o == w })
	if t.waiting[name] = rest; len(rest) == 0 {
		delete(t.waiting, name)
	}
}

func (t *turns) lost(w *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return w.lost
}

// begin says that name is being written, the function that it returns whether it
// has a new revision.
func (t *turns) begin(name string) (end func(written bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now, t.over = name, make(chan struct{})
	return func(written bool) {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.now = ""
		close(t.over)
		for _, w := range t.waiting[name] {
			w.lost = w.lost || written
		}
	}
}

// settle waits while name is being written. A look at it could as well be taken
// at once, and would be at a version that is about to go.
func (t *turns) settle(ctx context.Context, name string) {
	t.mu.Lock()
	now, over := t.now, t.over
	t.mu.Unlock()
	if now != name {
		return
	}
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// replace is change for a write. Of many that want to replace one revision all
// but the first know at their turn that they are late, and ask no shell.
func (s *Sandbox) replace(ctx context.Context, function, name, ifRev string, args []string) (*answer, error) {
	late := func() bool { return false }
	if ifRev != "" && ifRev != hutch.Absent {
		w := s.turns.enter(name)
		defer s.turns.leave(name, w)
		late = func() bool { return s.turns.lost(w) }
	}
	return s.inTurn(ctx, func() (*answer, error) {
		if late() {
			return nil, hutch.ErrConflict
		}
		end := s.turns.begin(name)
		a, err := s.pool.tell(ctx, function, args...)
		end(err == nil && a.word == "ok")
		return a, err
	})
}

// change calls a function that changes files.
func (s *Sandbox) change(ctx context.Context, function string, args ...string) (*answer, error) {
	return s.inTurn(ctx, func() (*answer, error) { return s.pool.tell(ctx, function, args...) })
}

// inTurn does a change. Those of this Sandbox wait for each other here; where
// another one holds the lock in the place, it is asked for again until ctx ends.
func (s *Sandbox) inTurn(ctx context.Context, do func() (*answer, error)) (*answer, error) {
	select {
	case s.changes <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.changes }()
	s.pool.change()
	defer s.idle()
	for wait := time.Millisecond; ; wait *= 2 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		a, err := do()
		if err == nil && a.rest == "yield" {
			time.Sleep(2 * lookAgain) // so that who wants the lock gets it
		}
		if err != nil || a.word != "busy" {
			return a, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(wait, lookAgain)):
		}
	}
}

const (
	// lookAgain is how long the lock of another Sandbox is not asked for.
	lookAgain = 10 * time.Millisecond
	// keep is how long the lock is kept after a change, for the next one.
	keep = 100 * time.Millisecond
)

// idle lets go of the lock some time after the last change. The change is held.
func (s *Sandbox) idle() {
	if s.release != nil {
		s.release.Reset(keep)
		return
	}
	s.release = time.AfterFunc(keep, func() {
		select {
		case s.changes <- struct{}{}:
		default:
			return // another change is under way, and comes by here
		}
		defer func() { <-s.changes }()
		ctx, cancel := context.WithTimeout(s.over, patience)
		defer cancel()
		s.pool.tell(ctx, "release")
	})
}
