package guard

import (
	"context"
	"strings"
	"sync"
)

// traffic keeps files from coming below a directory while it gets another name:
// under the new one no rule was asked about them.
type traffic struct {
	mu      sync.Mutex
	coming  map[*string]bool // names being written
	leaving map[*string]bool // names being renamed at this moment
	watches map[*watch]bool  // renames that look at what they would take along
	changed chan struct{}    // closed when something of this ends
}

// watch is a look at a tree. It is dirty when something came meanwhile.
type watch struct {
	top   string
	dirty bool
}

func newTraffic() *traffic {
	return &traffic{
		coming: map[*string]bool{}, leaving: map[*string]bool{}, watches: map[*watch]bool{}, changed: make(chan struct{}),
	}
}

// come waits until nothing that name is in is being renamed. done ends the write.
func (t *traffic) come(ctx context.Context, name string) (done func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for overlaps(t.leaving, name) {
		if err := t.wait(ctx); err != nil {
			return nil, err
		}
	}
	t.add(&name)
	return func() { t.end(t.coming, &name) }, nil
}

// add notes a name that comes, and whose look it spoils.
func (t *traffic) add(name *string) {
	t.coming[name] = true
	for w := range t.watches {
		w.dirty = w.dirty || related(w.top, *name)
	}
}

func (t *traffic) end(set map[*string]bool, name *string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(set, name)
	t.wake()
}

func (t *traffic) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// wait gives up the lock until something has ended.
func (t *traffic) wait(ctx context.Context) error {
	changed := t.changed
	t.mu.Unlock()
	defer t.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// look begins a look at the tree of top, which is to become to, when nothing is
// on its way there.
func (t *traffic) look(ctx context.Context, top, to string) (*watch, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for overlaps(t.coming, top) || overlaps(t.leaving, top) || overlaps(t.leaving, to) {
		if err := t.wait(ctx); err != nil {
			return nil, err
		}
	}
	w := &watch{top: top}
	t.watches[w] = true
	return w, nil
}

func (t *traffic) lookedAway(w *watch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.watches, w)
}

// alone runs do, which gives the tree that w has looked at the name to, unless
// something came there since.
func (t *traffic) alone(w *watch, to string, do func() error) (clean bool, err error) {
	from := w.top
	t.mu.Lock()
	if w.dirty || overlaps(t.leaving, from) || overlaps(t.leaving, to) {
		t.mu.Unlock()
		return false, nil
	}
	t.leaving[&from] = true
	t.add(&to)
	t.mu.Unlock()
	defer t.end(t.leaving, &from)
	defer t.end(t.coming, &to)
	return true, do()
}

func overlaps(set map[*string]bool, name string) bool {
	for n := range set {
		if related(*n, name) {
			return true
		}
	}
	return false
}

// related reports whether one of two names is the other or above it.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == "." || a == b || strings.HasPrefix(b, a+"/")
}
