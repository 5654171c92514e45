package server

import (
	"bufio"
	"net/http"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/session"
)

func TestSessionLife(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		o.Runtimes = []RuntimeInfo{{Name: "plain", Description: "Nothing."}, {Name: "python"}}
	})
	r := f.want(201, "", "POST", "/v1/sessions", master, map[string]any{
		"id": "a", "tenant": "t1", "runtime": "python", "labels": map[string]string{"k": "v"}, "idle_seconds": 60, "ttl_seconds": -1,
	})
	var made createOut
	r.into(t, &made)
	s := made.Session
	if s.ID != "a" || s.Tenant != "t1" || s.Runtime != "python" || s.Labels["k"] != "v" || s.State != "open" || s.IdleSeconds != 60 || s.TTLSeconds != -1 {
		t.Errorf("made: %s", r.body)
	}
	if d := time.Until(made.Expires); d < 23*time.Hour || d > 24*time.Hour {
		t.Errorf("the token is good for %v", d)
	}
	f.want(409, "exists", "POST", "/v1/sessions", master, map[string]any{"id": "a"})
	f.want(409, "exists", "POST", "/v1/sessions", master, map[string]any{"id": "a", "tenant": "t2", "runtime": "python", "reuse": true})
	f.want(409, "exists", "POST", "/v1/sessions", master, map[string]any{"id": "a", "tenant": "t1", "runtime": "plain", "reuse": true})
	f.want(200, "", "POST", "/v1/sessions", master, map[string]any{"id": "a", "tenant": "t1", "runtime": "python", "reuse": true})
	f.want(400, "invalid", "POST", "/v1/sessions", master, map[string]any{"runtime": "perl"})
	f.want(400, "invalid", "POST", "/v1/sessions", master, map[string]any{"id": "../x"})
	f.want(400, "invalid", "POST", "/v1/sessions", master, map[string]any{"idle_seconds": int64(1) << 62})
	f.want(400, "invalid", "POST", "/v1/sessions", master, map[string]any{"token_seconds": 31 * 24 * 3600})

	other := f.want(201, "", "POST", "/v1/sessions", master, nil)
	var second createOut
	other.into(t, &second)
	if second.Session.Runtime != "plain" || second.Session.Tenant != "" {
		t.Errorf("made from nothing: %s", other.body)
	}
	for query, n := range map[string]int{"": 2, "?tenant=": 1, "?tenant=t1": 1, "?tenant=t9": 0} {
		var all sessionsOut
		f.want(200, "", "GET", "/v1/sessions"+query, master, nil).into(t, &all)
		if all.Sessions == nil || len(all.Sessions) != n {
			t.Errorf("%q: %d sessions, want %d", query, len(all.Sessions), n)
		}
	}
	f.want(204, "", "POST", "/v1/sessions/a/sleep", made.Token, nil)
	var now sessionOut
	for range 2 { // looking wakes nobody
		f.want(200, "", "GET", "/v1/sessions/a", made.Token, nil).into(t, &now)
		if now.State != "asleep" {
			t.Errorf("state %s", now.State)
		}
	}
	f.want(200, "", "POST", "/v1/sessions", master, map[string]any{"id": "a", "tenant": "t1", "runtime": "python", "reuse": true}).into(t, &made)
	if made.Session.State != "open" {
		t.Errorf("reused: %s", made.Session.State)
	}
	f.want(204, "", "DELETE", "/v1/sessions/a", made.Token, nil)
	f.want(401, "unauthorized", "GET", "/v1/sessions/a", made.Token, nil)
	f.want(404, "not_found", "GET", "/v1/sessions/a", master, nil)
	f.want(404, "not_found", "DELETE", "/v1/sessions/a", master, nil)
	f.want(404, "not_found", "POST", "/v1/sessions/a/sleep", master, nil)
	f.want(404, "not_found", "POST", "/v1/sessions/a/tokens", master, nil)
}

func TestRuntimes(t *testing.T) {
	f := serving(t, nil)
	if r := f.want(200, "", "GET", "/v1/runtimes", master, nil); string(r.body) != "[]\n" {
		t.Errorf("no runtimes: %s", r.body)
	}
	_, token := f.create("a")
	f.want(401, "unauthorized", "GET", "/v1/runtimes", token, nil)
}

func TestTokensOfSession(t *testing.T) {
	f := serving(t, nil)
	path, first := f.create("a")
	var out tokenOut
	f.want(201, "", "POST", path+"/tokens", master, map[string]any{"seconds": 60}).into(t, &out)
	if d := time.Until(out.Expires); d > time.Minute || d < 30*time.Second {
		t.Errorf("good for %v", d)
	}
	f.want(200, "", "GET", path, out.Token, nil)
	f.want(200, "", "GET", path, first, nil)
	f.want(401, "unauthorized", "POST", path+"/tokens", first, nil)
	f.want(400, "invalid", "POST", path+"/tokens", master, map[string]any{"seconds": -5})
}

func TestFull(t *testing.T) {
	p := &place{}
	f := servingOn(t, p, &session.Options{MaxSessions: 2, MaxPerTenant: 1}, nil)
	f.want(201, "", "POST", "/v1/sessions", master, map[string]any{"tenant": "a"})
	r := f.want(429, "too_many", "POST", "/v1/sessions", master, map[string]any{"tenant": "a"})
	if r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	f.want(201, "", "POST", "/v1/sessions", master, map[string]any{"tenant": "b"})
	f.want(429, "too_many", "POST", "/v1/sessions", master, map[string]any{"tenant": "c"})
}

// TestBusy wants no session to sleep that is in use, and who uses one that is ended
// to be told.
func TestBusy(t *testing.T) {
	g := newGateway()
	f := serving(t, func(o *ServiceOptions) { o.More = []Route{g.route("wait")} })
	path, token := f.create("a")
	c := f.half(head("POST "+path+"/wait", token))
	defer c.Close()
	<-g.entered
	f.want(409, "busy", "POST", path+"/sleep", token, nil)
	f.want(204, "", "DELETE", path, token, nil)
	<-g.ended
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || a.StatusCode != http.StatusGone || !a.Close {
		t.Errorf("the call of a session that was ended: %+v, %v", a, err)
	}
}

// TestRooms wants one room as long as the session is open, and another one later.
func TestRooms(t *testing.T) {
	var rooms []*room
	look := Route{Method: "GET", Path: "/look", Name: "look", Doc: "Looks.", Serve: func(c *Call) (any, error) {
		rooms = append(rooms, c.room)
		return nil, nil
	}}
	f := serving(t, func(o *ServiceOptions) { o.More = []Route{look} })
	path, token := f.create("a")
	for range 2 {
		f.want(204, "", "GET", path+"/look", token, nil)
	}
	f.want(204, "", "POST", path+"/sleep", token, nil)
	for range 2 {
		f.want(204, "", "GET", path+"/look", token, nil)
	}
	if rooms[0] != rooms[1] || rooms[1] == rooms[2] || rooms[2] != rooms[3] {
		t.Errorf("rooms %p", rooms)
	}
	f.want(204, "", "DELETE", path, token, nil)
	_, token = f.create("a")
	f.want(204, "", "GET", path+"/look", token, nil)
	_ = f.m.Close(t.Context()) // what is to be told has been told then
	f.s.rooms.closing.Wait()
	f.s.rooms.mu.Lock()
	defer f.s.rooms.mu.Unlock()
	if n := len(f.s.rooms.all); n != 0 {
		t.Errorf("%d rooms are left", n)
	}
}
