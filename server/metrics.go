package server

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// meters are what GET /metrics shows. No label has a value that a client chooses.
type meters struct {
	underway atomic.Int64
	read     atomic.Int64
	written  atomic.Int64
	wrong    atomic.Int64
	commands atomic.Int64 // running, jobs included

	mu     sync.Mutex
	routes map[string]*routeMeter
}

// routeMeter is what is known of the requests of a route.
type routeMeter struct {
	codes   map[int]int64
	buckets []int64 // of bounds, each without those below it
	seconds float64
}

// bounds of the buckets of durations, in seconds.
var bounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600}

func newMeters() *meters { return &meters{routes: map[string]*routeMeter{}} }

// count counts a request that was answered.
func (m *meters) count(route string, code int, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.routes[route]
	if r == nil {
		r = &routeMeter{codes: map[int]int64{}, buckets: make([]int64, len(bounds)+1)}
		m.routes[route] = r
	}
	r.codes[code]++
	r.seconds += took.Seconds()
	i := 0
	for i < len(bounds) && took.Seconds() > bounds[i] {
		i++
	}
	r.buckets[i]++
}

func (s *Service) serveMetrics(w http.ResponseWriter, r *http.Request) {
	a, _ := s.answer(w, r, 0)
	if who, ok := s.tokens.caller(r); !ok || !who.service {
		s.unauthorized(r).write(a)
		return
	}
	a.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = a.Write(s.meters.text(s.m.List()))
}

// observe counts a request and traces it; end is called when it is answered.
func (s *Service) observe(route *Route, a *answer, r *http.Request) (ctx context.Context, end func()) {
	begin := time.Now()
	s.meters.underway.Add(1)
	ctx, traced := s.trace(route, r)
	return ctx, func() {
		code := orDefault(a.status, statusGone)
		s.meters.underway.Add(-1)
		s.meters.count(route.Name, code, time.Since(begin))
		s.meters.read.Add(a.body.n)
		s.meters.written.Add(a.n)
		traced(code)
	}
}
