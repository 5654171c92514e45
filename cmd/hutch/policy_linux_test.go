package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

// prompt is how every question ends.
const prompt = "n no [n]: "

// typing runs hutch with a terminal at which answers are typed, one for each
// question, and returns what was shown and the exit status.
func typing(t *testing.T, dir string, answers []string, args ...string) (string, int) {
	t.Helper()
	master, slave := terminal(t)
	cmd := program(t, dir, args...)
	cmd.Env = append(cmd.Env, "TERM=xterm", "NO_COLOR=1", "HOME="+dir+"/home", "XDG_CONFIG_HOME=")
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
		{[]string{"YES"}, 0, "one\n3\n"},
		{[]string{"what"}, 1, "one\ntwo\n"},
		{[]string{""}, 1, "one\ntwo\n"},
		{[]string{"s"}, 0, "one\n3\n"},
		{[]string{"n"}, 1, "one\ntwo\n"},
		{[]string{"a"}, 1, "one\ntwo\n"}, // where the answers would be in the workspace
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

// rule writes the rules of a test, next to the workspace and not in it.
func rule(t *testing.T, dir, text string) (ws, conf string) {
	t.Helper()
	ws, conf = dir+"/ws", dir+"/conf.toml"
	for name, text := range map[string]string{conf: text, ws + "/a": "hay\n", ws + "/b": "hay\n"} {
		if err := os.MkdirAll(ws, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return ws, conf
}

const askToRead = `remember = "book"
policy = "mine"
[policies.mine]
default = "allow"
read.rules = [{ pattern = "d", action = "deny" }, { pattern = "?", action = "ask" }]
`

// What is always allowed is that very thing, in that workspace under that policy,
// and until it is forgotten.
func TestAskForEver(t *testing.T) {
	dir := t.TempDir()
	ws, conf := rule(t, dir, askToRead)
	typed := func(ws, answer string, want int, args ...string) string {
		t.Helper()
		shown, status := typing(t, ws, []string{answer}, append([]string{"--config", conf}, args...)...)
		if n := strings.Count(shown, "May "); n != want || (status == 0) != (want == 0 || answer != "n") {
			t.Errorf("%q: asked %d times, status %d:\n%s", args, n, status, shown)
		}
		return shown
	}
	if shown := typed(ws, "a", 1, "cat", "a"); !strings.Contains(shown, "always: read of this name, ") {
		t.Errorf("not said what always is:\n%s", shown)
	}
	typed(ws, "n", 0, "cat", "a")
	typed(dir, "n", 0, "--backend", "local:ws", "cat", "a") // the same workspace
	typed(ws, "n", 1, "cat", "b")
	other, _ := rule(t, dir+"/other", askToRead)
	typed(other, "n", 1, "cat", "a")
	typed(ws, "n", 1, "--policy", "strict", "cat", "a")
	listed := typed(ws, "n", 0, "policy", "ls")
	_, listed, ok := strings.Cut(listed, "always:\n  ")
	id, what, _ := strings.Cut(listed, "  ")
	if !ok || !strings.HasPrefix(what, "read of a  (mine, local:"+ws+")\n") {
		t.Errorf("not shown: %q", listed)
	}
	if info, err := os.Stat(dir + "/book"); err != nil || info.Mode() != 0o600 {
		t.Errorf("the answers: %v, %v", info, err)
	}
	typed(ws, "n", 0, "policy", "forget", id)
	typed(ws, "n", 1, "cat", "a")
}

// A command is always allowed as it is, and never with variables of its own.
func TestAskForEverExec(t *testing.T) {
	needJail(t)
	ws, conf := rule(t, t.TempDir(), strings.Replace(askToRead, "read.rules", "execute.default = \"ask\"\nread.rules", 1))
	for i, c := range []struct {
		args string
		asks bool
	}{
		{"exec -c true", true}, {"exec -c true", false}, {"exec -- true", true}, {"exec -C sub -c true", true}, {"exec -c true;true", true},
		{"exec --env A=secret -c true", true}, {"exec --env A=secret -c true", true},
	} {
		if err := os.MkdirAll(ws+"/sub", 0o755); err != nil {
			t.Fatal(err)
		}
		shown, _ := typing(t, ws, []string{"a"}, append([]string{"--config", conf}, strings.Fields(c.args)...)...)
		if strings.Contains(shown, "May this") != c.asks {
			t.Errorf("%d, %s: asked %t:\n%s", i, c.args, !c.asks, shown)
		}
	}
	if text, err := os.ReadFile(conf[:len(conf)-len("conf.toml")] + "book"); err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("remembered: %v\n%s", err, text)
	}
}

// Without a file that is named, the answers are with the user's configurations.
func TestAskForEverAtHome(t *testing.T) {
	dir := t.TempDir()
	ws, conf := rule(t, dir, strings.Replace(askToRead, "remember", "#", 1))
	if err := os.MkdirAll(ws+"/home", 0o700); err != nil { // of typing
		t.Fatal(err)
	}
	if shown, _ := typing(t, ws, nil, "--config", conf, "cat", "a"); strings.Contains(shown, "always") {
		t.Errorf("always is offered where the workspace has the answers in it:\n%s", shown)
	}
	if err := os.Mkdir(dir+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		shown, status := typing(t, dir+"/sub", []string{"a"}, "--config", conf, "--backend", "state:../f.json", "write", "x", "--content", "x", "--policy", "default")
		if status != 0 || strings.Count(shown, "May write") != want {
			t.Errorf("status %d:\n%s", status, shown)
		}
	}
	if _, err := os.Stat(dir + "/sub/home/.config/hutch/remembered"); err != nil {
		t.Error(err)
	}
}
