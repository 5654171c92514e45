package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/state"
)

// master is a service token of the tests.
const master = "the-service-token-of-the-tests"

// place is a Provider of workspaces in memory, or of what open makes.
type place struct {
	open func() hutch.Backend // nil: state

	mu    sync.Mutex
	slept map[string]hutch.Backend // by serial
}

func (p *place) Open(_ context.Context, i session.Info, again bool) (session.Workspace, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.slept[i.Serial]
	switch {
	case again && b == nil:
		return nil, session.ErrGone
	case b == nil && p.open != nil:
		b = p.open()
	case b == nil:
		b = state.New(nil)
	}
	return &space{p: p, i: i, b: b}, nil
}

func (p *place) Remove(_ context.Context, i session.Info) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.slept, i.Serial)
	return nil
}

type space struct {
	p *place
	i session.Info
	b hutch.Backend
}

// woken is a backend of its own for each opening.
type woken struct{ hutch.Backend }

func (s *space) Backend() hutch.Backend { return s.b }

func (s *space) Sleep(context.Context) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.slept[s.i.Serial] = &woken{s.b}
	return nil
}

func (s *space) End(ctx context.Context) error { return s.p.Remove(ctx, s.i) }

// fixture is a service on a real port.
type fixture struct {
	t     testing.TB
	s     *Service
	m     *session.Manager
	p     *place
	url   string
	addr  string
	plain *http.Client
}

// serving is a service with what change makes of its options.
func serving(t testing.TB, change func(*ServiceOptions)) *fixture {
	t.Helper()
	return servingOn(t, &place{}, nil, change)
}

func servingOn(t testing.TB, p *place, mo *session.Options, change func(*ServiceOptions)) *fixture {
	t.Helper()
	p.slept = map[string]hutch.Backend{}
	m, err := session.New(t.Context(), p, mo)
	if err != nil {
		t.Fatal(err)
	}
	o := &ServiceOptions{Tokens: []Token{{Value: master}}, Key: bytes.Repeat([]byte("k"), minKey)}
	o.Limits.WrongTokens = -1
	if change != nil {
		change(o)
	}
	s, err := NewService(m, o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := s.NewServer()
	var running sync.WaitGroup
	running.Go(func() { _ = srv.Serve(s.Listener(l)) })
	f := &fixture{t: t, s: s, m: m, p: p, addr: l.Addr().String(), plain: &http.Client{Transport: &http.Transport{}}}
	f.url = "http://" + f.addr
	t.Cleanup(func() {
		f.plain.CloseIdleConnections()
		_ = s.Close()
		srv.Close()
		running.Wait()
		_ = m.Close(context.Background())
	})
	return f
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// code is that of a problem.
func (r reply) code() string {
	var p problemBody
	_ = json.Unmarshal(r.body, &p)
	return p.Code
}

// into decodes the answer.
func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// request is a request with a token; body is JSON, or a reader.
func (f *fixture) request(method, path, token string, body any, header ...string) *http.Request {
	f.t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		r = b
	case string:
		r = strings.NewReader(b)
	default:
		data, err := json.Marshal(b)
		if err != nil {
			f.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	q, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, r)
	if err != nil {
		f.t.Fatal(err)
	}
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	return q
}

// send sends a request.
func (f *fixture) send(q *http.Request) reply {
	f.t.Helper()
	a, err := f.plain.Do(q)
	if err != nil {
		f.t.Errorf("%s %s: %v", q.Method, q.URL.Path, err)
		return reply{}
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		f.t.Errorf("%s %s: %v", q.Method, q.URL.Path, err)
	}
	return reply{a.StatusCode, a.Header, b}
}

// do sends a request with a token.
func (f *fixture) do(method, path, token string, body any, header ...string) reply {
	f.t.Helper()
	return f.send(f.request(method, path, token, body, header...))
}

// want sends a request and wants a status, and the code of a problem or "".
func (f *fixture) want(status int, code, method, path, token string, body any, header ...string) reply {
	f.t.Helper()
	r := f.do(method, path, token, body, header...)
	if r.status != status || r.code() != code {
		f.t.Errorf("%s %s: %d %s; want %d %q", method, path, r.status, r.body, status, code)
	}
	if code != "" && r.header.Get("Content-Type") != "application/problem+json" {
		f.t.Errorf("%s %s: a problem of type %q", method, path, r.header.Get("Content-Type"))
	}
	return r
}

// create makes a session and returns its path and a token.
func (f *fixture) create(id string) (path, token string) {
	f.t.Helper()
	r := f.do("POST", "/v1/sessions", master, map[string]any{"id": id})
	if r.status != http.StatusCreated {
		f.t.Fatalf("create: %d %s", r.status, r.body)
	}
	var out struct{ Token string }
	r.into(f.t, &out)
	return "/v1/sessions/" + id, out.Token
}

// gateway is a route that waits: it says when it was entered, and goes on when
// told to, or when its call ends.
type gateway struct {
	entered chan *Call
	leave   chan struct{}
	ended   chan error // what it saw when its call ended
}

func newGateway() *gateway {
	return &gateway{make(chan *Call, 100), make(chan struct{}), make(chan error, 100)}
}

func (g *gateway) route(name string) Route {
	return Route{Method: "POST", Path: "/" + name, Name: name, Doc: "Waits.", Serve: func(c *Call) (any, error) {
		g.entered <- c
		select {
		case <-g.leave:
			return nil, nil
		case <-c.Ctx.Done():
			g.ended <- c.Ctx.Err()
			return nil, c.Ctx.Err()
		}
	}}
}

// inBackground sends a request and gives its answer later.
func (f *fixture) inBackground(q *http.Request) <-chan reply {
	got := make(chan reply, 1)
	go func() {
		a, err := f.plain.Do(q)
		if err != nil {
			got <- reply{body: []byte(err.Error())}
			return
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			b = fmt.Append(b, err)
		}
		got <- reply{a.StatusCode, a.Header, b}
	}()
	return got
}

// future is long after every test.
var future = time.Now().Add(24 * time.Hour)
