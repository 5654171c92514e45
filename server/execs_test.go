package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/fake"
	"github.com/hutch-dev/hutch/state"
)

// programs is a workspace whose commands are a function.
type programs struct {
	hutch.Backend
	run fake.Program
}

func (p programs) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return fake.Exec(ctx, cmd, nil, p.run)
}

// message is one of an event stream.
type message struct{ id, event, data string }

// stream is an answer of events that is read as it comes.
type stream struct {
	t testing.TB
	a *http.Response
	r *bufio.Reader
}

// open asks for events.
func (f *fixture) open(ctx context.Context, method, path, token string, body any, header ...string) *stream {
	f.t.Helper()
	q := f.request(method, path, token, body, append(header, "Accept", "text/event-stream")...)
	a, err := f.plain.Do(q.WithContext(ctx))
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { a.Body.Close() })
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		b, _ := io.ReadAll(a.Body)
		f.t.Fatalf("%s %s: %s %s", method, path, a.Status, b)
	}
	return &stream{f.t, a, bufio.NewReader(a.Body)}
}

// next is the next message; false at the end.
func (s *stream) next() (m message, ok bool) {
	for {
		line, err := s.r.ReadString('\n')
		if err != nil {
			return m, false
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			m.id = value
		case "event":
			m.event = value
		case "data":
			m.data = value
		}
		if line == "\n" && m.event != "" {
			return m, true
		}
	}
}

// all reads the stream to its end: what was printed, and the last message.
func (s *stream) all() (printed map[string]string, last message) {
	s.t.Helper()
	printed = map[string]string{}
	for {
		m, ok := s.next()
		if !ok {
			return printed, last
		}
		last = m
		if m.event != "stdout" && m.event != "stderr" {
			continue
		}
		var p pieceOut
		if err := json.Unmarshal([]byte(m.data), &p); err != nil {
			s.t.Fatal(err)
		}
		if p.Dropped > 0 {
			printed[m.event] += fmt.Sprintf("<%d>", p.Dropped)
		}
		printed[m.event] += p.Text + string(p.B64)
	}
}

// until reads until something was printed.
func (s *stream) until(text string) {
	s.t.Helper()
	for got := ""; !strings.Contains(got, text); {
		m, ok := s.next()
		if !ok {
			s.t.Fatalf("%q never came, only %q", text, got)
		}
		got += m.data
	}
}

func TestExec(t *testing.T) {
	var got hutch.Cmd
	f, path, token := one(t, programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		got = *cmd
		in := []byte(nil)
		if cmd.Stdin != nil {
			in, _ = io.ReadAll(cmd.Stdin)
		}
		fmt.Fprintf(cmd.Stdout, "out %s", in)
		_, _ = cmd.Stderr.Write([]byte("err \xff"))
		return hutch.Result{ExitCode: 139, Signal: "SIGSEGV"}, nil
	}}, nil)
	f.want(200, "", "PUT", path+"/files/dir/x", token, "")
	var out execOut
	f.want(200, "", "POST", path+"/exec", token, `{"args":["a","b"],"dir":"/dir","env":{"Y":"2","X":"1"},"stdin":"given","timeout_seconds":1.5}`).into(t, &out)
	if out.ExitCode != 139 || out.Signal != "SIGSEGV" || out.Stdout != "out given" || out.Stderr != "err \ufffd" || out.StdoutB64 != nil || string(out.StderrB64) != "err \xff" || out.Truncated {
		t.Errorf("%+v", out)
	}
	if fmt.Sprintf("%q %q %q %v", got.Args, got.Dir, got.Env, got.Limits.Time) != `["a" "b"] "dir" ["X=1" "Y=2"] 1.5s` {
		t.Errorf("ran %v", got)
	}
	f.want(200, "", "POST", path+"/exec", token, `{"script":"echo $x"}`)
	if fmt.Sprintf("%q", got.Args) != `["sh" "-c" "echo $x"]` || got.Dir != "" || got.Limits.Time != 0 {
		t.Errorf("ran %v", got)
	}
	printed, last := f.open(t.Context(), "POST", path+"/exec", token, `{"args":["a"],"stdin":"x"}`).all()
	var res resultOut
	_ = json.Unmarshal([]byte(last.data), &res)
	if printed["stdout"] != "out x" || printed["stderr"] != "err \xff" || last.event != "result" || res.ExitCode != 139 || res.StdoutBytes != 5 {
		t.Errorf("%q, %+v", printed, last)
	}
}

func TestExecRefused(t *testing.T) {
	f, path, token := one(t, programs{state.New(nil), nil}, nil)
	for _, body := range []string{
		``, `{}`, `{"args":[]}`, `{"args":["a"],"script":"b"}`, `{"args":[""]}`, `{"args":["a\u0000"]}`, `{"script":"` + strings.Repeat("x", maxArg+1) + `"}`,
		`{"script":"a","dir":"../x"}`, `{"script":"a","env":{"":"x"}}`, `{"script":"a","env":{"A=B":"x"}}`, `{"script":"a","env":{"A":"\u0000"}}`,
		`{"script":"a","timeout_seconds":-1}`, `{"script":"a","timeout_seconds":1e300}`, `{"script":"a","max_output":-1}`, `{"script":"a","max_output":1048577}`,
		`{"script":"a","what":1}`, `{"script":1}`, `{"script":"a"}{}`, `[]`, `{"script":"a`,
	} {
		for _, kind := range []string{"application/json", "text/event-stream"} {
			f.want(400, "invalid", "POST", path+"/exec", token, body, "Accept", kind)
		}
	}
	f.want(415, "unsupported_type", "POST", path+"/exec", token, `{"script":"a"}`, "Content-Type", "text/plain")
	f.want(422, "no_program", "POST", path+"/exec", token, `{"args":["nothing"]}`)
	_, last := f.open(t.Context(), "POST", path+"/exec", token, `{"args":["nothing"]}`).all()
	if last.event != "error" || !strings.Contains(last.data, `"no_program"`) {
		t.Errorf("as a stream: %+v", last)
	}
	bare, path, token := one(t, state.New(nil), nil)
	bare.want(422, "unsupported", "POST", path+"/exec", token, `{"script":"a"}`)
	bare.want(422, "unsupported", "POST", path+"/jobs", token, `{"script":"a"}`)
	bare.want(404, "not_found", "GET", path+"/jobs/bg_1", token, nil)
}

// TestNoInventedStatus wants no exit code where none is known.
func TestNoInventedStatus(t *testing.T) {
	f, path, token := one(t, programs{state.New(nil), func(context.Context, *hutch.Cmd) (hutch.Result, error) {
		return hutch.Result{}, fmt.Errorf("the connection to secret-host is gone")
	}}, nil)
	r := f.want(500, "internal", "POST", path+"/exec", token, `{"script":"a"}`)
	if strings.Contains(string(r.body), "exit_code") || strings.Contains(string(r.body), "secret-host") {
		t.Errorf("%s", r.body)
	}
	_, last := f.open(t.Context(), "POST", path+"/exec", token, `{"script":"a"}`).all()
	if last.event != "error" || strings.Contains(last.data, "exit_code") {
		t.Errorf("%+v", last)
	}
}

// TestCharactersWhole wants no character of UTF-8 parted between two events,
// however it was printed.
func TestCharactersWhole(t *testing.T) {
	text := strings.Repeat("a€😀é", 30000) + "\xe2\x82"
	f, path, token := one(t, programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for p := []byte(text); len(p) > 0; {
			n := min(len(p), 1+len(p)%7*len(p)%50000)
			if _, err := cmd.Stdout.Write(p[:n]); err != nil {
				return hutch.Result{}, err
			}
			p = p[n:]
		}
		return hutch.Result{}, nil
	}}, nil)
	s := f.open(t.Context(), "POST", path+"/exec", token, `{"script":"a"}`)
	got, b64 := "", 0
	for {
		m, ok := s.next()
		if !ok {
			break
		}
		var p pieceOut
		_ = json.Unmarshal([]byte(m.data), &p)
		got += p.Text + string(p.B64)
		if b64 += len(p.B64); strings.Contains(p.Text, "\ufffd") {
			t.Fatal("a character was parted")
		}
	}
	if got != text || b64 != 2 {
		t.Errorf("%d bytes of %d, %d of them no text", len(got), len(text), b64)
	}
}

func TestOutputCapped(t *testing.T) {
	for _, n := range []int{0, 50, 100, 101, 149, 150, 151, 200, 1000, 100_000} {
		for _, step := range []int{1, 7, 64, 100_000} {
			text := make([]byte, n)
			for i := range text {
				text[i] = byte('a' + i%26)
			}
			f, path, token := cappedFixture(t, text, step)
			var out execOut
			f.want(200, "", "POST", path+"/exec", token, `{"script":"a","max_output":100}`).into(t, &out)
			want := string(text)
			if n > 100 {
				want = fmt.Sprintf("%s<%d>%s", text[:50], n-100, text[n-50:])
			}
			if plain := strings.ReplaceAll(want, "<", "\n... ("); out.Stdout != strings.ReplaceAll(plain, ">", " bytes dropped) ...\n") ||
				out.StdoutDropped != int64(max(0, n-100)) || out.Truncated != (n > 100) || out.StdoutBytes != int64(n) {
				t.Errorf("%d by %d: %q %+v", n, step, out.Stdout, out.resultOut)
			}
			printed, last := f.open(t.Context(), "POST", path+"/exec", token, `{"script":"a","max_output":100}`).all()
			var res resultOut
			_ = json.Unmarshal([]byte(last.data), &res)
			if printed["stdout"] != want || res.StdoutDropped != int64(max(0, n-100)) || res.StdoutBytes != int64(n) {
				t.Errorf("%d by %d as a stream: %q %+v", n, step, printed["stdout"], res)
			}
			f.close()
		}
	}
}

func cappedFixture(t *testing.T, text []byte, step int) (f *fixture, path, token string) {
	return one(t, programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for p := text; len(p) > 0; {
			k := min(step, len(p))
			_, _ = cmd.Stdout.Write(p[:k])
			p = p[k:]
		}
		return hutch.Result{}, nil
	}}, nil)
}

// close lets go of the connections of a fixture that many others follow.
func (f *fixture) close() { f.plain.CloseIdleConnections() }

// TestOutputAtOnce wants output sent before the command has ended.
func TestOutputAtOnce(t *testing.T) {
	seen := make(chan bool)
	f, path, token := one(t, programs{state.New(nil), func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		fmt.Fprint(cmd.Stdout, "first")
		select {
		case <-seen:
		case <-ctx.Done():
		}
		return hutch.Result{}, ctx.Err()
	}}, nil)
	s := f.open(t.Context(), "POST", path+"/exec", token, `{"script":"a"}`)
	s.until("first")
	seen <- true
	if _, last := s.all(); last.event != "result" {
		t.Errorf("%+v", last)
	}
}

func TestReplayedExec(t *testing.T) {
	n := 0
	f, path, token := one(t, programs{state.New(nil), func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		n++
		fmt.Fprint(cmd.Stdout, n)
		return hutch.Result{}, nil
	}}, nil)
	for range 3 {
		var out execOut
		f.want(200, "", "POST", path+"/exec", token, `{"script":"a"}`, "Idempotency-Key", "k").into(t, &out)
		if out.Stdout != "1" {
			t.Errorf("run again: %+v", out)
		}
	}
	f.want(422, "key_reused", "POST", path+"/exec", token, `{"script":"b"}`, "Idempotency-Key", "k")
}
