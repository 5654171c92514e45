//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
)

// dirSandbox runs commands in a dirBackend, without any confinement.
type dirSandbox struct {
	dirBackend
	mark   string
	groups sync.Map // the process groups of commands that run
}

// newDirSandbox opens one that does wrong what is named.
func newDirSandbox(t testing.TB, wrong ...string) *dirSandbox {
	at, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &dirSandbox{
		dirBackend: dirBackend{at: filepath.Join(at, "root"), wrong: map[string]bool{}},
		mark:       fmt.Sprintf("BACKENDTEST_MARK=%d.%d.", os.Getpid(), marks.Add(1)),
	}
	t.Cleanup(func() { killMarked(s.mark) }) // what a mutant left running
	for _, w := range wrong {
		s.wrong[w] = true
	}
	if err := os.Mkdir(s.at, 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *dirSandbox) Root() string {
	if s.wrong["root elsewhere"] {
		return "/workspace"
	}
	return s.at
}

// marks tells the processes of one command from all others: its environment
// goes on to whatever it starts.
var marks atomic.Int64

func (s *dirSandbox) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if err := s.ready(ctx, cmd); err != nil {
		return hutch.Result{}, err
	}
	mark := fmt.Sprintf("%s%d.", s.mark, marks.Add(1))
	c := exec.Command(cmd.Args[0], cmd.Args[1:]...)
	c.Dir = s.host(cmd.Dir)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.at}
	if s.wrong["inherits the environment"] {
		c.Env = os.Environ()
	}
	if !s.wrong["ignores Env"] {
		c.Env = append(c.Env, cmd.Env...)
	}
	c.Env = append(c.Env, mark)
	var pumps pumps
	if err := pumps.attach(c, s.streams(cmd), s.wrong["waits for Stdin"]); err != nil {
		return hutch.Result{}, err
	}
	start := time.Now()
	if err := c.Start(); err != nil {
		pumps.stop()
		return hutch.Result{}, startError(cmd, err, s.wrong["starts nothing for good"])
	}
	pumps.run()
	s.groups.Store(c.Process.Pid, nil)
	defer s.groups.Delete(c.Process.Pid)
	stop := s.forward(cmd.Signals, c.Process.Pid)
	timedOut := s.wait(ctx, c, cmd.Limits.Time)
	stop()
	if !s.wrong["kills the leader only"] {
		killMarked(mark)
	}
	pumps.stop()
	if err := ctx.Err(); err != nil && !s.wrong["calls a canceled command a result"] {
		return hutch.Result{}, err
	}
	if pumps.failed != nil && !s.wrong["ignores writers that fail"] {
		return hutch.Result{}, fail("exec", cmd.Args[0], pumps.failed)
	}
	return s.result(c.ProcessState, timedOut, time.Since(start)), nil
}

// streams is cmd with the streams that a mutant gives it.
func (s *dirSandbox) streams(cmd *hutch.Cmd) *hutch.Cmd {
	out := *cmd
	var held bytes.Buffer
	switch {
	case s.wrong["mixes the streams"]:
		out.Stderr = cmd.Stdout
	case s.wrong["drops carriage returns"] && cmd.Stdout != nil:
		out.Stdout = writerFunc(func(p []byte) (int, error) {
			cmd.Stdout.Write(bytes.ReplaceAll(p, []byte("\r"), nil))
			return len(p), nil
		})
	case s.wrong["keeps 100000 bytes"] && cmd.Stdout != nil:
		out.Stdout = writerFunc(func(p []byte) (int, error) {
			held.Write(p)
			if held.Len() <= 100_000 {
				cmd.Stdout.Write(p)
			}
			return len(p), nil
		})
	case s.wrong["reads a terminal"]:
		if out.Stdin == nil {
			out.Stdin = strings.NewReader("from somewhere")
		}
	case s.wrong["reads a block of Stdin"] && cmd.Stdin != nil:
		out.Stdin = io.LimitReader(cmd.Stdin, 65536)
	}
	return &out
}

func (s *dirSandbox) ready(ctx context.Context, cmd *hutch.Cmd) error {
	if len(cmd.Args) == 0 || cmd.Args[0] == "" || strings.Contains(strings.Join(cmd.Args, ""), "\x00") {
		if s.wrong["runs nothing well"] {
			return nil
		}
		return fail("exec", "", fs.ErrInvalid)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if cmd.Dir == "" || s.wrong["checks no Dir"] {
		return nil
	}
	info, err := s.Stat(context.Background(), cmd.Dir)
	if err == nil && !info.IsDir() {
		err = fail("exec", cmd.Dir, hutch.ErrNotDir)
	}
	return err
}

func startError(cmd *hutch.Cmd, err error, wrong bool) error {
	meaning := fs.ErrPermission
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, exec.ErrNotFound) {
		meaning = fs.ErrNotExist
	}
	if wrong {
		meaning = fs.ErrInvalid
	}
	return fail("exec", cmd.Args[0], meaning)
}

// wait waits for the leader and reports whether its time ran out.
func (s *dirSandbox) wait(ctx context.Context, c *exec.Cmd, limit time.Duration) (timedOut bool) {
	done := make(chan struct{})
	go func() { defer close(done); c.Wait() }()
	var over <-chan time.Time
	if limit > 0 {
		t := time.NewTimer(limit)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-done:
		return false
	case <-over:
		timedOut = true
	case <-ctx.Done():
	}
	if s.wrong["asks politely"] {
		c.Process.Signal(syscall.SIGTERM)
	} else {
		c.Process.Kill()
	}
	<-done
	return timedOut
}

func (s *dirSandbox) result(p *os.ProcessState, timedOut bool, d time.Duration) hutch.Result {
	r := hutch.Result{ExitCode: p.ExitCode(), TimedOut: timedOut, Duration: d}
	if w := p.Sys().(syscall.WaitStatus); w.Signaled() && !s.wrong["knows no signals"] {
		r.ExitCode = 128 + int(w.Signal())
		r.Signal = map[syscall.Signal]string{1: "SIGHUP", 2: "SIGINT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}[w.Signal()]
	}
	if timedOut && !s.wrong["hides the time-out"] {
		r.ExitCode = hutch.TimeoutExitCode
	}
	if s.wrong["status is 0 or 1"] {
		r.ExitCode = min(1, r.ExitCode)
	}
	return r
}

// killMarked kills until no process has the mark.
func killMarked(mark string) {
	for range 1000 {
		found := false
		dirs, _ := filepath.Glob("/proc/[0-9]*")
		for _, d := range dirs {
			env, _ := os.ReadFile(d + "/environ")
			if pid, err := strconv.Atoi(filepath.Base(d)); err == nil && bytes.Contains(env, []byte(mark)) {
				found = true
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if !found {
			return
		}
	}
}

// pumps move the streams of one command.
type pumps struct {
	copies []func()
	ends   []io.Closer // of the child, closed once it has them
	ours   []*os.File
	all    sync.WaitGroup
	mu     sync.Mutex
	failed error
}

func (p *pumps) attach(c *exec.Cmd, cmd *hutch.Cmd, waits bool) error {
	if cmd.Stdin != nil {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		c.Stdin, p.ends = r, append(p.ends, r)
		// On purpose nobody waits for it: Stdin may never give anything.
		feed := func() { defer w.Close(); io.Copy(w, struct{ io.Reader }{cmd.Stdin}) }
		p.copies = append(p.copies, func() {
			if waits {
				p.all.Go(feed)
			} else {
				go feed()
			}
		})
	}
	var one sync.Mutex
	for _, s := range []struct {
		to  *io.Writer
		out io.Writer
	}{{&c.Stdout, cmd.Stdout}, {&c.Stderr, cmd.Stderr}} {
		if s.out == nil {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		*s.to, p.ends, p.ours = w, append(p.ends, w), append(p.ours, r)
		lock := &sync.Mutex{}
		if same(cmd.Stdout, cmd.Stderr) {
			lock = &one
		}
		p.copies = append(p.copies, func() { p.all.Go(func() { p.pump(r, s.out, lock) }) })
	}
	return nil
}

func same(a, b io.Writer) bool {
	defer func() { recover() }() // writers that cannot be compared differ
	return a == b
}

func (p *pumps) pump(r *os.File, out io.Writer, lock *sync.Mutex) {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			lock.Lock()
			p.mu.Lock()
			failed := p.failed
			p.mu.Unlock()
			if failed == nil {
				_, failed = out.Write(buf[:n])
			}
			lock.Unlock()
			p.mu.Lock()
			p.failed = failed
			p.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

func (p *pumps) run() {
	for _, f := range p.copies {
		f()
	}
	p.closeEnds()
}

func (p *pumps) closeEnds() {
	for _, e := range p.ends {
		e.Close()
	}
	p.ends = nil
}

// stop waits until all output has been written. Nobody holds the streams by now.
func (p *pumps) stop() {
	p.closeEnds()
	p.all.Wait()
	for _, r := range p.ours {
		r.Close()
	}
}

func TestDirSandbox(t *testing.T) {
	TestCommands(t, func(t testing.TB) hutch.Sandbox { return newDirSandbox(t) })
}
