package server

import (
	"net/http"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
)

// room is what the service keeps of an open session: from the first use until the
// session sleeps or ends.
type room struct {
	service *Service
	info    session.Info  // as it was at the first use
	plain   hutch.Backend // of the workspace
	backend hutch.Backend // the same, recorded

	wired func() http.Handler // the wire, made when it is first asked for

	*ledger
	background
}

// open makes what is in a new room. The caller holds the lock of the rooms.
func (r *room) open() {
	r.ledger = r.service.rooms.ledgers.of(r.info.Serial)
	r.backend = record(r)
	r.background.open(r)
	r.wired = sync.OnceValue(func() http.Handler { return newWire(r) })
}

// close ends what is in the room. It is called once, when no call is in it.
func (r *room) close() { r.background.close() }

// rooms are the rooms of open sessions, by the serial of the session.
type rooms struct {
	mu      sync.Mutex
	all     map[string]*room
	ledgers ledgers
	closing sync.WaitGroup
}

// roomNow is the room of the session if there is one: nil where it sleeps. It may
// be closed at any time.
func (c *Call) roomNow() *room {
	c.service.rooms.mu.Lock()
	defer c.service.rooms.mu.Unlock()
	return c.service.rooms.all[c.Info.Serial]
}

// roomOf is the room of a session in use.
func (s *Service) roomOf(u *session.Use, serial string) *room {
	s.rooms.mu.Lock()
	defer s.rooms.mu.Unlock()
	b := u.Backend()
	r := s.rooms.all[serial]
	if r != nil && same(r.plain, b) {
		return r
	}
	if r != nil { // it slept, and was woken before we heard of it
		s.rooms.drop(serial)
	}
	r = &room{service: s, info: u.Info(), plain: b}
	r.open()
	s.rooms.all[serial] = r
	return r
}

// same reports whether a and b are one backend.
func same(a, b hutch.Backend) (yes bool) {
	defer func() { _ = recover() }() // of a type that cannot be compared
	yes = true
	return a == b
}

// drop closes a room in the background. The caller holds mu.
func (r *rooms) drop(serial string) {
	if x := r.all[serial]; x != nil {
		delete(r.all, serial)
		r.closing.Go(x.close)
	}
}

// changed is told of every change of a session's state, some time after it.
func (s *Service) changed(i session.Info) {
	switch i.State {
	case session.Asleep:
	case session.Ended:
		s.replays.drop(i.Serial)
		s.gate.drop(i.ID)
		s.rooms.ledgers.drop(i.Serial)
	default:
		return
	}
	s.rooms.closing.Go(func() { s.leave(i) })
}

// leave drops the room of a session that is not open, which it may be again.
func (s *Service) leave(i session.Info) {
	s.rooms.mu.Lock()
	defer s.rooms.mu.Unlock()
	now, err := s.m.Get(i.ID)
	if err != nil || now.Serial != i.Serial || now.State == session.Asleep {
		s.rooms.drop(i.Serial)
	}
}

// closeAll closes all rooms and waits until they are.
func (r *rooms) closeAll() {
	r.mu.Lock()
	for serial := range r.all {
		r.drop(serial)
	}
	r.mu.Unlock()
	r.closing.Wait()
}
