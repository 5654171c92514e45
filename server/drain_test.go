package server

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestShutdown wants what is under way to be waited for, what is new to be refused,
// and who waits for something to happen to be sent away.
func TestShutdown(t *testing.T) {
	g := newGateway()
	streams := make(chan struct{}, 1)
	f := serving(t, func(o *ServiceOptions) {
		o.More = []Route{g.route("wait"), {Method: "GET", Path: "/stream", Name: "stream", Doc: "x", Streams: true, Serve: func(c *Call) (any, error) {
			e := c.Events()
			streams <- struct{}{}
			<-c.Draining()
			return nil, e.Send("7", "bye", map[string]int{"a": 1})
		}}}
	})
	path, own := f.create("a")
	waiting := f.inBackground(f.request("POST", path+"/wait", own, nil))
	<-g.entered
	stream := f.inBackground(f.request("GET", path+"/stream", own, nil))
	<-streams
	done := make(chan error, 1)
	go func() { done <- f.s.Shutdown(t.Context()) }()
	r := <-stream
	if r.status != 200 || r.header.Get("Content-Type") != "text/event-stream" || !strings.Contains(string(r.body), "id: 7\nevent: bye\ndata: {\"a\":1}\n\n") {
		t.Errorf("stream: %d %q", r.status, r.body)
	}
	f.want(503, "draining", "GET", path, own, nil)
	f.want(401, "unauthorized", "GET", path, "wrong", nil)
	if r := f.want(503, "", "GET", "/readyz", "", nil); !strings.Contains(string(r.body), "draining") {
		t.Errorf("ready: %s", r.body)
	}
	f.want(200, "", "GET", "/healthz", "", nil)
	select {
	case err := <-done:
		t.Errorf("Shutdown did not wait: %v", err)
	default:
	}
	g.leave <- struct{}{}
	if r := <-waiting; r.status != 204 || r.header.Get("Connection") == "keep-alive" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestShutdownEnds wants what does not end by itself to be ended.
func TestShutdownEnds(t *testing.T) {
	g := newGateway()
	f := serving(t, func(o *ServiceOptions) {
		o.More = []Route{g.route("wait"), {
			Method: "PUT", Path: "/raw", Name: "raw", Doc: "x", Raw: true, Serve: func(c *Call) (any, error) {
				g.entered <- c
				_, err := io.Copy(io.Discard, c.R.Body)
				g.ended <- err
				return nil, err
			},
		}}
	})
	path, own := f.create("a")
	waiting := f.inBackground(f.request("POST", path+"/wait", own, nil))
	body := f.half(head("PUT "+path+"/raw", own, "Content-Length: 10") + "abc")
	defer body.Close()
	<-g.entered
	<-g.entered
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.s.Shutdown(ctx) }()
	<-f.s.drain.draining
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Shutdown: %v", err)
	}
	if len(g.ended) != 2 {
		t.Errorf("%d of 2 have ended", len(g.ended))
	}
	if r := <-waiting; r.status != 503 || r.code() != "draining" {
		t.Errorf("%d %s", r.status, r.body)
	}
	a, err := http.ReadResponse(bufio.NewReader(body), nil)
	if err != nil || a.StatusCode/100 == 2 || !a.Close {
		t.Errorf("a body that was cut: %v, %v", a, err)
	}
}

// TestReady wants the reason to be nobody's business.
func TestReady(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) { o.Ready = func() error { return io.ErrUnexpectedEOF } })
	if r := f.want(503, "", "GET", "/readyz", "", nil); string(r.body) != `{"status":"starting"}`+"\n" {
		t.Errorf("%s", r.body)
	}
}

// stage is a writer that an event stream can be flushed to.
type stage struct{ recorder }

func (s *stage) Flush() {}

func TestEventStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stage{recorder{header: http.Header{}}}
		ctx, cancel := context.WithCancel(t.Context())
		c := &Call{W: w, Ctx: ctx}
		e := c.Events()
		if c.Events() != e {
			t.Error("two streams")
		}
		send := func(id, event string, v any) {
			if err := e.Send(id, event, v); err != nil {
				t.Error(err)
			}
		}
		send("", "", "a\nb\r\u2028")
		send("1\nid: 2", "x\r\ndata: y", nil)
		if err := e.Send("", "", func() {}); err == nil {
			t.Error("what is no JSON was sent")
		}
		time.Sleep(heartbeat + 1)
		cancel()
		if err := e.Send("", "", 1); err != context.Canceled {
			t.Errorf("after the end: %v", err)
		}
		e.close()
		time.Sleep(10 * heartbeat)
		want := ": \n\n" + "data: \"a\\nb\\r\\u2028\"\n\n" + "id: 1id: 2\nevent: xdata: y\ndata: null\n\n" + ": \n\n"
		if w.status != 200 || w.String() != want {
			t.Errorf("%d %q\nwant %q", w.status, w.String(), want)
		}
	})
}

func TestWantsEvents(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/event-stream": true, "application/json": false, "application/json, Text/Event-Stream;q=0.9": true, "text/event-streams": false,
	} {
		c := &Call{R: &http.Request{Header: http.Header{"Accept": {accept}}}}
		if c.WantsEvents() != want {
			t.Errorf("%q: %v", accept, !want)
		}
	}
}
