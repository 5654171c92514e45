package agentserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/hutch-dev/hutch/server"
)

// What is kept in memory of runs that have ended, of all sessions together.
const (
	maxEnded      = 256
	maxEndedBytes = 64 << 20
)

// Server runs agents in sessions. It is safe for concurrent use.
type Server struct {
	o    *Options
	ctx  context.Context // ends with Close
	stop context.CancelCauseFunc

	mu     sync.Mutex
	closed bool
	lanes  map[string]*lane // by the serial of the session
	active int
	ended  []*run // that are still in memory, the one that ended last at the end
	all    sync.WaitGroup
}

// lane holds the runs of one session as long as it is open.
type lane struct {
	serial string
	ctx    context.Context // of its uses
	unhear func() bool
	runs   map[string]*run
	active int
}

var (
	errCancelled = errors.New("the run was cancelled")
	errShut      = errors.New("the server was closed")
)

// New makes a Server. Options that cannot be are an error that matches
// fs.ErrInvalid.
func New(opts *Options) (*Server, error) {
	o, err := opts.checked()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, lanes: map[string]*lane{}}
	s.ctx, s.stop = context.WithCancelCause(context.Background())
	return s, nil
}

// Close interrupts all runs and waits until they have ended: what they have started
// is gone then, and each can be gone on with by another Server on the same
// workspace. Requests that come later are refused. It is called before Close of the
// service and of the manager.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop(errShut)
	s.all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		l.unhear()
	}
	s.lanes, s.ended = map[string]*lane{}, nil
}

// laneOf is the lane of the session of a call. The caller holds mu.
func (s *Server) laneOf(c *server.Call) *lane {
	serial := c.Info.Serial
	if l := s.lanes[serial]; l != nil && l.ctx.Err() == nil {
		return l
	}
	s.drop(s.lanes[serial]) // of before it slept
	l := &lane{serial: serial, ctx: c.Use.Context(), runs: map[string]*run{}}
	l.unhear = context.AfterFunc(l.ctx, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop(l)
	})
	s.lanes[serial] = l
	return l
}

// drop forgets a lane. What is under way there ends by itself. The caller holds mu.
func (s *Server) drop(l *lane) {
	if l == nil || s.lanes[l.serial] != l {
		return
	}
	l.unhear()
	delete(s.lanes, l.serial)
	s.ended = slices.DeleteFunc(s.ended, func(r *run) bool { return r.lane == l })
}

// get is a run that is in memory, or nil.
func (s *Server) get(c *server.Call, id string) *run {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.lanes[c.Info.Serial]; l != nil {
		return l.runs[id]
	}
	return nil
}

// admit makes room for r and takes it for under way: release is called for it.
func (s *Server) admit(c *server.Call, r *run) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return server.Problem(http.StatusServiceUnavailable, "draining", "the service is ending")
	}
	l := s.laneOf(c)
	if known := l.runs[r.id]; known != nil && known != r {
		return server.Problem(http.StatusConflict, "busy", "the run is under way") // somebody was faster
	}
	for _, other := range l.runs {
		switch {
		case !other.active:
		case other == r:
			return server.Problem(http.StatusConflict, "busy", "the run is under way")
		case other.conversation == r.conversation:
			return server.Problem(http.StatusConflict, "busy", "a run of that conversation is under way")
		}
	}
	switch {
	case l.active >= s.o.MaxRuns:
		return tooMany(c, "runs of a session at a time", s.o.MaxRuns)
	case s.active >= s.o.MaxInAll:
		return tooMany(c, "runs of all sessions at a time", s.o.MaxInAll)
	}
	s.all.Add(1)
	s.active++
	l.active++
	l.runs[r.id], r.lane, r.active = r, l, true
	s.ended = slices.DeleteFunc(s.ended, func(x *run) bool { return x == r })
	return nil
}

func tooMany(c *server.Call, what string, most int) error {
	c.W.Header().Set("Retry-After", "1")
	return server.Problem(http.StatusTooManyRequests, "too_many", fmt.Sprintf("there may be no more than %d %s", most, what))
}

// release ends what admit has begun, and in the same moment shows what has become of
// r, if it has begun; one that was never under way is forgotten.
func (s *Server) release(r *run, final *record) {
	defer s.all.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	l := r.lane
	s.active--
	l.active--
	r.active = false
	if final != nil {
		r.conclude(final)
	}
	switch {
	case l.ctx.Err() != nil:
		s.drop(l)
	case r.begun():
		s.ended = append(s.ended, r)
	default:
		delete(l.runs, r.id)
	}
	s.trim()
}

// trim forgets runs that have ended, those first that ended first, while there are
// too many of them or they are too large. The caller holds mu.
func (s *Server) trim() {
	bytes := 0
	for i := len(s.ended) - 1; i >= 0; i-- {
		bytes += s.ended[i].size()
		if len(s.ended)-i <= maxEnded && bytes <= maxEndedBytes {
			continue
		}
		for _, r := range s.ended[:i+1] {
			delete(r.lane.runs, r.id)
		}
		s.ended = slices.Delete(s.ended, 0, i+1)
		return
	}
}
