package server

import (
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// counter is a number that is counted up by many.
type counter struct {
	mu sync.Mutex
	n  int64
}

func (c *counter) add(n int64) { c.mu.Lock(); c.n += n; c.mu.Unlock() }
func (c *counter) get() int64  { c.mu.Lock(); defer c.mu.Unlock(); return c.n }

// gate counts what is under way, in all and for each session.
type gate struct {
	l Limits

	mu    sync.Mutex
	all   int
	lanes map[string]*lane // by the ID of the session
}

// lane is what a session uses up.
type lane struct {
	calls, wires int
	tokens       float64 // of the rate
	last         time.Time
}

func newGate(l Limits) *gate { return &gate{l: l, lanes: map[string]*lane{}} }

// enter lets a request in, of the session id or of none; leave is called when it
// is done.
func (g *gate) enter(id string, wire bool) (leave func(), refused *problem) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if over(g.all, g.l.InAll) {
		return nil, tooMany("requests of all sessions at a time", g.l.InAll, time.Second)
	}
	if id == "" {
		g.all++
		return func() { g.leave(nil, nil) }, nil
	}
	n := g.lanes[id]
	if n == nil {
		n = &lane{tokens: float64(g.l.Rate), last: time.Now()}
		g.lanes[id] = n
	}
	count, most, what := &n.calls, g.l.PerSession, "requests of a session at a time"
	if wire {
		count, most, what = &n.wires, g.l.PerWire, "operations of a session at a time over the wire"
	}
	if over(*count, most) {
		return nil, tooMany(what, most, time.Second)
	}
	if !wire {
		if wait := n.wait(g.l.Rate); wait > 0 {
			return nil, tooMany("requests of a session a second", g.l.Rate, wait)
		}
	}
	g.all++
	*count++
	return func() { g.leave(n, count) }, nil
}

func (g *gate) leave(n *lane, count *int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if n != nil {
		*count--
	}
}

// wait takes one of what the rate allows, or is how long it takes until there is one.
func (n *lane) wait(rate int) time.Duration {
	if rate < 0 {
		return 0
	}
	now := time.Now()
	n.tokens = math.Min(float64(rate), n.tokens+now.Sub(n.last).Seconds()*float64(rate))
	n.last = now
	if n.tokens < 1 {
		return time.Duration((1 - n.tokens) / float64(rate) * float64(time.Second))
	}
	n.tokens--
	return 0
}

// drop forgets a session that has ended.
func (g *gate) drop(id string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.lanes, id)
}

// over reports whether n is all that there may be.
func over(n, most int) bool { return most >= 0 && n >= most }

func tooMany(what string, most int, wait time.Duration) *problem {
	return &problem{
		status: http.StatusTooManyRequests, code: "too_many", retry: wait,
		detail: fmt.Sprintf("there may be no more than %d %s", most, what),
	}
}

// throttle counts the requests without a right token by their addresses.
type throttle struct {
	most int

	mu      sync.Mutex
	all     map[netip.Prefix]*window
	trimmed time.Time // when what is over was last looked for
}

// window is a minute of an address.
type window struct {
	begin time.Time
	n     int
}

const (
	windowTime = time.Minute
	maxWindows = 4096
)

// wrong counts one, and reports how long its client should wait, if it should.
func (t *throttle) wrong(r *http.Request) time.Duration {
	if t.most < 0 {
		return 0
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	from := source(r)
	w := t.all[from]
	if w == nil || now.Sub(w.begin) >= windowTime {
		t.trim(now)
		w = &window{begin: now}
		t.all[from] = w
	}
	w.n++
	if w.n <= t.most {
		return 0
	}
	return windowTime - now.Sub(w.begin)
}

// trim makes room for one more: what is over goes, or else whatever comes first.
func (t *throttle) trim(now time.Time) {
	if len(t.all) < maxWindows {
		return
	}
	if now.Sub(t.trimmed) >= windowTime/8 {
		t.trimmed = now
		maps.DeleteFunc(t.all, func(_ netip.Prefix, w *window) bool { return now.Sub(w.begin) >= windowTime })
	}
	for from := range t.all {
		if len(t.all) < maxWindows {
			return
		}
		delete(t.all, from)
	}
}

// source is where a request comes from: an address, or of IPv6 the network that
// one household has.
func source(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

func newThrottle(most int) *throttle {
	return &throttle{most: most, all: map[netip.Prefix]*window{}}
}
