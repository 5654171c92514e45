package session

import (
	"slices"
	"sync"
)

// teller tells of changes, one at a time and in order.
type teller struct {
	done chan struct{} // closed when everything has been told

	mu       sync.Mutex
	more     sync.Cond
	queue    []Info
	last     bool
	watchers []*watcher
}

// watcher is one who is told.
type watcher struct {
	changed func(Info)

	mu   sync.Mutex // while changed is called
	gone bool
}

// Watch has f told of every change of state from now on, after it, one at a time
// and in order. f may call the Manager's Get, List and ListTenant and nothing else
// of it. Nothing waits for f but Close and stop: what it has not been told yet is
// kept in memory, so it must be quick. When stop returns f is not called any more;
// f must not call it.
func (m *Manager) Watch(f func(Info)) (stop func()) {
	w := &watcher{changed: f}
	m.tell.watch(w)
	return func() {
		m.tell.forget(w)
		w.mu.Lock()
		defer w.mu.Unlock()
		w.gone = true
	}
}

func newTeller(changed func(Info)) *teller {
	t := &teller{done: make(chan struct{})}
	t.more.L = &t.mu
	if changed != nil {
		t.watch(&watcher{changed: changed})
	}
	go t.run()
	return t
}

// watch and forget replace the list, which may be in use.
func (t *teller) watch(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = append(slices.Clip(t.watchers), w)
}

func (t *teller) forget(w *watcher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = slices.DeleteFunc(slices.Clone(t.watchers), func(x *watcher) bool { return x == w })
}

// add has s told as it is now.
func (t *teller) add(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.watchers) == 0 {
		return
	}
	t.queue = append(t.queue, s.info())
	t.more.Signal()
}

// close waits until everything has been told.
func (t *teller) close() {
	t.mu.Lock()
	t.last = true
	t.more.Signal()
	t.mu.Unlock()
	<-t.done
}

func (t *teller) run() {
	defer close(t.done)
	for {
		t.mu.Lock()
		for len(t.queue) == 0 && !t.last {
			t.more.Wait()
		}
		queue, watchers := t.queue, t.watchers
		t.queue = nil
		t.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, i := range queue {
			for _, w := range watchers {
				w.tell(i)
			}
		}
	}
}

func (w *watcher) tell(i Info) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.gone {
		w.changed(i)
	}
}
