//go:build amd64 || arm64

package jail

import "sync"

// waiting are the calls of Run that wait for the ends of their commands.
type waiting struct {
	mu   sync.Mutex
	next int64
	ends map[int64]chan *done // each has room for one; closed when no word can come any more
	shut bool                 // nobody else may wait
}

// register makes a place for the end of a command.
func (w *waiting) register() (int64, chan *done, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut {
		return 0, nil, ErrGone
	}
	if w.ends == nil {
		w.ends = map[int64]chan *done{}
	}
	w.next++
	ch := make(chan *done, 1)
	w.ends[w.next] = ch
	return w.next, ch, nil
}

func (w *waiting) forget(id int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ends, id)
}

// tell hands the end of a command to who waits for it. After shutting nothing is told.
func (w *waiting) tell(m *done) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.ends[m.id]; ch != nil && !w.shut {
		delete(w.ends, m.id)
		ch <- m
	}
}

// stop turns away who comes, and silences tell.
func (w *waiting) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = true
}

// lose sends everybody away without a word.
func (w *waiting) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut = true
	for id, ch := range w.ends {
		delete(w.ends, id)
		close(ch)
	}
}
