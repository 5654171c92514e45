package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/state"
)

var ctx = context.Background()

// log is what was recorded.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
	err error
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	return l.buf.Write(p)
}

// take is what was recorded since the last call, without times.
func (l *log) take(t testing.TB) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range strings.Lines(l.buf.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(line, err)
		}
		if _, ok := r["duration"].(float64); !ok || r["time"] == nil {
			t.Errorf("no duration or time in %s", line)
		}
		s := fmt.Sprint(r["msg"])
		if r["level"] != "INFO" {
			s = fmt.Sprint(r["level"], " ", s)
		}
		for _, key := range []string{"who", "by", "name", "to", "pattern", "args", "env", "bytes", "count", "stopped", "exit", "signal", "timeout", "result", "error"} {
			if v, ok := r[key]; ok {
				s += fmt.Sprintf(" %s=%v", key, v)
			}
		}
		all = append(all, s)
	}
	l.buf.Reset()
	return all
}

func audited(b hutch.Backend, o *audit.Options) (*audit.Backend, *log) {
	l := &log{}
	return audit.New(b, slog.New(slog.NewJSONHandler(l, nil)), o), l
}

func TestBackend(t *testing.T) {
	backendtest.TestWrapper(t, func(testing.TB) hutch.Backend { return state.New(nil) },
		func(_ testing.TB, b hutch.Backend) hutch.Backend {
			a, _ := audited(b, nil)
			return a
		})
}

// sandbox runs nothing.
type sandbox struct {
	*state.Backend
	exec func(*hutch.Cmd) (hutch.Result, error)
}

func (s sandbox) Exec(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) { return s.exec(cmd) }
func (s sandbox) Root() string                                                 { return "/work" }

func TestRecords(t *testing.T) {
	s := sandbox{state.New(nil), nil}
	a, l := audited(s, &audit.Options{Who: "alice"})
	steps := []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := hutch.WriteFile(ctx, a, "d/f", []byte("12345\n"), nil); return err }, "write who=alice name=d/f bytes=6 result=ok"},
		{func() error {
			_, err := hutch.WriteFile(ctx, a, "d/f", nil, &hutch.WriteOptions{IfRev: hutch.Absent})
			return ignore(err)
		}, "write who=alice name=d/f result=failed error=conflict"},
		{func() error { _, err := hutch.ReadFile(ctx, a, "d/f"); return err }, "open who=alice name=d/f bytes=6 result=ok"},
		{func() error { _, err := hutch.ReadFile(ctx, a, "none"); return ignore(err) }, "open who=alice name=none result=failed error=not exist"},
		{func() error { _, err := a.Stat(ctx, "d/f/x"); return ignore(err) }, "stat who=alice name=d/f/x result=failed error=not a directory"},
		{func() error { _, err := a.Stat(ctx, ".."); return ignore(err) }, "stat who=alice name=.. result=failed error=invalid"},
		{func() error {
			_, err := hutch.EditFile(ctx, a, "d/f", []hutch.Edit{{Old: "5", New: "67"}})
			return err
		}, "edit who=alice name=d/f bytes=7 result=ok"},
		{func() error { _, err := hutch.Collect(a.List(ctx, "d")); return err }, "list who=alice name=d count=1 result=ok"},
		{func() error { _, err := hutch.Collect(a.List(ctx, "x")); return ignore(err) }, "list who=alice name=x count=0 result=failed error=not exist"},
		{func() error { _, err := hutch.Collect(hutch.Walk(ctx, a, ".")); return err }, "walk who=alice name=. count=1 result=ok"},
		{func() error { _, err := hutch.Collect(hutch.Glob(ctx, a, "*/f", nil)); return err }, "glob who=alice name=. pattern=*/f count=1 result=ok"},
		{func() error {
			_, err := hutch.Collect(hutch.Grep(ctx, a, hutch.Query{Pattern: "1", Dir: "d"}))
			return err
		}, "grep who=alice name=d count=1 result=ok"},
		{func() error {
			for range hutch.Walk(ctx, a, ".") {
				break
			}
			return nil
		}, "walk who=alice name=. count=1 stopped=true result=ok"},
		{func() error { return hutch.Move(audit.By(ctx, "helper"), a, "d/f", "g") }, "rename who=alice by=helper name=d/f to=g result=ok"},
		{func() error { return a.Remove(ctx, "g") }, "remove who=alice name=g result=ok"},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.want, err)
		}
		if got := l.take(t); len(got) != 1 || got[0] != step.want {
			t.Errorf("recorded %q\nwant     %q", got, step.want)
		}
	}
}

func ignore(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return nil
}

func TestOpenFiles(t *testing.T) {
	b := state.New(nil)
	hutch.WriteFile(ctx, b, "f", []byte("0123456789"), nil)
	a, l := audited(b, nil)
	f, err := a.Open(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	if got := l.take(t); len(got) != 0 {
		t.Errorf("recorded before it is closed: %q", got)
	}
	f.Read(make([]byte, 4))
	f.(io.ReaderAt).ReadAt(make([]byte, 3), 0)
	f.(io.Seeker).Seek(0, io.SeekStart)
	f.Close()
	f.Close()
	if got := l.take(t); len(got) != 1 || got[0] != "open name=f bytes=7 result=ok" {
		t.Errorf("%q", got)
	}
	boom := errors.New("boom")
	a, l = audited(backendtest.Faulty(b, func(op, _ string) error {
		if op == "read" {
			return boom
		}
		return nil
	}), nil)
	hutch.ReadFile(ctx, a, "f")
	if got := l.take(t); len(got) != 1 || got[0] != "open name=f bytes=0 result=failed error=other" {
		t.Errorf("%q", got)
	}
}

func TestExec(t *testing.T) {
	var cmd *hutch.Cmd
	res, fail := hutch.Result{ExitCode: 3}, error(nil)
	s := sandbox{state.New(nil), func(c *hutch.Cmd) (hutch.Result, error) {
		cmd = c
		if c.Stdout != nil {
			io.WriteString(c.Stdout, "12345")
		}
		if c.Stderr != nil {
			io.WriteString(c.Stderr, "678")
		}
		return res, fail
	}}
	a, l := audited(s, nil)
	x, ok := hutch.As[hutch.Execer](a)
	if !ok {
		t.Fatal("no commands")
	}
	run := func(c *hutch.Cmd, want string) {
		t.Helper()
		x.Exec(ctx, c)
		if got := l.take(t); len(got) != 1 || got[0] != want {
			t.Errorf("recorded %q\nwant     %q", got, want)
		}
	}
	var out strings.Builder
	run(&hutch.Cmd{Args: []string{"ls", "-l"}, Dir: "d", Stdout: &out, Stderr: &out, Env: []string{"A=value of a", "B"}},
		"exec name=d args=[ls -l] env=[A B] bytes=8 exit=3 result=ok")
	if out.String() != "12345678" || cmd.Stdout != cmd.Stderr {
		t.Errorf("printed %q, one writer %v", out.String(), cmd.Stdout == cmd.Stderr)
	}
	run(&hutch.Cmd{Args: []string{"ls"}}, "exec name=. args=[ls] bytes=0 exit=3 result=ok")
	if cmd.Stdout != nil {
		t.Error("what was to be discarded is written")
	}
	res = hutch.Result{ExitCode: 137, Signal: "SIGKILL", TimedOut: true}
	run(&hutch.Cmd{Args: []string{"x"}}, "exec name=. args=[x] bytes=0 exit=137 signal=SIGKILL timeout=true result=ok")
	fail = &fs.PathError{Op: "exec", Path: "x", Err: fs.ErrNotExist}
	run(&hutch.Cmd{Args: []string{"x"}}, "exec name=. args=[x] bytes=0 result=failed error=not exist")
	fail = context.Canceled
	run(&hutch.Cmd{Args: []string{"x"}}, "exec name=. args=[x] bytes=0 result=failed error=canceled")
	fail = nil
	a, l = audited(s, &audit.Options{NoArgs: true})
	x, _ = hutch.As[hutch.Execer](a)
	run(&hutch.Cmd{Args: []string{"git", "push"}}, "exec name=. args=[git] bytes=0 exit=137 signal=SIGKILL timeout=true result=ok")
	if r, ok := hutch.As[hutch.Rooted](a); !ok || r.Root() != "/work" {
		t.Error(r, ok)
	}
}

// What a guard inside refuses is recorded, by the name that was said.
func TestRefused(t *testing.T) {
	g, err := guard.New(ctx, sandbox{state.New(nil), nil}, noWrites{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, l := audited(g, nil)
	_, err = hutch.WriteFile(ctx, a, "f", []byte("x"), nil)
	if got := l.take(t); len(got) != 1 || got[0] != "WARN write name=f result=refused error=permission" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%q, %v", got, err)
	}
	f, ok := hutch.As[guard.Foreseer](a)
	if !ok || f.Outlook(guard.Write) != guard.Denied || f.Outlook(guard.Read) != guard.Allowed {
		t.Error("what the guard foresees does not come through")
	}
	lk, ok := hutch.As[hutch.Linker](a)
	if !ok {
		t.Fatal("no links")
	}
	hutch.ReadFile(ctx, lk.Unlinked(), "f")
	if got := l.take(t); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

type noWrites struct{}

func (noWrites) Check(_ context.Context, r *guard.Request) error {
	if r.Op == guard.Write {
		return &guard.Refusal{Text: "no"}
	}
	return nil
}
func (noWrites) Visible(guard.Op, string) bool { return true }
func (noWrites) Outlook(op guard.Op) guard.Outlook {
	if op == guard.Write {
		return guard.Denied
	}
	return guard.Allowed
}
func (noWrites) Confinement() hutch.Confinement { return hutch.Confinement{} }
