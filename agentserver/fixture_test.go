package agentserver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/agentserver"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
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
	f := &fixture{t: t, w: w, runs: runs, m: m, url: "http://" + l.Addr().String(), plain: &http.Client{Transport: &http.Transport{}}}
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

type m = map[string]any

type pending struct {
	QuestionID string `json:"question_id"`
	Title      string
	Text       string
	Tool       string
}

type runOut struct {
	ID, Conversation, State, Ending, Prompt, Text, Error string
	Ended                                                *string
	Usage                                                llm.Usage
	Steps                                                int
	Pending                                              []pending
}

type event struct {
	Seq        int64
	QuestionID string `json:"question_id"`
	Event      struct {
		Kind, Text, Error string
		Call              *struct{ Name string }
		Outcome           *struct {
			Text   string
			Failed bool
		}
		Answer *struct{ Scope int }
	}
}

type events struct {
	Events     []event
	Next, Lost int64
	State      string
	More       bool
}

func into[T any](t testing.TB, data []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

// start starts a run and returns its path.
func (f *fixture) start(in m) string {
	f.t.Helper()
	r := into[runOut](f.t, f.want(202, "POST", f.base+"/runs", in))
	return f.base + "/runs/" + r.ID
}

func (f *fixture) get(run string) runOut {
	f.t.Helper()
	return into[runOut](f.t, f.want(200, "GET", run, nil))
}

// until waits for an event for which ok is true, or the end of the run.
func (f *fixture) until(run string, ok func(event) bool) (all []event) {
	f.t.Helper()
	after := int64(0)
	for {
		e := into[events](f.t, f.want(200, "GET", fmt.Sprintf("%s/events?after=%d&wait_seconds=60", run, after), nil))
		after = e.Next
		for _, x := range e.Events {
			all = append(all, x)
			if ok(x) {
				return all
			}
		}
		if len(e.Events) == 0 && e.State != "running" && e.State != "waiting" {
			return all
		}
	}
}

func kind(k string) func(event) bool { return func(e event) bool { return e.Event.Kind == k } }

// over waits for the end of a run and wants it to be in a state.
func (f *fixture) over(run, state string) runOut {
	f.t.Helper()
	f.until(run, func(event) bool { return false })
	r := f.get(run)
	if r.State != state {
		f.t.Fatalf("the run is %+v, want %s", r, state)
	}
	return r
}

// asked waits until a run asks, and returns what.
func (f *fixture) asked(run string) pending {
	f.t.Helper()
	f.until(run, func(e event) bool { return e.QuestionID != "" && len(f.get(run).Pending) > 0 })
	r := f.get(run)
	if r.State != "waiting" || len(r.Pending) != 1 {
		f.t.Fatalf("it does not wait: %+v", r)
	}
	return r.Pending[0]
}

// streamed are the events of a stream as "event id data" until it ends or stop is
// true.
func (f *fixture) streamed(path string, stop func(name, id, data string) bool, header ...string) {
	f.t.Helper()
	resp := f.send("GET", path, nil, append(header, "Accept", "text/event-stream")...)
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		f.t.Fatal(resp.Status)
	}
	fields := map[string]string{}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		if fields[name] = value; name != "" {
			continue
		}
		if fields["data"] != "" && stop(fields["event"], fields["id"], fields["data"]) {
			return
		}
		clear(fields)
	}
}

type (
	step = scripted.Step
	call = scripted.Call
)

func use(name, input string) step {
	return step{Calls: []call{{Name: name, Input: llm.Input(input)}}}
}

// with are options with a script.
func with(steps ...step) *agentserver.Options { return of(scripted.Must(steps...)) }

func of(model llm.Model) *agentserver.Options {
	return &agentserver.Options{Model: func(context.Context, string) (llm.Model, error) { return model, nil }}
}

// silent is a model that says nothing until it is told to or broken off.
type silent struct {
	asked chan struct{} // gets something with every request
	gone  chan struct{} // gets something with every one that was broken off
	speak chan string
}

func newSilent() *silent {
	return &silent{make(chan struct{}, 100), make(chan struct{}, 100), make(chan string)}
}

func (*silent) Name() string { return "test:silent" }

func (s *silent) Stream(ctx context.Context, _ *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		s.asked <- struct{}{}
		select {
		case <-ctx.Done():
			s.gone <- struct{}{}
			yield(llm.Part{}, ctx.Err())
		case text := <-s.speak:
			yield(llm.Part{Kind: llm.Done, Reply: &llm.Reply{Stop: llm.End, Message: llm.Message{
				Role: llm.Assistant, Content: []llm.Block{{Text: text}}}}}, nil)
		}
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
