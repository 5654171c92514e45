package job

import (
	"context"
	"io"
	"io/fs"
	"sync"
)

// stdinRoom is how many bytes wait for a command to read them.
const stdinRoom = 64 << 10

// stdin is what is written to a job and not read yet.
type stdin struct {
	mu      sync.Mutex
	data    []byte
	closed  bool // by who writes
	dead    bool // nobody reads any more
	changed chan struct{}
}

func newStdin() *stdin { return &stdin{changed: make(chan struct{})} }

func (s *stdin) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Read implements io.Reader for the command.
func (s *stdin) Read(p []byte) (int, error) {
	for {
		n, changed, err := s.next(p)
		if changed == nil {
			return n, err
		}
		<-changed
	}
}

func (s *stdin) next(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.dead:
		return 0, nil, io.EOF
	case len(s.data) > 0 || len(p) == 0:
		n := copy(p, s.data)
		s.data = s.data[n:]
		s.wake()
		return n, nil, nil
	case s.closed:
		return 0, nil, io.EOF
	}
	return 0, s.changed, nil
}

// write waits for room. It returns how much was taken.
func (s *stdin) write(ctx context.Context, p []byte) (n int, err error) {
	for n < len(p) {
		k, changed, err := s.put(p[n:])
		n += k
		if err != nil {
			return n, err
		}
		if k > 0 {
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return n, ctx.Err()
		}
	}
	return n, nil
}

func (s *stdin) put(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return 0, nil, ErrEnded
	}
	if s.closed {
		return 0, nil, fs.ErrClosed
	}
	k := min(stdinRoom-len(s.data), len(p))
	if k == 0 {
		return 0, s.changed, nil
	}
	s.data = append(s.data, p[:k]...)
	s.wake()
	return k, nil, nil
}

// close ends the input after what was written.
func (s *stdin) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.wake()
}

// kill lets go of everybody.
func (s *stdin) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dead = true
	s.data = nil
	s.wake()
}
