package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// eventsAfter are the events after a number.
func (f *fixture) eventsAfter(path, token string, after int64) (out eventsOut) {
	f.t.Helper()
	f.want(200, "", "GET", fmt.Sprintf("%s/events?after=%d", path, after), token, nil).into(f.t, &out)
	return out
}

func TestEvents(t *testing.T) {
	var log lockedBuffer
	f, path, token := one(t, programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		_, _ = io.WriteString(cmd.Stdout, "printed contents")
		return hutch.Result{ExitCode: 3}, nil
	}}, func(o *ServiceOptions) {
		o.Tokens[0].Name = "ops"
		o.Audit = slog.New(slog.NewJSONHandler(&log, nil))
	})
	if out := f.eventsAfter(path, token, 0); out.Events == nil || len(out.Events) != 0 || out.Next != 0 {
		t.Errorf("%+v", out)
	}
	f.want(200, "", "PUT", path+"/files/a", token, "contents of a file")
	f.want(200, "", "GET", path+"/files/a", master, nil)
	f.want(404, "not_found", "GET", path+"/files/b", token, nil)
	f.want(200, "", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"of a","new":"of the"}]}`)
	f.want(200, "", "POST", path+"/exec", token, `{"args":["curl","--token","secret-value-1","x"],"env":{"KEY":"secret-value-2"},"stdin":"given contents"}`)
	out := f.eventsAfter(path, token, 0)
	got := ""
	for i, e := range out.Events {
		if e.Seq != int64(i+1) || e.Time.IsZero() {
			t.Errorf("%+v", e)
		}
		got += fmt.Sprintf("%s %s %s %s %s;", e.Op, e.Path, e.Who, e.Decision, e.Error)
	}
	if want := "write a session allowed ;open a ops allowed ;open b session allowed not exist;edit a session allowed ;exec . session allowed ;"; got != want {
		t.Errorf("%s\n%s", got, want)
	}
	last := out.Events[4]
	if *last.ExitCode != 3 || *last.Bytes != 16 || fmt.Sprint(last.Args) != "[curl --token *** x]" || *out.Events[0].Bytes != 18 {
		t.Errorf("%+v", last)
	}
	data, _ := json.Marshal(out)
	for _, text := range []string{string(data), log.String()} {
		for _, secret := range []string{"secret-value", "contents", token, master} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is in %s", secret, text)
			}
		}
	}
	if n := strings.Count(log.String(), `"session":"a"`); n != 5 || strings.Count(log.String(), "\n") != 5 {
		t.Errorf("the log has %d records: %s", n, log.String())
	}
	f.want(204, "", "POST", path+"/sleep", token, nil)
	if again := f.eventsAfter(path, token, 3); len(again.Events) != 2 || again.Next != 5 {
		t.Errorf("asleep: %+v", again)
	}
	if again := f.eventsAfter(path, token, 1000); len(again.Events) != 5 {
		t.Errorf("of a number of an earlier count: %+v", again)
	}
	var s sessionOut
	if f.want(200, "", "GET", path, token, nil).into(t, &s); s.State != "asleep" {
		t.Errorf("looking at events woke it: %s", s.State)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestEventsResumed wants no event lost or told twice by a stream that breaks off
// and goes on, while others go on working.
func TestEventsResumed(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	const n = 300
	var working sync.WaitGroup
	for w := range 3 {
		working.Go(func() {
			for i := range n / 3 {
				f.want(200, "", "PUT", fmt.Sprintf("%s/files/%d-%d", path, w, i), token, "x")
			}
		})
	}
	seen, last := map[string]bool{}, "0"
	for len(seen) < n {
		ctx, cancel := context.WithCancel(t.Context())
		s := f.open(ctx, "GET", path+"/events", token, nil, "Last-Event-ID", last)
		for range min(17, n-len(seen)) {
			m, ok := s.next()
			var e event
			_ = json.Unmarshal([]byte(m.data), &e)
			before, _ := strconv.ParseInt(last, 10, 64)
			if !ok || m.event != "event" || seen[e.Path] || e.Seq != before+1 || m.id != strconv.FormatInt(e.Seq, 10) {
				t.Fatalf("after %s: %+v", last, m)
			}
			seen[e.Path], last = true, m.id
		}
		cancel()
		s.a.Body.Close()
	}
	working.Wait()
}

func TestEventsLost(t *testing.T) {
	l := &ledger{}
	for i := range maxEvents + 500 {
		l.add(event{Path: strconv.Itoa(i)})
	}
	out, _ := l.since(0)
	if len(out.Events) != maxEvents || out.Lost != 500 || out.Events[0].Seq != 501 || out.Next != maxEvents+500 {
		t.Errorf("%d events, %d lost, next %d", len(out.Events), out.Lost, out.Next)
	}
	if out, _ = l.since(700); out.Lost != 0 || out.Events[0].Seq != 701 {
		t.Errorf("%d lost", out.Lost)
	}
	long := strings.Repeat("x", 5000)
	for range 1000 {
		l.add(event{Path: long[:4000], Args: shorten([]string{"a", long, "b"})})
	}
	out, _ = l.since(0)
	size := 0
	for _, e := range out.Events {
		size += e.size()
	}
	if size > maxEventBytes || size != l.size || len(out.Events) < 20 || len(out.Events[0].Args) != 3 || len(out.Events[0].Args[1]) > maxEventText+3 {
		t.Errorf("%d events of %d bytes, counted %d", len(out.Events), size, l.size)
	}
	l.add(event{Path: strings.Repeat("x", 2*maxEventBytes)})
	if out, _ = l.since(0); len(out.Events) != 1 {
		t.Errorf("%d events", len(out.Events))
	}
}

// TestEventsWait wants who waits told of what happens, and of the end.
func TestEventsWait(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	waiting := f.inBackground(f.request("GET", path+"/events?wait_seconds=60", token, nil))
	s := f.open(t.Context(), "GET", path+"/events", token, nil)
	f.want(200, "", "PUT", path+"/files/a", token, "x")
	s.until(`"op":"write"`)
	if r := <-waiting; r.status != 200 || !strings.Contains(string(r.body), `"op":"write"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	waiting = f.inBackground(f.request("GET", path+"/events?after=1&wait_seconds=60", token, nil))
	for f.underWay() < 2 {
		if t.Context().Err() != nil {
			t.Fatal("it never came")
		}
	}
	f.want(204, "", "DELETE", path, token, nil)
	if r := <-waiting; r.status != 410 && r.status != 401 {
		t.Errorf("of a session that was ended: %d %s", r.status, r.body)
	}
	s.all()
	f.s.rooms.closing.Wait()
	f.s.rooms.ledgers.mu.Lock()
	defer f.s.rooms.ledgers.mu.Unlock()
	if n := len(f.s.rooms.ledgers.all); n != 0 {
		t.Errorf("%d ledgers are left", n)
	}
}

// TestRecordsFail wants nothing done that cannot be recorded.
func TestRecordsFail(t *testing.T) {
	f, path, token := one(t, state.New(nil), func(o *ServiceOptions) { o.Audit = slog.New(failingHandler{slog.DiscardHandler}) })
	f.want(200, "", "PUT", path+"/files/a", token, "x") // what is recorded when it was done
	f.want(410, "gone", "PUT", path+"/files/b", token, "x")
}

type failingHandler struct{ slog.Handler }

func (failingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (failingHandler) Handle(context.Context, slog.Record) error { return io.ErrShortWrite }
