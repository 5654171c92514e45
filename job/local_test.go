package job

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/local"
)

// jailed are jobs in a real jail.
func jailed(t testing.TB, o *Options) (*local.Sandbox, *Jobs) {
	t.Helper()
	s := testroom.Jail(t)
	return s, mustNew(t, s, o)
}

func startShell(t testing.TB, j *Jobs, script string) string {
	t.Helper()
	id, err := j.Start(t.Context(), hutch.Shell(script))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// until reads until what was printed holds text.
func until(t testing.TB, j *Jobs, id, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got string
	for from := int64(0); !strings.Contains(got, want); {
		c, err := j.Read(ctx, id, &ReadOptions{From: from, Wait: time.Minute})
		if err != nil || c.End {
			t.Fatalf("%q never came, only %q: %v", want, got, err)
		}
		got, from = got+string(c.Bytes()), c.Next
	}
}

// processes counts processes with a name in their arguments, in the jail.
func processes(t testing.TB, s *local.Sandbox, mark string) string {
	t.Helper()
	var out hutch.Capture
	cmd := hutch.Shell(`for p in /proc/[0-9]*; do tr '\0' ' ' < $p/cmdline 2>/dev/null; echo; done | grep -c "^$M"`)
	cmd.Env, cmd.Stdout = []string{"M=sleep " + mark}, &out
	if _, err := s.Exec(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

// TestTreeDies: a command that ignores signals, and what it has started, is
// gone when Kill returns.
func TestTreeDies(t *testing.T) {
	s, j := jailed(t, nil)
	id := startShell(t, j, `trap '' TERM INT HUP; (sleep 98761 & setsid sleep 98761 & wait) & sleep 98761 & echo ready; wait`)
	until(t, j, id, "ready")
	if n := processes(t, s, "98761"); n == "0" {
		t.Fatal("nothing runs: the count is wrong")
	}
	st, err := j.Kill(t.Context(), id)
	if err != nil || !errors.Is(st.Err, ErrKilled) {
		t.Errorf("%+v, %v", st, err)
	}
	if n := processes(t, s, "98761"); n != "0" {
		t.Errorf("%s processes are left", n)
	}
}

func TestJailedEnds(t *testing.T) {
	_, j := jailed(t, nil)
	for script, want := range map[string]hutch.Result{
		"exit 3": {ExitCode: 3}, "kill -9 $$": {ExitCode: 137, Signal: "SIGKILL"}, "true": {},
	} {
		st := wait(t, j, startShell(t, j, script))
		if st.Err != nil || st.Result.ExitCode != want.ExitCode || st.Result.Signal != want.Signal {
			t.Errorf("%s: %+v", script, st)
		}
	}
	id, err := j.Start(t.Context(), &hutch.Cmd{Args: []string{"no-such-program"}})
	if err != nil {
		t.Fatal(err)
	}
	if st := wait(t, j, id); st.Err == nil {
		t.Errorf("%+v", st)
	}
	cmd := hutch.Shell("echo before; sleep 1000")
	cmd.Limits.Time = 300 * time.Millisecond
	if id, err = j.Start(t.Context(), cmd); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, j, id); !st.Result.TimedOut || st.Result.ExitCode != hutch.TimeoutExitCode || st.Stdout != 7 {
		t.Errorf("%+v", st)
	}
}

func TestJailedStdin(t *testing.T) {
	_, j := jailed(t, nil)
	id := startShell(t, j, `while read line; do echo "got $line"; done; echo end >&2`)
	if _, err := j.Write(t.Context(), id, []byte("one\n")); err != nil {
		t.Fatal(err)
	}
	until(t, j, id, "got one\n")
	if _, err := j.Write(t.Context(), id, []byte("two\n")); err != nil {
		t.Fatal(err)
	}
	j.CloseInput(id)
	if st := wait(t, j, id); st.Err != nil || st.Result.ExitCode != 0 {
		t.Errorf("%+v", st)
	}
	for s, want := range map[Stream]string{Stdout: "got one\ngot two\n", Stderr: "[end\n]"} {
		if c := read(t, j, id, ReadOptions{Stream: s}); text(c) != want {
			t.Errorf("%q", text(c))
		}
	}
	dead := startShell(t, j, "exec 0</dev/null; echo ready; exec sleep 1000")
	until(t, j, dead, "ready")
	j.Kill(t.Context(), dead)
	if _, err := j.Write(t.Context(), dead, []byte("x")); !errors.Is(err, ErrEnded) {
		t.Errorf("written to a dead job: %v", err)
	}
}

// TestJailedGigabyte: bounded memory and a bounded workspace, and the newest
// output is right.
func TestJailedGigabyte(t *testing.T) {
	size := int64(1 << 30)
	if testing.Short() || raceEnabled {
		size = 128 << 20
	}
	s, j := jailed(t, &Options{Spill: 16 << 20})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	id := startShell(t, j, fmt.Sprintf("yes 0123456789abcde | head -c %d", size))
	var most uint64
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := j.Wait(ctx, id)
		cancel()
		runtime.ReadMemStats(&after)
		most = max(most, after.HeapAlloc)
		if err == nil {
			break
		}
	}
	st, _ := j.Status(id)
	if st.Err != nil || st.Stdout != size || st.Lost < size-20<<20 {
		t.Errorf("%+v", st)
	}
	if most > before.HeapAlloc+64<<20 {
		t.Errorf("%d MiB of heap", most>>20)
	}
	var kept int64
	files := 0
	for i, err := range s.List(t.Context(), ".hutch/out") {
		if err != nil {
			t.Fatal(err)
		}
		kept += i.Size
		files++
	}
	if kept > 18<<20 {
		t.Errorf("%d bytes in %d files", kept, files)
	}
	c := read(t, j, id, ReadOptions{From: 1})
	for _, p := range c.Pieces {
		if at := (c.Next - int64(len(p.Data))) % 16; !strings.HasPrefix("0123456789abcde\n0123456789abcde\n"[at:], string(p.Data[:16])) {
			t.Errorf("other bytes after the gap")
		}
	}
	t.Logf("%d MiB printed in %v, %d MiB of heap at most, %d MiB in %d files", size>>20, st.Result.Duration, most>>20, kept>>20, files)
}

// TestJailedHundred: a hundred commands at a time.
func TestJailedHundred(t *testing.T) {
	_, j := jailed(t, &Options{Running: 100, Finished: 100})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			id := startShell(t, j, "read x; echo $x; echo err >&2; exit 7")
			want := fmt.Sprintf("number %d\n", i)
			if _, err := j.Write(t.Context(), id, []byte(want)); err != nil {
				t.Error(err)
			}
			if st := wait(t, j, id); st.Result.ExitCode != 7 || st.Err != nil {
				t.Errorf("%+v", st)
			}
			if c := read(t, j, id, ReadOptions{Stream: Stdout}); text(c) != want {
				t.Errorf("%q", text(c))
			}
		})
	}
	all.Wait()
}

// TestJailCloses: with the sandbox its jobs end.
func TestJailCloses(t *testing.T) {
	s, j := jailed(t, nil)
	id := startShell(t, j, "echo ready; exec sleep 1000")
	until(t, j, id, "ready")
	s.Close()
	if st := wait(t, j, id); !errors.Is(st.Err, hutch.ErrClosed) {
		t.Errorf("%+v", st)
	}
	other := startShell(t, j, "true")
	if st := wait(t, j, other); !errors.Is(st.Err, hutch.ErrClosed) {
		t.Errorf("started in a closed sandbox: %+v", st)
	}
}

// TestJailedLink: output is not moved through a link that a command has made.
func TestJailedLink(t *testing.T) {
	s, j := jailed(t, &Options{Memory: 64 << 10})
	id := startShell(t, j, "mkdir .hutch elsewhere; ln -s ../elsewhere .hutch/out; yes | head -c 3000000")
	if st := wait(t, j, id); !errors.Is(st.LostWhy, fs.ErrPermission) || st.Lost == 0 || len(st.Files) > 0 {
		t.Errorf("%+v", st)
	}
	for i, err := range s.List(t.Context(), "elsewhere") {
		t.Errorf("%+v, %v", i, err)
	}
}

// TestCloseKills: after Close nothing runs.
func TestCloseKills(t *testing.T) {
	s, j := jailed(t, nil)
	for range 5 {
		until(t, j, startShell(t, j, "trap '' TERM; echo ready; sleep 98762 & wait"), "ready")
	}
	j.Close()
	if n := processes(t, s, "98762"); n != "0" {
		t.Errorf("%s processes are left", n)
	}
}
