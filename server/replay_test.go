package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
)

// counting are routes that count how often they were done.
func counting(n *atomic.Int64, g *gateway) func(*ServiceOptions) {
	return func(o *ServiceOptions) {
		echo(o)
		add := func(name string, status int, answer func(k int64) (any, error)) {
			o.More = append(o.More, Route{
				Method: "POST", Path: "/" + name, Name: name, Doc: "x", Replays: true, In: map[string]any{}, Out: map[string]any{}, Status: status,
				Serve: func(c *Call) (any, error) { return answer(n.Add(1)) },
			})
		}
		add("count", 201, func(k int64) (any, error) { return map[string]int64{"n": k}, nil })
		add("large", 200, func(k int64) (any, error) { return map[string]string{"n": strings.Repeat("x", maxReplay)}, nil })
		add("deny", 200, func(k int64) (any, error) { return nil, Problem(403, "denied", fmt.Sprint("no ", k)) })
		o.More = append(o.More, Route{Method: "PUT", Path: "/deaf", Name: "deaf", Doc: "x", Raw: true, Replays: true, Serve: func(c *Call) (any, error) {
			n.Add(1)
			return nil, nil
		}})
		add("fail", 200, func(k int64) (any, error) { return nil, fmt.Errorf("fail") })
		wait := g.route("wait")
		wait.Replays = true
		o.More = append(o.More, wait, Route{Method: "POST", Path: "/plain", Name: "plain", Doc: "x", Serve: func(c *Call) (any, error) {
			n.Add(1)
			return nil, nil
		}})
	}
}

// TestReplay wants a request with a key to be done once.
func TestReplay(t *testing.T) {
	var n atomic.Int64
	g := newGateway()
	f := serving(t, counting(&n, g))
	path, own := f.create("a")
	again := func(status int, code, what, body string, key string, header ...string) reply {
		t.Helper()
		return f.want(status, code, "POST", path+"/"+what, own, body, append(header, "Idempotency-Key", key)...)
	}
	first := again(201, "", "count", `{"a":1}`, "k")
	second := again(201, "", "count", `{"a":1}`, "k")
	if string(first.body) != string(second.body) || first.header.Get(replayedField) != "" || second.header.Get(replayedField) != "true" || second.header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v, and again %s %v", first.body, first.header, second.body, second.header)
	}
	again(422, "key_reused", "count", `{"a":2}`, "k")
	again(422, "key_reused", "count", `{"a":1 }`, "k")
	again(422, "key_reused", "deny", `{"a":1}`, "k")
	again(422, "key_reused", "count", `{"a":1}`, "k", "Accept", "text/event-stream")
	again(201, "", "count", `{"a":1}`, "other")
	if k := n.Load(); k != 2 {
		t.Errorf("done %d times", k)
	}
	for range 2 {
		if r := again(403, "denied", "deny", "{}", "d"); !strings.Contains(string(r.body), "no 3") {
			t.Errorf("%s", r.body)
		}
	}
	again(200, "", "large", "{}", "l")
	again(409, "answer_lost", "large", "{}", "l")
	n.Store(0)
	again(500, "internal", "fail", "{}", "f")
	again(500, "internal", "fail", "{}", "f")
	again(400, "invalid", "count", "{", "i")
	again(400, "invalid", "count", "{", "i")
	again(204, "", "plain", "", "k") // of a route that knows no keys
	again(204, "", "plain", "", "k")
	for range 2 { // what the request was is not known
		f.want(204, "", "PUT", path+"/deaf", own, "x", "Idempotency-Key", "u")
	}
	if k := n.Load(); k != 6 {
		t.Errorf("what failed was done %d times", k)
	}
	for _, bad := range []string{"", " x", "a b", "é", strings.Repeat("k", maxReplayKey+1)} {
		q := f.request("POST", path+"/count", own, "{}")
		q.Header["Idempotency-Key"] = []string{bad}
		if r := f.send(q); bad != " x" && r.status != 400 {
			t.Errorf("key %q: %d", bad, r.status)
		}
	}
	_, other := f.create("b") // has keys of its own
	f.want(201, "", "POST", "/v1/sessions/b/count", other, `{"a":1}`, "Idempotency-Key", "k")
	f.want(204, "", "DELETE", path, own, nil)
	path, own = f.create("a")
	if r := again(201, "", "count", `{"a":1}`, "k"); r.header.Get(replayedField) != "" {
		t.Error("a new session has the answers of an old one")
	}
}

// TestReplayUnderWay wants no second while the first is under way, and the first to
// be forgotten when its client has gone.
func TestReplayUnderWay(t *testing.T) {
	var n atomic.Int64
	g := newGateway()
	f := serving(t, counting(&n, g))
	path, own := f.create("a")
	q := f.request("POST", path+"/wait", own, nil, "Idempotency-Key", "k")
	got := f.inBackground(q)
	<-g.entered
	f.want(409, "busy", "POST", path+"/wait", own, nil, "Idempotency-Key", "k")
	g.leave <- struct{}{}
	if r := <-got; r.status != 204 {
		t.Errorf("%d %s", r.status, r.body)
	}
	f.want(204, "", "POST", path+"/wait", own, nil, "Idempotency-Key", "k")
	c := f.half(head("POST "+path+"/wait", own, "Idempotency-Key: gone"))
	<-g.entered
	c.Close()
	<-g.ended
	got = f.inBackground(f.request("POST", path+"/wait", own, nil))
	<-g.entered // nothing else is under way; that one may be ending still
	g.leave <- struct{}{}
	<-got
}

// TestReplayOfFile wants the body of a file to count.
func TestReplayOfFile(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	f.want(204, "", "PUT", path+"/raw/x", own, "one", "Idempotency-Key", "k")
	f.want(204, "", "PUT", path+"/raw/x", own, "two")
	f.want(204, "", "PUT", path+"/raw/x", own, "one", "Idempotency-Key", "k") // not done again
	f.want(422, "key_reused", "PUT", path+"/raw/x", own, "two", "Idempotency-Key", "k")
	f.want(422, "key_reused", "PUT", path+"/raw/y", own, "one", "Idempotency-Key", "k")
	u, err := f.m.Use(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Done()
	if b, err := hutch.ReadFile(t.Context(), u.Backend(), "x"); err != nil || string(b) != "two" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestReplayBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newReplays()
		begin := func(serial, key string) *kept {
			mine, _ := p.begin(replayKey{serial, key}, [32]byte{})
			return mine
		}
		end := func(k *kept, size int) {
			k.begin(200, http.Header{})
			k.write(make([]byte, size))
			p.end(k, true)
		}
		waits := begin("s", "waits")
		for i := range 2 * maxReplays {
			end(begin("s", fmt.Sprint(i)), 1)
		}
		if len(p.all) > maxReplays || p.of["s"] > maxReplays || begin("s", "waits") != nil {
			t.Errorf("%d are kept, and what is under way: %v", len(p.all), waits)
		}
		if begin("s", fmt.Sprint(2*maxReplays-1)) != nil || begin("s", "0") == nil {
			t.Error("the latest is forgotten, or the first is not")
		}
		for i := range 100 {
			for j := range 20 {
				end(begin(fmt.Sprint(i), fmt.Sprint(j)), maxReplay)
			}
		}
		if p.bytes > maxReplayed {
			t.Errorf("%d bytes are kept", p.bytes)
		}
		time.Sleep(replayTime - 1)
		if begin("99", "19") != nil {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if begin("99", "19") == nil {
			t.Error("kept for too long")
		}
		end(waits, 10)
		for i := range 100 {
			p.drop(fmt.Sprint(i))
		}
		p.drop("s")
		if len(p.all) != 0 || len(p.of) != 0 || p.bytes != 0 || p.order.Len() != 0 {
			t.Errorf("left: %d of %v, %d bytes", len(p.all), p.of, p.bytes)
		}
		end(begin("s", "x"), maxReplay+1)
	})
}
