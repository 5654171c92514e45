package server

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/session"
)

// half says something on a connection of its own.
func (f *fixture) half(text string) net.Conn {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	_, _ = io.WriteString(c, text)
	return c
}

// TestAtATime wants a session that does much to be told, and others not to notice.
func TestAtATime(t *testing.T) {
	g := newGateway()
	f := serving(t, func(o *ServiceOptions) {
		o.More = []Route{g.route("wait")}
		o.Limits.PerSession, o.Limits.InAll = 2, 3
	})
	a, ownA := f.create("a")
	b, ownB := f.create("b")
	var got []<-chan reply
	wait := func(path, own string) {
		got = append(got, f.inBackground(f.request("POST", path+"/wait", own, nil)))
		<-g.entered
	}
	wait(a, ownA)
	wait(a, ownA)
	r := f.want(429, "too_many", "GET", a, ownA, nil)
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
	f.want(200, "", "GET", b, ownB, nil)
	wait(b, ownB)
	f.want(429, "too_many", "GET", b, ownB, nil)
	f.want(429, "too_many", "GET", "/v1/sessions", master, nil)
	f.want(401, "unauthorized", "GET", b, ownA, nil)
	f.want(200, "", "GET", "/healthz", "", nil)
	close(g.leave)
	for _, x := range got {
		if r := <-x; r.status != 204 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	f.want(200, "", "GET", a, ownA, nil)
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := Limits{Rate: 2}
		l.complete()
		g := newGate(l)
		in := func(id string, wire bool) bool {
			leave, refused := g.enter(id, wire)
			if refused == nil {
				leave()
			} else if refused.retry <= 0 || refused.retry > time.Second/2 {
				t.Errorf("wait for %v", refused.retry)
			}
			return refused == nil
		}
		for range 3 {
			if got := []bool{in("a", false), in("a", false), in("a", false)}; !slices.Equal(got, []bool{true, true, false}) {
				t.Errorf("let in at once: %v", got)
			}
			if !in("a", true) || !in("", false) {
				t.Error("what does not count is refused")
			}
			time.Sleep(time.Second / 2)
			if !in("a", false) || in("a", false) {
				t.Error("not one after half a second")
			}
			time.Sleep(time.Hour)
		}
		if !in("b", false) {
			t.Error("another session is refused")
		}
		g.drop("a")
		if len(g.lanes) != 1 || g.all != 0 {
			t.Errorf("%d lanes, %d under way", len(g.lanes), g.all)
		}
	})
}

// TestLanes wants the wire to take nothing from requests, nor they from it.
func TestLanes(t *testing.T) {
	l := Limits{PerSession: 1, PerWire: 2, Rate: 1}
	l.complete()
	g := newGate(l)
	for i, x := range []struct{ wire, in bool }{{true, true}, {true, true}, {true, false}, {false, true}, {false, false}} {
		if _, refused := g.enter("a", x.wire); (refused == nil) != x.in {
			t.Errorf("%d: %v", i, refused)
		}
	}
}

// TestRateOverHTTP wants the rate to be that of the session.
func TestRateOverHTTP(t *testing.T) {
	f := servingOn(t, &place{}, &session.Options{}, func(o *ServiceOptions) { o.Limits.Rate = 1 })
	path, own := f.create("a")
	var last reply
	for range 100 { // less than a hundred seconds
		if last = f.do("GET", path, own, nil); last.status != 200 {
			break
		}
	}
	if last.status != 429 || last.header.Get("Retry-After") != "1" {
		t.Errorf("%d %v", last.status, last.header)
	}
}

// TestConnections wants idle connections to make room for others.
func TestConnections(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) { o.Limits.Connections = 3 })
	path, own := f.create("a")
	f.plain.CloseIdleConnections()
	silent := f.half("") // says nothing
	defer silent.Close()
	for range 6 {
		c := f.half(head("GET "+path, own))
		defer c.Close()
		a, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || a.StatusCode != 200 {
			t.Fatalf("%v %v", a, err)
		}
	}
	_ = silent.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.Copy(io.Discard, silent); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection that is idle longest is open")
	}
	f.s.conns.mu.Lock()
	defer f.s.conns.mu.Unlock()
	if f.s.conns.n > 3 {
		t.Errorf("%d connections", f.s.conns.n)
	}
}

// TestConnectionsInUse wants the next connection to wait where none is idle.
func TestConnectionsInUse(t *testing.T) {
	g := newGateway()
	f := serving(t, func(o *ServiceOptions) {
		o.Limits.Connections = 2
		o.More = []Route{g.route("wait")}
	})
	path, own := f.create("a")
	for range 2 {
		defer f.half(head("POST "+path+"/wait", own)).Close()
		<-g.entered
	}
	got := f.inBackground(f.request("GET", path, own, nil))
	select {
	case r := <-got:
		t.Errorf("answered: %d %s", r.status, r.body)
	default:
	}
	close(g.leave)
	if r := <-got; r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
