package tool

import (
	"context"
	"slices"
	"sync"

	"github.com/hutch-dev/hutch"
)

// maxSeen is how many files a console remembers. Past it any one is forgotten,
// which is as if it had never been read.
const maxSeen = 1 << 16

// seen remembers which version of each file the model knows, and lets one change
// of a file at a time through, so that the changes of one console never take
// each other for those of somebody else.
type seen struct {
	mu    sync.Mutex
	files map[string]*version
	locks map[string]*lock
}

// version is what is known of one file.
type version struct {
	rev string
	gen int // goes up with every note
	// moved is the first line whose number has changed since the file was last
	// read, by a change of this console; 0 is none.
	moved int
}

type lock struct {
	held  chan struct{} // has a token while somebody holds it
	users int
}

func newSeen() *seen {
	return &seen{files: map[string]*version{}, locks: map[string]*lock{}}
}

// at is the revision that the model knows of, "" if none, and how often that was
// noted.
func (s *seen) at(name string) (rev string, gen int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.files[name]; v != nil {
		return v.rev, v.gen
	}
	return "", 0
}

// read notes that the model was shown a revision, by a read that began when gen
// was noted. What was noted since then is newer and stays.
func (s *seen) read(name, rev string, gen int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.of(name); v.gen == gen {
		*v = version{rev: rev, gen: gen + 1}
	}
}

// wrote notes what a change of this console has made of a file. moved is the
// first line that may have another number now, 0 if none has.
func (s *seen) wrote(name, rev string, moved int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.of(name)
	if moved > 0 && (v.moved == 0 || moved < v.moved) {
		v.moved = moved
	}
	v.rev, v.gen = rev, v.gen+1
}

// gone notes that a file is no more.
func (s *seen) gone(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
}

// movedAt is the first line whose number is not what it was when the file was
// read; 0 is none.
func (s *seen) movedAt(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := s.files[name]; v != nil {
		return v.moved
	}
	return 0
}

func (s *seen) of(name string) *version {
	v := s.files[name]
	if v != nil {
		return v
	}
	if len(s.files) >= maxSeen {
		for other := range s.files {
			delete(s.files, other)
			break
		}
	}
	v = &version{}
	s.files[name] = v
	return v
}

// hold waits until this caller alone may change some files, or ctx ends.
func (s *seen) hold(ctx context.Context, names ...string) (release func(), err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var held []string
	release = func() {
		for _, n := range held {
			s.unlock(n)
		}
	}
	for _, n := range names { // in order, so that two can never wait for each other
		if err := s.lock(ctx, n); err != nil {
			release()
			return nil, err
		}
		held = append(held, n)
	}
	return release, nil
}

func (s *seen) lock(ctx context.Context, name string) error {
	s.mu.Lock()
	l := s.locks[name]
	if l == nil {
		l = &lock{held: make(chan struct{}, 1)}
		s.locks[name] = l
	}
	l.users++
	s.mu.Unlock()
	select {
	case l.held <- struct{}{}:
		return nil
	case <-ctx.Done():
		s.leave(name, l)
		return ctx.Err()
	}
}

func (s *seen) unlock(name string) {
	s.mu.Lock()
	l := s.locks[name]
	s.mu.Unlock()
	<-l.held
	s.leave(name, l)
}

func (s *seen) leave(name string, l *lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(s.locks, name)
	}
}

// fresh is nil for a version that may be edited: the one that the model knows,
// or any if it knows none.
func (c *console) fresh(name string, i hutch.Info) error {
	if rev, _ := c.seen.at(name); rev != "" && rev != i.Rev {
		return c.stale(name)
	}
	return nil
}

func (c *console) stale(name string) error {
	return mistakef("'%s' changed since you last read it. Read it again before editing, so that the other change is not lost.", c.path(name))
}
