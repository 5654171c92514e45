package agentserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/session"
	"github.com/hutch-dev/hutch/state"
)

const master = "the-service-token-of-the-tests"

// world is what outlives a process: the records of the manager and the workspaces.
type world struct {
	records *state.Backend
	make    func() hutch.Backend // of a new session; nil is one in memory

	mu     sync.Mutex
	spaces map[string]hutch.Backend // by serial
}

func newWorld() *world { return &world{records: state.New(nil), spaces: map[string]hutch.Backend{}} }

// fork is the world as it is in this moment, as a process that dies leaves it.
func (w *world) fork() *world {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := newWorld()
	f.records = w.records.Fork()
	for serial, b := range w.spaces {
		f.spaces[serial] = b.(*state.Backend).Fork()
	}
	return f
}

func (w *world) Open(_ context.Context, i session.Info, again bool) (session.Workspace, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.spaces[i.Serial]
	switch {
	case again && b == nil:
		return nil, session.ErrGone
	case b == nil && w.make != nil:
		b = w.make()
	case b == nil:
		b = state.New(nil)
	}
	w.spaces[i.Serial] = b
	return space{w, i, b}, nil
}

func (w *world) Remove(_ context.Context, i session.Info) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.spaces, i.Serial)
	return nil
}

type space struct {
	w *world
	i session.Info
	b hutch.Backend
}

func (s space) Backend() hutch.Backend        { return s.b }
func (s space) Sleep(context.Context) error   { return nil }
func (s space) End(ctx context.Context) error { return s.w.Remove(ctx, s.i) }

// fixture is a process: a service with agents on a real port.
type fixture struct {
	t     testing.TB
	w     *world
	runs  *agentserver.Server
	m     *session.Manager
	s     *server.Service
	url   string
	base  string // of the session "one"
	close func()
	plain *http.Client
}

// process is one in w, with the session "one".
func process(t testing.TB, w *world, o *agentserver.Options) *fixture {
	t.Helper()
	runs, err := agentserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := session.New(t.Context(), w, &session.Options{Records: w.records})
	if err != nil {
		t.Fatal(err)
	}
	so := &server.ServiceOptions{Tokens: []server.Token{{Value: master}}, Key: bytes.Repeat([]byte("k"), 32), More: runs.Routes()}
	s, err := server.NewService(m, so)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := s.NewServer()
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(s.Listener(l)) })
	f := &fixture{t: t, w: w, runs: runs, m: m, s: s, url: "http://" + l.Addr().String(), plain: &http.Client{Transport: &http.Transport{}}}
	f.close = sync.OnceFunc(func() {
		runs.Close()
		_ = s.Close()
		f.plain.CloseIdleConnections()
		srv.Close()
		serving.Wait()
		_ = m.Close(context.Background())
	})
	t.Cleanup(f.close)
	if _, err := m.Get("one"); err != nil {
		f.want(201, "POST", "/v1/sessions", map[string]any{"id": "one"})
	}
	f.base = "/v1/sessions/one"
	return f
}

// do sends a request with the service token, and returns status and body.
func (f *fixture) do(method, path string, body any, header ...string) (int, []byte) {
	f.t.Helper()
	resp := f.send(method, path, body, header...)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, data
}

func (f *fixture) send(method, path string, body any, header ...string) *http.Response {
	f.t.Helper()
	var r io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		r = bytes.NewReader(data)
	}
	q, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, r)
	if err != nil {
		f.t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+master)
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	resp, err := f.plain.Do(q)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp
}

// want sends a request and wants a status.
func (f *fixture) want(status int, method, path string, body any, header ...string) []byte {
	f.t.Helper()
	got, data := f.do(method, path, body, header...)
	if got != status {
		f.t.Fatalf("%s %s: %d %s; want %d", method, path, got, data, status)
	}
	return data
}

// refused sends a request and wants a problem.
func (f *fixture) refused(status int, code, method, path string, body any) {
	f.t.Helper()
	got, data := f.do(method, path, body)
	var p struct{ Code string }
	_ = json.Unmarshal(data, &p)
	if got != status || p.Code != code {
		f.t.Errorf("%s %s: %d %s; want %d %s", method, path, got, data, status, code)
	}
}

// files is the workspace of the only session.
func (w *world) files(t testing.TB) hutch.Backend {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.spaces {
		return b
	}
	t.Fatal("no workspace")
	return nil
}
