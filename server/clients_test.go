package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowReader wants who does not take the answer to lose it, and the session to
// be free again.
func TestSlowReader(t *testing.T) {
	left := make(chan error, 1)
	f := serving(t, func(o *ServiceOptions) {
		o.Limits.Pause = 200 * time.Millisecond
		o.More = []Route{{Method: "GET", Path: "/much", Name: "much", Doc: "Much.", Serve: func(c *Call) (any, error) {
			var err error
			for err == nil {
				_, err = c.W.Write(make([]byte, 1<<20))
			}
			left <- err
			return nil, err
		}}}
	})
	path, own := f.create("a")
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, head("GET "+path+"/much", own))
	<-left
	f.want(204, "", "DELETE", path, own, nil)
}

// TestGone wants a call to end when its client goes.
func TestGone(t *testing.T) {
	g := newGateway()
	f := serving(t, func(o *ServiceOptions) { o.More = []Route{g.route("wait")} })
	path, own := f.create("a")
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, head("POST "+path+"/wait", own))
	<-g.entered
	c.Close()
	<-g.ended
	f.want(204, "", "DELETE", path, own, nil)
}

// TestPipelined wants what is said ahead to be answered in its order.
func TestPipelined(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for i := range 3 {
		body := fmt.Sprintf(`{"name":"%d"}`, i)
		_, _ = io.WriteString(c, head("POST "+path+"/echo", own, fmt.Sprintf("Content-Length: %d", len(body)))+body)
	}
	r := bufio.NewReader(c)
	for i := range 3 {
		a, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(a.Body)
		if want := fmt.Sprintf(`{"name":"%d"}`, i); !strings.Contains(string(b), want) {
			t.Errorf("answer %d: %s", i, b)
		}
	}
}

// TestPanic wants a route that fails to be an answer that tells nothing, or none
// that looks whole.
func TestPanic(t *testing.T) {
	late := func(c *Call) (any, error) {
		c.W.WriteHeader(200)
		_, _ = io.WriteString(c.W, "some")
		panic("a secret")
	}
	f := serving(t, func(o *ServiceOptions) {
		o.More = []Route{
			{Method: "GET", Path: "/panic", Name: "panic", Doc: "x", Serve: func(*Call) (any, error) { panic("a secret") }},
			{Method: "GET", Path: "/late", Name: "late", Doc: "x", Serve: late},
			{Method: "GET", Path: "/odd", Name: "odd", Doc: "x", Serve: func(*Call) (any, error) { return nil, fmt.Errorf("a secret") }},
			{Method: "GET", Path: "/none", Name: "none", Doc: "x", Serve: func(*Call) (any, error) { return func() {}, nil }},
		}
	})
	path, own := f.create("a")
	for _, x := range []string{"/panic", "/odd", "/none"} {
		if r := f.want(500, "internal", "GET", path+x, own, nil); strings.Contains(string(r.body), "secret") {
			t.Errorf("%s: %s", x, r.body)
		}
	}
	a, err := f.plain.Do(f.request("GET", path+"/late", own, nil))
	if err == nil {
		_, err = io.ReadAll(a.Body)
		a.Body.Close()
	}
	if err == nil {
		t.Error("an answer that broke off looks whole")
	}
	f.want(204, "", "DELETE", path, own, nil)
}
