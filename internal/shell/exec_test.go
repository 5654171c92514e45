//go:build linux

package shell

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
)

// TestSignals: what ended a command, and what only looks like it.
func TestSignals(t *testing.T) {
	for i, f := range flavours {
		s := sandbox(t, i)
		for script, want := range map[string]hutch.Result{
			"kill -HUP $$":                     {ExitCode: 129, Signal: "SIGHUP"},
			"kill -PIPE $$":                    {ExitCode: 141, Signal: "SIGPIPE"},
			"kill -USR1 $$":                    {ExitCode: 138, Signal: "SIGUSR1"},
			"exit 129":                         {ExitCode: 129},
			"exit 137":                         {ExitCode: 137},
			"exit 139":                         {ExitCode: 139},
			"exit 255":                         {ExitCode: 255},
			"echo Killed >&2; exit 137":        {ExitCode: 137},
			"kill -KILL $PPID; exit 3":         {ExitCode: -1},
			"trap '' TERM; kill 0; exit 4":     {ExitCode: 4},
			"printf '%%137%%' >&2; exit 5":     {ExitCode: 5},
			"exec 0<&- 1>&- 2>&-; exit 6":      {ExitCode: 6},
			"kill -9 $$; echo not reached":     {ExitCode: 137, Signal: "SIGKILL"},
			"sh -c 'kill -9 $$'; echo; exit 7": {ExitCode: 7},
		} {
			res, err := s.Exec(t.Context(), hutch.Shell(script))
			res.Duration = 0
			if want.ExitCode == -1 { // it has killed who would tell
				if err == nil {
					t.Errorf("%s: %s: %+v, want an error", f.name, script, res)
				}
			} else if err != nil || res != want {
				t.Errorf("%s: %s: %+v, %v; want %+v", f.name, script, res, err, want)
			}
		}
	}
}

// TestEnvironment is exactly what was asked for.
func TestEnvironment(t *testing.T) {
	for i, f := range flavours {
		p := newPlace(t, i)
		p.opts.Env = append(p.opts.Env, "A=1", "B=x\ny", "A=2")
		s := p.open(t)
		var out bytes.Buffer
		cmd := &hutch.Cmd{Args: []string{"env"}, Env: []string{"B=z", "C-D=$(id)", "_X='"}, Stdout: &out}
		if _, err := s.Exec(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		want := []string{p.opts.Env[0], "HOME=/", "A=2", "B=z", "C-D=$(id)", "_X='"}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", f.name, got, want)
		}
	}
}

// TestOddPrograms have names that "env" or a shell could take for something else.
func TestOddPrograms(t *testing.T) {
	for i, f := range flavours {
		s := sandbox(t, i)
		for _, name := range []string{"a=b", "-x", "a b", "$x", "é'"} {
			script := "#!/bin/sh\nprintf '%s|' \"$@\"\n"
			if _, err := hutch.WriteFile(t.Context(), s, name, []byte(script), &hutch.WriteOptions{Mode: 0o755}); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			cmd := &hutch.Cmd{Args: []string{"./" + name, "1", "a=b", ""}, Env: []string{"X=1"}, Stdout: &out}
			res, err := s.Exec(t.Context(), cmd)
			if err != nil || res.ExitCode != 0 || out.String() != "1|a=b||" {
				t.Errorf("%s: %q: %+v, %v, %q", f.name, name, res, err, out.String())
			}
		}
		for _, bad := range []string{"#!/no/such/interpreter\n", "echo no first line\n", "", "\x7fELF"} {
			hutch.WriteFile(t.Context(), s, "bad", []byte(bad), &hutch.WriteOptions{Mode: 0o755})
			want := fs.ErrPermission
			if strings.HasPrefix(bad, "#!") {
				want = fs.ErrNotExist
			}
			if res, err := s.Exec(t.Context(), &hutch.Cmd{Args: []string{"./bad"}}); !errors.Is(err, want) {
				t.Errorf("%s: %q as a program: %+v, %v", f.name, bad, res, err)
			}
		}
	}
}

// TestLimits are set, each, and cannot go beyond those of the Sandbox.
func TestLimits(t *testing.T) {
	for i, f := range flavours {
		p := newPlace(t, i)
		p.opts.Limits = hutch.Limits{FileSize: 8192, OpenFiles: 64, CPU: time.Minute}
		s := p.open(t)
		var out bytes.Buffer
		cmd := hutch.Shell("cat /proc/self/limits; head -c 20000 /dev/zero > big")
		cmd.Stdout = &out
		cmd.Limits = hutch.Limits{FileSize: 4096, OpenFiles: 1000, CPU: 3 * time.Second, Memory: 1 << 30}
		if _, err := s.Exec(t.Context(), cmd); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range []string{"cpu time 3 3 ", "file size 4096 4096 ", "data size 1073741824 1073741824 ", "open files 64 64 "} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: not %q in %q", f.name, want, got)
			}
		}
		if i, err := s.Stat(t.Context(), "big"); err != nil || i.Size != 4096 {
			t.Errorf("%s: a file of %d bytes, %v", f.name, i.Size, err)
		}
		cmd = hutch.Shell("true")
		cmd.Limits.Processes = 10
		_, err := s.Exec(t.Context(), cmd)
		if root := os.Getuid() == 0; root != errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: processes as uid %d: %v", f.name, os.Getuid(), err)
		}
	}
}

// escape are processes that shake off all that they can: session, parents,
// environment. Each beats into a file.
const escapes = `
beat='while :; do printf . >> "$0"; sleep 0.02; done'
env -i PATH="$PATH" setsid sh -c "$beat" beat1 >/dev/null 2>&1 </dev/null &
(env -i PATH="$PATH" setsid sh -c "cd /; (sh -c '$beat' $PWD/beat2 &) &" >/dev/null 2>&1 </dev/null &)
while [ ! -s beat1 ] || [ ! -s beat2 ]; do sleep 0.01; done
`

// still fails if a file grows on after the command that wrote it has ended.
func still(t *testing.T, s *Sandbox, files ...string) {
	t.Helper()
	before := map[string]int64{}
	for range 2 {
		for _, name := range files {
			i, err := s.Stat(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if was, ok := before[name]; ok && was != i.Size {
				t.Errorf("%s grows on", name)
			}
			before[name] = i.Size
		}
		sh(t, s, "sleep 0.2")
	}
}

func TestEscapes(t *testing.T) {
	for i := range flavours {
		s := sandbox(t, i)
		sh(t, s, escapes)
		still(t, s, "beat1", "beat2")
	}
}

// TestOthersLive: the end of one command leaves others alone, and what is not
// of a command.
func TestOthersLive(t *testing.T) {
	s := sandbox(t, 0)
	other := exec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	w := &closer{seen: make(chan struct{})}
	ended := make(chan hutch.Result)
	go func() {
		cmd := hutch.Shell("echo ready; while [ ! -e go ]; do sleep 0.02; done; exit 9")
		cmd.Stdout = w
		res, _ := s.Exec(t.Context(), cmd)
		ended <- res
	}()
	<-w.seen
	sh(t, s, "sleep 60 & exit 1")
	write(t, s, "go", "")
	if res := <-ended; res.ExitCode != 9 {
		t.Errorf("another command is %+v", res)
	}
	other.Process.Kill()
	if err := other.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("a process of nobody ended with %v", err)
	}
}

// TestExclusive runs in a process namespace of its own, where what lowers its
// tag is ended all the same.
func TestExclusive(t *testing.T) {
	if os.Getenv("HUTCH_SHELL_INNER") == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("unshare", "--pid", "--fork", "--mount-proc", self, "-test.run=^TestExclusive$", "-test.v")
		cmd.Env = append(os.Environ(), "HUTCH_SHELL_INNER=1")
		out, err := cmd.CombinedOutput()
		if bytes.Contains(out, []byte("unshare:")) || errors.Is(err, exec.ErrNotFound) {
			need.Lacking(t, "namespaces", string(out))
		}
		if err != nil || !bytes.Contains(out, []byte("PASS: TestExclusive")) {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	for i := range flavours {
		p := newPlace(t, i)
		p.opts.Exclusive = true
		s := p.open(t)
		sh(t, s, "(ulimit -m 1000; setsid sh -c 'while :; do printf . >> lower; sleep 0.02; done' >/dev/null 2>&1 </dev/null & ); while [ ! -s lower ]; do sleep 0.01; done")
		still(t, s, "lower")
	}
}

// TestFloodingCommand: a command that prints without end is ended when its
// writer fails, its time is over, or its context ends.
func TestFloodingCommand(t *testing.T) {
	s := sandbox(t, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cmd := hutch.Shell("while :; do echo flood; echo flood >&2; done")
	cmd.Stdout = writerFunc(func(p []byte) (int, error) { return 0, errReader })
	if _, err := s.Exec(ctx, cmd); !errors.Is(err, errReader) {
		t.Errorf("%v", err)
	}
	n := 0
	cmd.Stdout = writerFunc(func(p []byte) (int, error) {
		if n++; n == 5 {
			cancel()
		}
		return len(p), nil
	})
	if _, err := s.Exec(ctx, cmd); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	before := runtime.NumGoroutine()
	if _, err := s.Exec(ctx, cmd); !errors.Is(err, context.Canceled) || runtime.NumGoroutine() > before {
		t.Errorf("%v", err)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestCloseEndsCommands: with the Sandbox its commands end.
func TestCloseEndsCommands(t *testing.T) {
	s := sandbox(t, 0)
	w := &closer{seen: make(chan struct{})}
	ended := make(chan error)
	go func() {
		cmd := hutch.Shell("echo ready; while :; do printf . >> beat; sleep 0.02; done")
		cmd.Stdout = w
		_, err := s.Exec(t.Context(), cmd)
		ended <- err
	}()
	<-w.seen
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	before, _ := os.Stat(filepath.Join(s.Root(), "beat"))
	time.Sleep(100 * time.Millisecond)
	if now, _ := os.Stat(filepath.Join(s.Root(), "beat")); before != nil && now.Size() != before.Size() {
		t.Error("the command lives on")
	}
}
