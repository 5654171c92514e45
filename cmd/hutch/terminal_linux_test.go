package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onTerminal runs hutch with a terminal for all three streams and returns what
// was shown.
func onTerminal(t *testing.T, dir, noColor string, args ...string) string {
	t.Helper()
	master, slave := terminal(t)
	cmd := program(t, dir, args...)
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR="+noColor)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(master) // ends with an error when nobody has the terminal any more
		shown <- string(text)
	}()
	stuck := time.AfterFunc(20*time.Second, func() {
		t.Errorf("hutch %q does not end", args)
		cmd.Process.Kill()
	})
	defer stuck.Stop()
	cmd.Wait()
	return strings.ReplaceAll(<-shown, "\r\n", "\n")
}

func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no terminals here:", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// On a terminal there are colours, and nothing in a file can move the cursor.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a", []byte("hay \x1b[2J\a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := onTerminal(t, dir, "", "grep", "hay")
	want := nameColor + "a" + noColor + sepColor + ":" + noColor + lineColor + "1" + noColor + sepColor + ":" + noColor +
		matchColor + "hay" + noColor + ` \x1b[2J\x07` + "\n"
	if got != want {
		t.Errorf("%q\n%q", got, want)
	}
	plain := "a:1:hay \\x1b[2J\\x07\n"
	if got := onTerminal(t, dir, "", "--color", "never", "grep", "hay"); got != plain {
		t.Errorf("%q", got)
	}
	if got := onTerminal(t, dir, "1", "grep", "hay"); got != plain {
		t.Errorf("with NO_COLOR %q", got)
	}
}

// A command gets no handle of the terminal: not to read from, not to write to.
func TestExecOnTerminal(t *testing.T) {
	needJail(t)
	script := "for i in 0 1 2; do test -t $i && echo $i is a terminal; done; wc -c; for i in $(seq 99); do echo out; echo err >&2; done"
	if got := onTerminal(t, t.TempDir(), "", "exec", "-c", script); got != "0\n"+strings.Repeat("out\nerr\n", 99) {
		t.Errorf("%q", got)
	}
}
