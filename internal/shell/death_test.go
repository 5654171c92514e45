//go:build linux

package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hutch-dev/hutch"
)

// killAll kills what the host has started so far, and waits for its end.
func (m *machine) killAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.started {
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
	}
	m.started = nil
}

// TestShellDies kills the shells between and in the middle of operations.
func TestShellDies(t *testing.T) {
	p := newPlace(t, 0)
	s := p.open(t)
	ctx := t.Context()
	write(t, s, "f", "old")
	p.host.killAll()
	if got, err := hutch.ReadFile(ctx, s, "f"); err != nil || string(got) != "old" {
		t.Errorf("after the shells died: %q, %v", got, err)
	}
	large := strings.Repeat("x", 3*small)
	write(t, s, "large", large)
	f, err := s.Open(ctx, "large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p.host.killAll()
	if got, err := io.ReadAll(f); err == nil {
		t.Errorf("the shell that had a file open died, and %d bytes are read", len(got))
	}
	dies := io.MultiReader(strings.NewReader(large), readerFunc(func([]byte) (int, error) {
		p.host.killAll()
		return 0, io.EOF
	}))
	if _, err := s.Write(ctx, "f", dies, nil); err == nil {
		t.Error("the process that was writing died, and Write has no error")
	}
	if got, err := hutch.ReadFile(ctx, s, "f"); err != nil || string(got) != "old" {
		t.Errorf("after a write broke off: %q, %v", got, err)
	}
	if got := names(t, s, "."); !slices.Equal(got, []string{"f", "large"}) {
		t.Errorf("%q", got)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestKilledWrites kills the shells at any moment of writes: each write is
// there or not, the next ones work, the lock of the dead is taken over, and
// nothing stays in the end.
func TestKilledWrites(t *testing.T) {
	p := newPlace(t, 0)
	s := p.open(t)
	ctx := t.Context()
	write(t, s, "f", "0")
	known := "0"
	for i := 1; i <= 25; i++ {
		content := strings.Repeat(strconv.Itoa(i)+",", 2000)
		var all sync.WaitGroup
		all.Go(func() {
			for range i {
				syscall.Getpid() // some time, more each round
				os.ReadDir("/proc")
			}
			p.host.killAll()
		})
		_, err := hutch.WriteFile(ctx, s, "f", []byte(content), nil)
		all.Wait()
		got, e := hutch.ReadFile(ctx, s, "f")
		switch {
		case e != nil:
			t.Fatal(e)
		case string(got) != known && string(got) != content, err == nil && string(got) != content:
			t.Fatalf("round %d: %d bytes, %v", i, len(got), err)
		}
		known = string(got)
	}
	write(t, s, "f", "whole")
	s.Close()
	last := p.open(t) // sweeps
	last.Close()
	if got := left(t, p.opts.Root); !slices.Equal(got, []string{"f"}) {
		t.Errorf("%q", got)
	}
}

// TestSweep: what an owner that was killed has left, and nothing of one that
// lives, is gone with the next Open.
func TestSweep(t *testing.T) {
	p := newPlace(t, 0)
	dead := p.open(t)
	write(t, dead, "f", "x")
	p.host.killAll()
	living := p.open(t)
	write(t, living, "g", "x")
	staged := filepath.Join(p.opts.Root, staging)
	for _, s := range []*Sandbox{dead, living} {
		os.WriteFile(filepath.Join(staged, "w."+s.pool.session+".1.1"), []byte("half"), 0o600)
	}
	os.WriteFile(filepath.Join(staged, "s."+dead.pool.session), []byte("999999999 1\n1 1\nx\n"), 0o600)
	p.open(t).Close()
	got := slices.DeleteFunc(left(t, staged), func(name string) bool { return name == "lock" || name == "want" })
	want := []string{"s." + living.pool.session, "stamp", "w." + living.pool.session + ".1.1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	living.Close()
	if got := left(t, p.opts.Root); !slices.Equal(got, []string{"f", "g"}) {
		t.Errorf("%q", got)
	}
}

// TestCutContent: what did not arrive whole gets no name.
func TestCutContent(t *testing.T) {
	s := sandbox(t, 0)
	write(t, s, "f", "old")
	if _, err := (view{s: s}).commit(t.Context(), "write", "f", hutch.WriteOptions{}, 5, "text", "four"); err == nil {
		t.Error("no error")
	}
	if got, err := hutch.ReadFile(t.Context(), s, "f"); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestStaleLock: the lock of one that is gone is taken over, that of one that
// lives is waited for.
func TestStaleLock(t *testing.T) {
	s := sandbox(t, 0)
	write(t, s, "f", "x")
	lock := filepath.Join(s.Root(), staging, "lock")
	for _, holder := range []string{"999999999 1\n", strconv.Itoa(os.Getpid()) + " 1\n", "garbage\n", ".\n", "1\n", "-1 -1\n", "\n", "* *\n"} {
		if err := os.WriteFile(lock, []byte(holder), 0o600); err != nil {
			t.Fatal(err)
		}
		write(t, s, "f", holder)
	}
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if err := os.WriteFile(lock, []byte(strconv.Itoa(os.Getpid())+" "+fields[19]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan error)
	go func() {
		_, err := hutch.WriteFile(ctx, s, "f", []byte("y"), nil)
		asked <- err
	}()
	if got, err := hutch.ReadFile(t.Context(), s, "f"); err != nil || string(got) == "y" {
		t.Errorf("while the lock is held: %q, %v", got, err)
	}
	cancel()
	if err := <-asked; !errors.Is(err, context.Canceled) {
		t.Errorf("a write that waits for the lock: %v", err)
	}
	os.Remove(lock)
	write(t, s, "f", "y")
}

// TestHostDies: when nothing can be started any more everything is an error.
func TestHostDies(t *testing.T) {
	p := newPlace(t, 0)
	s := p.open(t)
	write(t, s, "f", "x")
	ctx := t.Context()
	w := &closer{seen: make(chan struct{})}
	ended := make(chan error)
	go func() {
		cmd := hutch.Shell("echo ready; sleep 20")
		cmd.Stdout = w
		_, err := s.Exec(ctx, cmd)
		ended <- err
	}()
	<-w.seen
	p.host.mu.Lock()
	p.host.broken = errors.New("no host")
	p.host.mu.Unlock()
	p.host.killAll()
	if err := <-ended; err == nil {
		t.Error("a command whose host died has a result")
	}
	var pe *fs.PathError
	_, err := s.Stat(ctx, "f")
	if !errors.As(err, &pe) {
		t.Errorf("Stat: %v", err)
	}
	if _, err := hutch.WriteFile(ctx, s, "f", nil, nil); !errors.As(err, &pe) {
		t.Errorf("Write: %v", err)
	}
	if _, err := s.Exec(ctx, hutch.Shell("true")); !errors.As(err, &pe) {
		t.Errorf("Exec: %v", err)
	}
}

type closer struct {
	once sync.Once
	seen chan struct{}
}

func (c *closer) Write(p []byte) (int, error) {
	c.once.Do(func() { close(c.seen) })
	return len(p), nil
}

// TestTwoOwners counts with IfRev from two sandboxes on one root.
func TestTwoOwners(t *testing.T) {
	p := newPlace(t, 0)
	owners := []*Sandbox{p.open(t), p.open(t)}
	ctx := t.Context()
	write(t, owners[0], "n", "0")
	const times = 8
	var all sync.WaitGroup
	for _, s := range owners {
		for range 2 {
			all.Go(func() {
				for done := 0; done < times && !t.Failed(); {
					f, err := s.Open(ctx, "n")
					if err != nil {
						t.Error(err)
						return
					}
					data, _ := io.ReadAll(f)
					n, _ := strconv.Atoi(string(data))
					_, err = hutch.WriteFile(ctx, s, "n", []byte(fmt.Sprint(n+1)), &hutch.WriteOptions{IfRev: f.Info().Rev})
					if err == nil {
						done++
					} else if !errors.Is(err, hutch.ErrConflict) {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	if got, err := hutch.ReadFile(ctx, owners[0], "n"); string(got) != strconv.Itoa(4*times) {
		t.Errorf("%s, %v", got, err)
	}
}

// TestFrozenShell: a shell that does not answer is given up with the context.
func TestFrozenShell(t *testing.T) {
	p := newPlace(t, 0)
	s := p.open(t)
	write(t, s, "f", "x")
	p.host.mu.Lock()
	for _, q := range p.host.started {
		syscall.Kill(q.cmd.Process.Pid, syscall.SIGSTOP)
	}
	p.host.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	cancelLater := readerFunc(func([]byte) (int, error) { go cancel(); return 0, io.EOF })
	if _, err := s.Write(ctx, "f", cancelLater, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if got, err := hutch.ReadFile(t.Context(), s, "f"); err != nil || string(got) != "x" {
		t.Errorf("%q, %v", got, err)
	}
	p.host.killAll()
}
