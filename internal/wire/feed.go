package wire

import (
	"io"
	"sync"
)

// feed is the body of an exec request: the head, the input of the command as
// far as it has room for it, and, at any time, signals and the wish to end it.
type feed struct {
	mu      sync.Mutex
	wake    sync.Cond
	snd     sender
	buf     []byte // not sent yet
	credit  int    // how much input there is room for
	stopped bool
	closed  bool
	calling bool          // a signal was sent, and is not taken yet
	called  chan struct{} // has room for one: it was
}

func newFeed(head []byte) *feed {
	f := &feed{credit: stdinWindow, called: make(chan struct{}, 1)}
	f.wake.L = &f.mu
	f.buf = f.snd.add(nil, kindHead, head)
	return f
}

// Read is called by the transport.
func (f *feed) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.buf) == 0 && !f.closed {
		f.wake.Wait()
	}
	if f.closed {
		return 0, errBodyClosed
	}
	n := copy(p, f.buf)
	if f.buf = f.buf[n:]; len(f.buf) == 0 {
		f.buf = nil
	}
	return n, nil
}

// Close ends the body; there is no more input after it.
func (f *feed) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake.Broadcast()
	return nil
}

// stop asks the far side to end the command.
func (f *feed) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		f.stopped = true
		f.buf = f.snd.add(f.buf, kindStop, nil)
		f.wake.Broadcast()
	}
}

func (f *feed) allow(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.credit = min(f.credit+max(n, 0), stdinWindow)
	f.wake.Broadcast()
}

// room waits until there is room for input, and says for how much; 0 is none
// any more.
func (f *feed) room() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.credit == 0 && !f.closed && !f.stopped {
		f.wake.Wait()
	}
	if f.closed || f.stopped {
		return 0
	}
	return f.credit
}

// give passes input on, and reports whether more is wanted.
func (f *feed) give(p []byte, end bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.stopped {
		return false
	}
	if len(p) > 0 {
		f.credit -= len(p)
		f.buf = f.snd.add(f.buf, kindData, p)
	}
	if end {
		f.buf = f.snd.add(f.buf, kindEOF, nil)
	}
	f.wake.Broadcast()
	return !end
}

// pump passes on what r gives, until it or the command ends.
func (f *feed) pump(r io.Reader) {
	var buf [32 << 10]byte
	for n := f.room(); n > 0; n = f.room() {
		n, err := r.Read(buf[:min(n, len(buf))])
		if !f.give(buf[:max(n, 0)], err != nil) {
			return
		}
	}
}
