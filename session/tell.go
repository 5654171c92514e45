package session

import "sync"

// teller tells of changes, one at a time and in order. nil tells nobody.
type teller struct {
	changed func(Info)
	done    chan struct{} // closed when everything has been told

	mu    sync.Mutex
	more  sync.Cond
	queue []Info
	last  bool
}

func newTeller(changed func(Info)) *teller {
	if changed == nil {
		return nil
	}
	t := &teller{changed: changed, done: make(chan struct{})}
	t.more.L = &t.mu
	go t.run()
	return t
}

// add has s told as it is now.
func (t *teller) add(s *session) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, s.info())
	t.more.Signal()
}

// close waits until everything has been told.
func (t *teller) close() {
	if t == nil {
		return
	}
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
		queue := t.queue
		t.queue = nil
		t.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for _, i := range queue {
			t.changed(i)
		}
	}
}
