//go:build amd64 || arm64

package jail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/need"
)

func TestStatus(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		for _, c := range []struct {
			script, signal string
			code           int
		}{
			{"exit 0", "", 0}, {"exit 3", "", 3}, {"exit 255", "", 255}, {"kill -9 $$", "SIGKILL", 137}, {"kill -15 $$", "SIGTERM", 143},
			{"exit 137", "", 137},
		} {
			o := runCommand(j, &Command{Args: []string{"sh", "-c", c.script}})
			if o.err != nil || o.ExitCode != c.code || o.Signal != c.signal || o.TimedOut || o.Duration <= 0 {
				t.Errorf("%q: %s", c.script, o)
			}
		}
		if j.Level() != level {
			t.Errorf("level %s, want %s", j.Level(), level)
		}
	})
}

func TestCannotStart(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		if err := os.WriteFile(filepath.Join(dirOf(j), "plain"), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			c    Command
			want error
			path string
		}{
			{Command{Args: []string{"no-such-program"}}, fs.ErrNotExist, "no-such-program"},
			{Command{Args: []string{"./nope"}}, fs.ErrNotExist, "./nope"},
			{Command{Args: []string{"./plain"}}, fs.ErrPermission, "./plain"},
			{Command{Args: []string{"true"}, Dir: "nodir"}, fs.ErrNotExist, "nodir"},
			{Command{Args: []string{"true"}, Dir: "../x"}, fs.ErrInvalid, "../x"},
			{Command{Args: []string{"true"}, Dir: "/etc"}, fs.ErrInvalid, "/etc"},
			{Command{Args: []string{"tr\x00ue"}}, fs.ErrInvalid, "tr\x00ue"},
			{Command{}, fs.ErrInvalid, ""},
			{Command{Args: []string{"true"}, Env: []string{"novalue"}}, fs.ErrInvalid, "true"},
		} {
			o := runCommand(j, &c.c)
			var pe *fs.PathError
			if !errors.Is(o.err, c.want) || !errors.As(o.err, &pe) || pe.Path != c.path {
				t.Errorf("%+v: %v, want %v at %q", c.c, o.err, c.want, c.path)
			}
		}
		o := runCommand(j, &Command{Args: []string{"true", strings.Repeat("x", maxPayload)}})
		if o.err == nil || len(o.err.Error()) > 100 {
			t.Errorf("an argument of 8 MiB: %v", o.err)
		}
		if o := runCommand(j, &Command{Args: []string{"true"}, Dir: "plain"}); o.err == nil {
			t.Error("a file as the folder of a command")
		}
	})
}

// dirOf is the host path of the workspace.
func dirOf(j *Jail) string { return setupOf(j).dir }

func setupOf(j *Jail) *setup {
	if e, ok := j.engine.(*contained); ok {
		return e.setup
	}
	return j.engine.(*link).setup
}

func TestStreams(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		all := make([]byte, 0, 1<<20)
		for len(all) < 1<<20 {
			for i := range 256 {
				all = append(all, byte(i))
			}
		}
		var out bytes.Buffer
		st, err := j.Run(context.Background(), &Command{Args: []string{"cat"}, Stdin: bytes.NewReader(all), Stdout: &out})
		if err != nil || st.ExitCode != 0 || !bytes.Equal(out.Bytes(), all) {
			t.Fatalf("1 MiB through cat: %v %v, %d bytes", st, err, out.Len())
		}
		if o := runCommand(j, &Command{Args: []string{"sh", "-c", "cat; echo out; echo err >&2"}}); o.out != "out\n" || o.errs != "err\n" {
			t.Errorf("empty stdin, two outputs: %s", o)
		}
		var both bytes.Buffer
		_, err = j.Run(context.Background(), &Command{Args: []string{"sh", "-c", "for i in 1 2 3; do echo o$i; echo e$i >&2; done"}, Stdout: &both, Stderr: &both})
		if err != nil || both.String() != "o1\ne1\no2\ne2\no3\ne3\n" {
			t.Errorf("one writer for both: %q %v", both.String(), err)
		}
		pr, pw := io.Pipe() // never written to
		defer pw.Close()
		began := time.Now()
		if o := runCommand(j, &Command{Args: []string{"true"}, Stdin: pr}); o.err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("a stdin that blocks: %s", o)
		}
		streamFiles(t, j)
	})
}

func streamFiles(t *testing.T, j *Jail) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	if err := os.WriteFile(in, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := os.Open(in)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	st, err := j.Run(context.Background(), &Command{Args: []string{"cat"}, Stdin: r, Stdout: w})
	b, _ := os.ReadFile(out)
	if err != nil || st.ExitCode != 0 || string(b) != "hello" {
		t.Errorf("files as streams: %v %v %q", st, err, b)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errors.New("no room") }

type slowWriter struct{ n int }

func (w *slowWriter) Write(b []byte) (int, error) {
	time.Sleep(30 * time.Millisecond)
	w.n += len(b)
	return len(b), nil
}

func TestWriters(t *testing.T) {
	j := openJail(t, &Config{})
	_, err := j.Run(context.Background(), &Command{Args: []string{"yes"}, Stdout: failingWriter{}})
	if err == nil || err.Error() != "no room" {
		t.Errorf("a writer that fails: %v", err)
	}
	w := &slowWriter{}
	_, err = j.Run(context.Background(), &Command{Args: []string{"head", "-c", "400000", "/dev/zero"}, Stdout: w})
	if err != nil || w.n != 400000 {
		t.Errorf("a slow writer got %d bytes: %v", w.n, err)
	}
}

func TestDrain(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() // somebody holds it
	if _, err := w.Write([]byte("rest")); err != nil {
		t.Fatal(err)
	}
	if err := r.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := drain(&out, r); err != nil || out.String() != "rest" {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "hunter2")
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level, Env: []string{"A=1", "B=1"}})
		o := runCommand(j, &Command{Args: []string{"env"}, Env: []string{"B=2", "C=x y\nz", "C=last"}})
		if strings.Contains(o.out, "hunter2") {
			t.Error("the owner's environment leaks")
		}
		for _, want := range []string{"A=1\n", "B=2\n", "C=last\n", "PWD=" + j.Root() + "\n", "PATH="} {
			if !strings.Contains(o.out, want) {
				t.Errorf("no %q in\n%s", want, o.out)
			}
		}
		if got := shell(t, j, "pwd; umask; mkdir -p sub"); got != j.Root()+"\n0022\n" {
			t.Errorf("pwd and umask: %q", got)
		}
		if o := runCommand(j, &Command{Args: []string{"pwd"}, Dir: "sub"}); o.out != j.Root()+"/sub\n" {
			t.Errorf("in a folder: %s", o)
		}
		if level > Unconfined {
			shell(t, j, `touch "$HOME/x" "$TMPDIR/x" && test -w "$HOME" && echo hello >/dev/null && head -c 4 /dev/urandom >/dev/null`)
		}
	})
}

func TestMountAtHostPath(t *testing.T) {
	dir := t.TempDir()
	j := openJail(t, &Config{Dir: dir, Mount: dir})
	if j.Root() != dir {
		t.Errorf("root %q", j.Root())
	}
	if got := shell(t, j, "pwd; echo x > made"); got != dir+"\n" {
		t.Errorf("pwd %q", got)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "made")); err != nil || string(b) != "x\n" {
		t.Errorf("%q %v", b, err)
	}
	for _, bad := range []string{"/", "/usr", "/etc", "/proc/x", "/dev", "/home", "relative", "/a/../b", "/.old"} {
		if j, err := Start(context.Background(), &Config{Dir: dir, Mount: bad}); err == nil {
			j.Close()
			t.Errorf("the workspace at %s", bad)
		}
	}
}

func TestVisible(t *testing.T) {
	shown, other := t.TempDir(), t.TempDir()
	for _, dir := range []string{shown, other} {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte("text"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level, Visible: []string{shown}})
		if got := shell(t, j, "cat "+shown+"/f"); got != "text" {
			t.Errorf("visible: %q", got)
		}
		for _, script := range []string{"echo x > " + shown + "/f", "touch " + shown + "/new", "rm " + shown + "/f", "cat " + other + "/f"} {
			if o := runCommand(j, &Command{Args: []string{"sh", "-c", script}}); o.ExitCode == 0 {
				t.Errorf("%q worked", script)
			}
		}
	}, Isolated, Restricted)
}

func TestSwappedWorkspace(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "w")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	openJail(t, &Config{Dir: dir, Root: f}).Close()
	if err := os.Rename(dir, dir+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j, err := Start(context.Background(), &Config{Dir: dir, Root: f, Least: Unconfined})
	if err == nil {
		j.Close()
		t.Fatal("another folder was taken for the workspace")
	}
	if strings.Contains(err.Error(), parent) {
		t.Errorf("a host path in %q", err)
	}
}

func TestTimeout(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		var o outcome
		for d := 200 * time.Millisecond; d < 30*time.Second && o.out == "" && o.err == nil; d *= 5 { // a busy machine may take long to begin
			o = runCommand(j, &Command{Args: []string{"sh", "-c", "trap '' TERM INT; echo before; sleep 60"}, Timeout: d})
		}
		if o.err != nil || !o.TimedOut || o.ExitCode != 124 || o.out != "before\n" || o.Duration > 50*time.Second {
			t.Errorf("%s", o)
		}
	})
}

// seen is a buffer that does something after every write.
type seen struct {
	bytes.Buffer
	then func()
}

func (s *seen) Write(p []byte) (int, error) {
	defer s.then()
	return s.Buffer.Write(p)
}

func TestCancel(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		ctx, cancel := context.WithCancel(context.Background())
		out := &seen{then: func() { time.AfterFunc(100*time.Millisecond, cancel) }}
		began := time.Now()
		_, err := j.Run(ctx, &Command{Args: []string{"sh", "-c", "echo before; sleep 60 & sleep 61"}, Stdout: out})
		if !errors.Is(err, context.Canceled) || out.String() != "before\n" || time.Since(began) > 50*time.Second {
			t.Errorf("%v %q", err, out.String())
		}
		if _, err := j.Run(ctx, &Command{Args: []string{"true"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("run with an ended context: %v", err)
		}
	})
}

// TestIgnoredSignals: what the owner ignores ends commands all the same.
func TestIgnoredSignals(t *testing.T) {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT)
	defer signal.Reset(syscall.SIGHUP, syscall.SIGINT)
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		for _, name := range []string{"HUP", "INT"} {
			if o := runCommand(j, &Command{Args: []string{"sh", "-c", "kill -" + name + " $$; echo ignored"}}); o.err != nil || o.Signal != "SIG"+name {
				t.Errorf("%s: %s", name, o)
			}
		}
	})
}

func TestConcurrent(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				o := runCommand(j, &Command{Args: []string{"sh", "-c", fmt.Sprintf("echo out%d; (setsid sleep 77 &) ; echo err%d >&2; exit %d", i, i, i)}})
				if o.err != nil || o.ExitCode != i || o.out != fmt.Sprintf("out%d\n", i) || o.errs != fmt.Sprintf("err%d\n", i) {
					t.Errorf("command %d: %s", i, o)
				}
			})
		}
		wg.Wait()
	})
}

func TestClose(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if o := runCommand(j, &Command{Args: []string{"sleep", "60"}}); !errors.Is(o.err, ErrClosed) {
					t.Errorf("%s", o)
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		for range 2 {
			if err := j.Close(); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		if o := runCommand(j, &Command{Args: []string{"true"}}); !errors.Is(o.err, ErrClosed) {
			t.Errorf("after close: %s", o)
		}
	})
}

func TestLevels(t *testing.T) {
	for _, level := range []Level{Unconfined, Restricted, Isolated, Capped} {
		if got, err := ParseLevel(level.String()); got != level || err != nil {
			t.Errorf("%s: %s %v", level, got, err)
		}
	}
	if _, err := ParseLevel("none"); err == nil {
		t.Error("none is a level")
	}
	low := Restricted
	if j, err := Start(context.Background(), &Config{Dir: t.TempDir(), Ceiling: &low}); err == nil {
		j.Close()
		t.Error("a ceiling below the least level")
	}
	openJail(t, &Config{}) // skips where there is no better
	j := openJail(t, &Config{Least: Restricted, Ceiling: new(Level)})
	if j.Level() != Isolated {
		t.Errorf("level %s", j.Level())
	}
}

func TestProbe(t *testing.T) {
	r := Probe()
	t.Logf("%+v", r)
	if r.Err != nil || r.Level < Restricted {
		need.Lacking(t, "jail", r.Err)
	}
	for _, l := range r.Layers {
		if l.Name == "" || l.Detail == "" || !l.OK && l.Missing == "" {
			t.Errorf("%+v", l)
		}
	}
}
