package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// typing runs hutch with a terminal at which answers are typed, one for each
// question, and returns what was shown and the exit status.
func typing(t *testing.T, dir string, answers []string, args ...string) (string, int) {
	t.Helper()
	master, slave := terminal(t)
	cmd := program(t, dir, args...)
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	stuck := time.AfterFunc(20*time.Second, func() {
		t.Errorf("hutch %q does not end", args)
		cmd.Process.Kill()
	})
	defer stuck.Stop()
	var shown strings.Builder
	asked := 0
	for buf := make([]byte, 4096); ; {
		n, err := master.Read(buf) // ends with an error when nobody has the terminal any more
		shown.Write(buf[:n])
		if strings.Count(shown.String(), prompt) > asked {
			answer := "\x04" // the end of the input
			if asked < len(answers) {
				answer = answers[asked] + "\n"
			}
			asked++
			if _, err := master.WriteString(answer); err != nil {
				t.Error(err)
			}
		}
		if err != nil {
			break
		}
	}
	cmd.Wait()
	return strings.ReplaceAll(shown.String(), "\r\n", "\n"), cmd.ProcessState.ExitCode()
}

// On a terminal somebody is asked, and sees what would change.
func TestAskOnTerminal(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(dir+"/a", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		t.Helper()
		text, err := os.ReadFile(dir + "/a")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, c := range []struct {
		answers []string
		status  int
		want    string
	}{
		{[]string{"y"}, 0, "one\n3\n"},
		{[]string{"what", "", "YES"}, 0, "one\n3\n"},
		{[]string{"s"}, 0, "one\n3\n"},
		{[]string{"n"}, 1, "one\ntwo\n"},
		{nil, 1, "one\ntwo\n"},
		{[]string{"yy\x1b"}, 1, "one\ntwo\n"},
	} {
		write("one\ntwo\n")
		shown, status := typing(t, dir, c.answers, "--policy", "default", "edit", "a", "--old", "two", "--new", "3")
		if status != c.status || read() != c.want {
			t.Errorf("%q: status %d, %q\n%s", c.answers, status, read(), shown)
		}
		if !strings.Contains(shown, "May edit be done on /workspace/a?") || !strings.Contains(shown, "-two\n+3\n") {
			t.Errorf("%q: no question with a diff:\n%s", c.answers, shown)
		}
	}
	shown, _ := typing(t, dir, []string{"n"}, "--policy", "default", "write", "b\x1b[2J", "--content", "x\x1b[2J\n")
	if strings.Contains(shown, "\x1b[2J") {
		t.Errorf("a question moves the cursor: %q", shown)
	}
}

// One answer can be good for all that follows.
func TestAskForSession(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(dir+"/"+name, []byte("hay\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/rules.toml", []byte("default = \"allow\"\nread.rules = [{ pattern = \"?\", action = \"ask\" }]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]int{"y": 2, "s": 1} {
		shown, status := typing(t, dir, []string{answer, answer}, "--policy", "./rules.toml", "cat", "a", "b")
		if n := strings.Count(shown, "May read"); n != want || status != 0 || strings.Count(shown, "hay") != 2 {
			t.Errorf("%s: asked %d times, status %d:\n%s", answer, n, status, shown)
		}
	}
}
