package llmtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// hanging is a server that sends half of an answer and then waits until the client
// has gone, which it tells.
func hanging(t *testing.T, c Case) (*httptest.Server, chan struct{}) {
	gone := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, stream(c.Events[:c.whole()-1], "\n"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(gone)
	}))
	t.Cleanup(s.Close)
	return s, gone
}

func testCancel(t *testing.T, p Provider) {
	s, gone := hanging(t, p.Cases[0])
	ctx, cancel := context.WithCancel(t.Context())
	var last error
	for part, err := range p.New(t, s.URL, s.Client()).Stream(ctx, Ask()) {
		if part.Kind == llm.Done {
			t.Error("a reply")
		}
		cancel()
		last = err
	}
	cancel()
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the error is %v", last)
	}
	<-gone
	noGoroutines(t)

	if _, err := ask(t, p.New(t, s.URL, s.Client()), ctx); err != context.Canceled {
		t.Errorf("ended before: %v", err)
	}
}

func testBreakOff(t *testing.T, p Provider) {
	s, gone := hanging(t, p.Cases[0])
	for range p.New(t, s.URL, s.Client()).Stream(t.Context(), Ask()) {
		break
	}
	<-gone
	noGoroutines(t)
}

// noGoroutines fails where one of ours is left.
func noGoroutines(t *testing.T) {
	var b bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&b, 2); err != nil {
		t.Fatal(err)
	}
	for _, g := range strings.Split(b.String(), "\n\n") {
		if strings.Contains(g, "/llm/internal/link.") && !strings.Contains(g, "llmtest") {
			t.Errorf("left behind:\n%s", g)
		}
	}
}

// stuck gives what it has, at intervals, and then nothing until ctx ends.
type stuck struct {
	ctx    context.Context
	pieces []string
	pause  time.Duration
	ends   bool // after the last piece
}

func (s *stuck) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		if s.ends {
			return 0, io.EOF
		}
		<-s.ctx.Done()
		return 0, context.Cause(s.ctx)
	}
	time.Sleep(s.pause)
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

// testLate is a provider that says nothing, and one that stops in the middle, after
// it was slow. Time is that of the test.
func testLate(t *testing.T, p Provider) {
	c := p.Cases[0]
	half := strings.SplitAfter(stream(c.Events[:c.whole()-1], "\n"), "")
	synctest.Test(t, func(t *testing.T) {
		silent := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})}
		begin := time.Now()
		e := mustFail(t, p.New(t, base, silent), llm.ErrTrouble)
		if d := time.Since(begin); d != 10*time.Minute || !strings.Contains(e.Text, "10m0s") {
			t.Errorf("no answer: %v after %v", e, d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		stops := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			body := &stuck{ctx: r.Context(), pieces: half, pause: 4 * time.Minute}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
		})}
		begin := time.Now()
		e := mustFail(t, p.New(t, base, stops), llm.ErrCut)
		want := time.Duration(len(half))*4*time.Minute + 5*time.Minute
		if d := time.Since(begin); d != want || !strings.Contains(e.Text, "5m0s") {
			t.Errorf("stopped: %v after %v", e, d)
		}
	})
	synctest.Test(t, func(t *testing.T) { // who reads slowly is not a slow provider
		whole := strings.SplitAfter(stream(c.Events, "\n"), "\n\n")
		client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
			body := &stuck{ctx: r.Context(), pieces: whole[:len(whole)-1], pause: time.Second, ends: true}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
		})}
		for _, err := range p.New(t, base, client).Stream(t.Context(), Ask()) {
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Hour)
		}
	})
}

// testRedirect is a server that sends the client elsewhere, with key and all.
func testRedirect(t *testing.T, p Provider) {
	var asked atomic.Int64
	thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(thief.URL, "127.0.0.1", "localhost", 1)+"/?key="+Key, status)
		}))
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }
		mustFail(t, p.New(t, s.URL, client), llm.ErrUnknown)
		s.Close()
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

// testSecret looks where the key goes: into its header, and into no error.
func testSecret(t *testing.T, p Provider) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get(p.KeyHeader), Key) || strings.Contains(r.URL.String(), Key) {
			t.Errorf("the key is not where it belongs: %v %v", r.URL, r.Header)
		}
		w.WriteHeader(401)
		io.WriteString(w, `{"error":{"message":"wrong: `+r.Header.Get(p.KeyHeader)+` or sk-proj-abc***********xyz at `+Key+`"}}`)
	}))
	defer s.Close()
	e := mustFail(t, p.New(t, s.URL, s.Client()), llm.ErrAuth)
	if strings.Contains(e.Text, "xyz") || strings.Count(e.Text, "[key]") < 3 {
		t.Errorf("the text is %q", e.Text)
	}
}

func testConcurrent(t *testing.T, p Provider) {
	c := p.Cases[0]
	s := serve(t, stream(c.Events, "\n"))
	m := p.New(t, s.URL, s.Client())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			reply, err := ask(t, m, t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			compare(t, c, reply)
		})
	}
	wg.Wait()
}

// eventwise gives one event with every Read, and remembers whether the end was seen.
type eventwise struct {
	events []string
	ended  bool
}

func (e *eventwise) Read(p []byte) (int, error) {
	if len(e.events) == 0 {
		e.ended = true
		return 0, io.EOF
	}
	n := copy(p, e.events[0])
	e.events = e.events[1:]
	return n, nil
}

// testReuse counts connections: answers that are whole leave theirs behind.
func testReuse(t *testing.T, p Provider) {
	c := p.Cases[0]
	var conns atomic.Int64
	s := serve(t, stream(c.Events, "\n"))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	m := p.New(t, s.URL, &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		return client.Transport.RoundTrip(r.WithContext(traced(r.Context(), &conns)))
	})})
	for range 5 {
		if _, err := ask(t, m, t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for 5 answers", n)
	}
	body := &eventwise{events: strings.SplitAfter(stream(c.Events, "\n"), "\n\n")}
	if _, err := ask(t, p.New(t, base, canned(body)), t.Context()); err != nil || !body.ended {
		t.Errorf("the end was not read: %v", err)
	}
}
