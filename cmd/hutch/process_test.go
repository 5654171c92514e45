//go:build unix

package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a process of the program in a directory of its own.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("hutch") // testscript.Main put it there
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GORACE="+raceOptions)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var ee *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ee):
		return ee.ExitCode()
	}
	t.Fatal(err)
	return -1
}

// A signal kills the command and all that it started, says nothing, and is seen
// in the exit status.
func TestSignalKillsTheTree(t *testing.T) {
	needJail(t)
	// What the test ignores, as nohup makes it, the programs would ignore too.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	t.Cleanup(func() { signal.Stop(heard) })
	for i, isolation := range []string{"isolated", "unconfined"} {
		for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129} {
			t.Run(fmt.Sprint(isolation, " ", sig), func(t *testing.T) {
				t.Parallel()
				mark := fmt.Sprintf("86400.%d%d%d", os.Getpid(), i, want) // no other's
				script := "sleep " + mark + " & (setsid sleep " + mark + " &) ; trap '' INT TERM HUP; echo begun; sleep " + mark + "; echo survived"
				cmd := program(t, t.TempDir(), "exec", "--isolation", isolation, "-c", script)
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(out)
				if line, err := r.ReadString('\n'); err != nil || line != "begun\n" {
					t.Fatalf("%q, %v: %s", line, err, &stderr)
				}
				for began := time.Now(); len(running(t, mark)) < 3; { // the shells are still becoming them
					if time.Since(began) > time.Minute {
						t.Fatalf("the test sees %q, not the three that it should see", running(t, mark))
					}
				}
				cmd.Process.Signal(sig)
				rest, _ := io.ReadAll(r)
				if got := exitStatus(t, cmd.Wait()); got != want {
					t.Errorf("exit status %d, want %d", got, want)
				}
				if len(rest) > 0 || stderr.Len() > 0 {
					t.Errorf("printed %q and %q", rest, &stderr)
				}
				if left := running(t, mark); len(left) > 0 {
					t.Errorf("still running: %q", left)
				}
			})
		}
	}
}

// running lists the processes with mark in their arguments.
func running(t *testing.T, mark string) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lists) == 0 {
		t.Skip("this system has no /proc to look into")
	}
	var found []string
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		line := strings.ReplaceAll(string(text), "\x00", " ")
		if strings.Contains(line, mark) && strings.HasPrefix(line, "sleep") {
			found = append(found, list+" "+line)
		}
	}
	return found
}

// What a command prints is there before it ends, and it can be answered.
func TestExecIsLive(t *testing.T) {
	needJail(t)
	cmd := program(t, t.TempDir(), "exec", "-c", "echo name?; read x; echo hello $x")
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "name?\n" {
		t.Fatal(line, err)
	}
	io.WriteString(in, "hare\n")
	if line, err := r.ReadString('\n'); line != "hello hare\n" {
		t.Fatal(line, err)
	}
	if err := cmd.Wait(); err != nil { // with stdin open
		t.Fatal(err)
	}
}

// Who reads no further ends the program, which says nothing and leaves nothing.
func TestBrokenPipe(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/big", bytes.Repeat([]byte("hay\n"), 1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"grep", "hay"}, {"cat", "big"}, {"grep", "--json", "hay"}} {
		cmd := program(t, dir, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReaderSize(out, 16).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		out.Close()
		if got := exitStatus(t, cmd.Wait()); got != 141 || stderr.Len() > 0 {
			t.Errorf("%q: exit status %d, %s", args, got, &stderr)
		}
	}
}

// A full disk under the output is an error.
func TestOutputFails(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	cmd := program(t, t.TempDir(), "version")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	if got := exitStatus(t, cmd.Run()); got != 1 || !strings.HasPrefix(stderr.String(), "hutch: standard output: ") {
		t.Errorf("exit status %d, %s", got, &stderr)
	}
}

// Somebody who breaks off while the input is awaited leaves nothing behind.
func TestInterruptedWrite(t *testing.T) {
	for _, backend := range []string{"local:.", "state:ws.json"} {
		dir := t.TempDir()
		cmd := program(t, dir, "--backend", backend, "write", "file")
		in, err := cmd.StdinPipe()
		if err := errors.Join(err, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		io.WriteString(in, strings.Repeat("half", 64<<10)) // more than a pipe holds: it is being read, and signals are caught
		cmd.Process.Signal(syscall.SIGINT)
		if got := exitStatus(t, cmd.Wait()); got != 130 {
			t.Errorf("%s: exit status %d", backend, got)
		}
		if list, _ := os.ReadDir(dir); len(list) > 0 {
			t.Errorf("%s: left %v", backend, list)
		}
	}
}

// Of edits that several processes make at the same time none is lost.
func TestEditsSideBySide(t *testing.T) {
	const processes, edits = 4, 8
	for _, backend := range []string{"local:.", "state:ws.json"} {
		dir := t.TempDir()
		var text strings.Builder
		for p := range processes {
			for e := range edits {
				fmt.Fprintf(&text, "old %d %d.\n", p, e)
			}
		}
		if err := program(t, dir, "--backend", backend, "write", "file", "--content", text.String()).Run(); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for p := range processes {
			wg.Go(func() {
				for e := range edits {
					was := fmt.Sprintf("old %d %d.", p, e)
					out, err := program(t, dir, "--backend", backend, "edit", "file", "--old", was, "--new", "new"+was[3:]).CombinedOutput()
					if err != nil {
						t.Errorf("%s: %v: %s", backend, err, out)
					}
				}
			})
		}
		wg.Wait()
		got, err := program(t, dir, "--backend", backend, "cat", "file").Output()
		if err != nil || string(got) != strings.ReplaceAll(text.String(), "old", "new") {
			t.Errorf("%s: %v\n%s", backend, err, got)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("%s: left %v", backend, list)
		}
	}
}
