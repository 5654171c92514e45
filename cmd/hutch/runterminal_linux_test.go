package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// seat is a person at a terminal of hutch.
type seat struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File

	mu    sync.Mutex
	more  *sync.Cond
	shown bytes.Buffer
	read  int // of shown, by await
	ended bool
}

// sit starts hutch with a terminal of its own, so that Ctrl-C is a signal.
func sit(t *testing.T, f *fakeModel, dir string, args ...string) *seat {
	t.Helper()
	master, slave := terminal(t)
	size := &unix.Winsize{Row: 24, Col: 200}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
	s := &seat{t: t, master: master, cmd: agentCmd(t, f, dir, args...)}
	s.more = sync.NewCond(&s.mu)
	s.cmd.Env = append(s.cmd.Env, "TERM=xterm", "NO_COLOR=")
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	stuck := time.AfterFunc(60*time.Second, func() {
		t.Errorf("hutch %q does not end", args)
		s.cmd.Process.Kill()
	})
	t.Cleanup(func() { stuck.Stop(); s.cmd.Process.Kill() })
	go s.watch()
	return s
}

func (s *seat) watch() {
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		s.mu.Lock()
		s.shown.Write(buf[:n])
		s.ended = err != nil
		s.more.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await waits until text is shown, behind what was awaited before.
func (s *seat) await(text string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if i := strings.Index(s.shown.String()[s.read:], text); i >= 0 {
			s.read += i + len(text)
			return
		}
		if s.ended {
			s.t.Fatalf("%q is not shown: %q", text, s.shown.String()[s.read:])
		}
		s.more.Wait()
	}
}

func (s *seat) keys(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.master, text); err != nil {
		s.t.Fatal(err)
	}
}

// end waits for the end and returns all that was shown.
func (s *seat) end(status int) string {
	s.t.Helper()
	if got := exitStatus(s.t, s.cmd.Wait()); got != status {
		s.t.Errorf("exit status %d, want %d", got, status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.ended {
		s.more.Wait()
	}
	if s.t.Failed() {
		s.t.Logf("%q", s.shown.String())
	}
	return strings.ReplaceAll(s.shown.String(), "\r\n", "\n")
}

// The person at the terminal is asked before anything is written or executed; a
// reason reaches the model.
func TestRunAsks(t *testing.T) {
	needJail(t)
	f := newFakeModel(t, says{calls: []call{write("a", "yes\n"), write("b", "no\n"), write("c", "no\n")}},
		says{calls: []call{execute("echo once >> d"), execute("echo once >> d")}}, says{text: "Good."})
	dir := t.TempDir()
	s := sit(t, f, dir, "run", "--model", "openai:fake", "x")
	s.await("May the agent write /workspace/a?")
	s.await("+yes")
	s.await("a always, n no [n]: ")
	s.keys("y\n")
	s.await("May the agent write /workspace/b?")
	s.await("[n]: ")
	s.keys("n because of hares\n")
	s.await("not approved")
	s.await("May the agent write /workspace/c?")
	s.await("[n]: ")
	s.keys("\n")
	s.await("May the agent execute")
	s.await("echo once >> d")
	s.await("[n]: ")
	s.keys("s\n")
	s.end(0)
	if got, err := os.ReadFile(dir + "/d"); err != nil || string(got) != "once\nonce\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(dir + "/a"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"b", "c"} {
		if _, err := os.Stat(dir + "/" + name); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if !strings.Contains(f.last(), "because of hares") {
		t.Errorf("the model does not see the reason: %s", f.last())
	}
}

// An answer for ever is asked for no more, and with a question open Ctrl-C ends it.
func TestRunAlways(t *testing.T) {
	needJail(t)
	f := newFakeModel(t, says{calls: []call{write("a", "1\n")}}, says{text: "Good."},
		says{calls: []call{write("a", "2\n"), write("b", "2\n")}})
	dir := t.TempDir()
	config := t.TempDir()
	os.WriteFile(config+"/config", []byte("remember = 'book'\n"), 0o600)
	args := []string{"--config", config + "/config", "run", "--model", "openai:fake", "x"}
	s := sit(t, f, dir, args...)
	s.await("[n]: ")
	s.keys("a\n")
	s.end(0)
	s = sit(t, f, dir, args...)
	s.await("May the agent write /workspace/b?")
	s.await("[n]: ")
	s.keys("\x03")
	s.end(130)
	if got, _ := os.ReadFile(dir + "/a"); string(got) != "2\n" {
		t.Errorf("%q", got)
	}
	if _, err := os.Stat(dir + "/b"); err == nil {
		t.Error("b was written")
	}
}

// Ctrl-C ends the command and all that it has started, says how to go on, and that
// works. A second one leaves nothing behind either.
func TestRunCtrlC(t *testing.T) {
	needJail(t)
	for i, keys := range []string{"\x03", "\x03\x03"} {
		mark := fmt.Sprintf("86400.%d7%d", os.Getpid(), i) // no other's
		f := newFakeModel(t, says{calls: []call{execute("trap '' INT TERM; (setsid sleep " + mark + " &); echo begun; sleep " + mark)}})
		dir := t.TempDir()
		s := sit(t, f, dir, "run", "--yes", "--model", "openai:fake", "x")
		s.await(": begun") // behind the spinner
		if len(running(t, mark)) == 0 {
			t.Fatal("the test sees no process that it should see")
		}
		s.keys(keys)
		if i == 1 {
			s.gone(mark)
			continue
		}
		got := s.end(130)
		if left := running(t, mark); len(left) > 0 {
			t.Errorf("still running: %q", left)
		}
		if !strings.Contains(got, "stopped;") || !strings.Contains(got, "run --resume=") || !strings.HasSuffix(got, "\n") {
			t.Errorf("%q", got)
		}
		agent(t, f, dir, "run", "--yes", "--model", "openai:fake", "--resume", "go on").want(t, 0, "nothing more to say")
		if !strings.Contains(f.last(), "Cancelled") || !strings.Contains(f.last(), "go on") {
			t.Errorf("%s", f.last())
		}
	}
}

// gone waits for the end of hutch, however it ends, and of everything with mark.
func (s *seat) gone(mark string) {
	s.t.Helper()
	s.cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); len(running(s.t, mark)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("still running: %q", running(s.t, mark))
		}
	}
}

// Ctrl-C ends a request to the model.
func TestRunCtrlCOfTheModel(t *testing.T) {
	f := newFakeModel(t, says{text: "Let me think.", hang: true})
	s := sit(t, f, t.TempDir(), "--backend", "state:ws.json", "run", "--yes", "--model", "openai:fake", "x")
	s.await("Let me think.")
	s.keys("\x03")
	s.end(130)
}

// Whatever a model or a command prints, the terminal shows it and does not do it.
func TestRunHostile(t *testing.T) {
	needJail(t)
	evil := "\x1b[2J\x1b]0;owned\x07\u202e"
	f := newFakeModel(t,
		says{text: "a" + evil, calls: []call{execute(`printf 'b\033[2J\033]0;owned\007\n'; exit 1 # ` + evil)}},
		says{calls: []call{write("c"+evil, evil)}},
		says{text: "Done."})
	s := sit(t, f, t.TempDir(), "run", "--yes", "--model", "openai:fake", "x")
	got := s.end(0)
	for _, bad := range []string{"\x1b[2J", "\x1b]", "\a", "\u202e"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q reached the terminal", bad)
		}
	}
	if n := strings.Count(got, `\x1b[2J`); n < 4 {
		t.Errorf("it is shown %d times: %q", n, got)
	}
}
