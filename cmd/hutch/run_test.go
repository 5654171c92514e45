//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
)

// ran is what came of hutch run.
type ran struct {
	out, err string
	status   int
}

// agent runs hutch with a fake model, and without a terminal.
func agent(t *testing.T, f *fakeModel, dir string, args ...string) ran {
	t.Helper()
	return outcome(t, agentCmd(t, f, dir, args...))
}

func agentCmd(t *testing.T, f *fakeModel, dir string, args ...string) *exec.Cmd {
	cmd := program(t, dir, args...)
	cmd.Env = f.environ(t, cmd.Env)
	return cmd
}

func outcome(t *testing.T, cmd *exec.Cmd) ran {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	status := exitStatus(t, cmd.Run())
	return ran{out.String(), errs.String(), status}
}

func (r ran) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d", r.status, status)
	}
	for _, text := range texts {
		if !strings.Contains(r.out+r.err, text) {
			t.Errorf("nothing of %q", text)
		}
	}
	if t.Failed() {
		t.Logf("stdout:\n%s\nstderr:\n%s", r.out, r.err)
	}
}

func write(path, content string) call {
	return call{"write_file", map[string]any{"path": path, "content": content}}
}

func execute(command string) call { return call{"execute", map[string]any{"command": command}} }

// An agent writes and runs with a model that speaks over HTTP; what it did is
// shown, summed up and kept, and can be gone on with.
func TestRun(t *testing.T) {
	needJail(t)
	f := newFakeModel(t,
		says{text: "I write.", calls: []call{write("a.sh", "echo hay $((6*7))\n")}},
		says{calls: []call{execute("sh a.sh; exit 3")}},
		says{text: "It says hay 42."},
		says{text: "As I said."})
	dir := t.TempDir()
	got := agent(t, f, dir, "run", "--model", "openai:fake", "--yes", "do", "it")
	got.want(t, 0, "openai:fake", "I write.", "• Write file  a.sh", "+echo hay", "• Run command  sh a.sh; exit 3",
		"| hay 42", "exit 3 after", "It says hay 42.", "changed: /workspace/a.sh", "3 steps, 1 command (1 failed), 3000 tokens read, 30 written", "run --resume=")
	if strings.ContainsRune(got.out+got.err, 0x1b) {
		t.Errorf("there are colours in a pipe: %q", got.out)
	}
	if strings.Contains(got.out, "changed:") {
		t.Error("the summary is not on the standard error")
	}
	if !strings.Contains(f.last(), "hay 42") || !strings.Contains(f.requests()[0], "do it") {
		t.Errorf("the model was not told: %s", f.last())
	}
	if data, err := os.ReadFile(dir + "/a.sh"); err != nil || string(data) != "echo hay $((6*7))\n" {
		t.Errorf("%q, %v", data, err)
	}
	agent(t, f, dir, "run", "--model", "openai:fake", "--yes", "--resume", "and then?").want(t, 0, "As I said.")
	if last := f.last(); !strings.Contains(last, "do it") || !strings.Contains(last, "and then?") {
		t.Errorf("the conversation was not gone on with: %s", last)
	}
	agent(t, f, dir, "run", "--model", "openai:fake", "--yes", "--resume=nope", "x").want(t, 1, `there is no conversation "nope"`)
	agent(t, f, t.TempDir(), "run", "--model", "openai:fake", "--yes", "--resume", "x").want(t, 1, "there is no conversation to go on with")
}

// With --json there are events on the standard output, and nothing else.
func TestRunJSON(t *testing.T) {
	f := newFakeModel(t, says{text: "I write.", calls: []call{write("a", "b\n")}}, says{text: "Done."})
	got := agent(t, f, t.TempDir(), "--backend", "state:ws.json", "--json", "run", "--model", "openai:fake", "--yes", "x")
	got.want(t, 0)
	var kinds []deepagent.Kind
	for line := range strings.Lines(got.out) {
		var e deepagent.Event
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		kinds = append(kinds, e.Kind)
	}
	if n := len(kinds); n < 6 || kinds[0] != deepagent.Begin || kinds[n-1] != deepagent.End {
		t.Errorf("%v", kinds)
	}
	if got.err != "" {
		t.Errorf("%q", got.err)
	}
}

// Where nobody can be asked nothing begins, unless somebody has said what holds.
func TestRunNobodyToAsk(t *testing.T) {
	f := newFakeModel(t)
	agent(t, f, t.TempDir(), "run", "--model", "openai:fake", "x").want(t, 2, "nobody can be asked", "--policy", "--yes")
	if len(f.requests()) > 0 {
		t.Error("the model was asked")
	}
}

// A policy that asks, with nobody there, refuses, and the model sees a sentence;
// --yes says yes; what is denied stays denied.
func TestRunPolicy(t *testing.T) {
	needJail(t)
	answers := []says{{calls: []call{write("a", "b\n"), write(".env", "b\n")}}, {text: "I see."}}
	for _, c := range []struct {
		args  []string
		a     bool
		model string
	}{
		{[]string{"--policy", "default"}, false, `There is no tool \"write_file\"`},
		{[]string{"--policy", "read-only"}, false, `There is no tool \"write_file\"`},
		{[]string{"--policy", "strict", "--yes"}, true, "Permission denied"},
		{[]string{"--yes"}, true, "Permission denied"},
		{[]string{"--policy", "none"}, true, "to /workspace/.env"},
	} {
		f, dir := newFakeModel(t, answers...), t.TempDir()
		agent(t, f, dir, append([]string{"run", "--model", "openai:fake", "x"}, c.args...)...).want(t, 0, "I see.")
		if !strings.Contains(f.last(), c.model) {
			t.Errorf("%q: the model is not told %q: %s", c.args, c.model, f.last()[strings.Index(f.last(), `"messages"`):])
		}
		if _, err := os.Stat(dir + "/a"); (err == nil) != c.a {
			t.Errorf("%q: a: %v", c.args, err)
		}
		if _, err := os.Stat(dir + "/.env"); (err == nil) != (c.args[len(c.args)-1] == "none") {
			t.Errorf("%q: .env: %v", c.args, err)
		}
	}
}

// Audit and limits hold for the agent as for every verb.
func TestRunIsAuditedAndLimited(t *testing.T) {
	f, dir := newFakeModel(t, says{calls: []call{write("a", "bb\n")}}, says{text: "Well."}), t.TempDir()
	log := filepath.Join(t.TempDir(), "log")
	agent(t, f, dir, "--backend", "state:ws.json", "--audit", log, "--limit", "file_bytes=1", "run", "--model", "openai:fake", "--yes", "x").want(t, 0, "Well.")
	data, err := os.ReadFile(log)
	if err != nil || !bytes.Contains(data, []byte(`"write"`)) {
		t.Errorf("%v: %s", err, data)
	}
	if !strings.Contains(f.last(), "limit") && !strings.Contains(f.last(), "large") {
		t.Errorf("%s", f.last())
	}
}

func TestRunBudget(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(t.TempDir(), "config")
	text := "model = 'openai:fake'\n[prices.'openai:fake']\ninput = 2000.0\noutput = 0.5\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func() *fakeModel {
		return newFakeModel(t, says{calls: []call{write("a", "b")}}, says{calls: []call{write("a", "c")}}, says{text: "ok"})
	}
	state := []string{"--backend", "state:ws.json", "run", "--yes", "x"}
	agent(t, f(), dir, append(state, "--model", "openai:fake", "--max-steps", "1")...).want(t, 3, "budget", "--resume=")
	agent(t, f(), dir, append(state, "--model", "openai:fake", "--max-tokens", "1500")...).want(t, 3, "budget")
	agent(t, f(), dir, append(state, "--model", "openai:fake", "--max-cost", "1")...).want(t, 2, `[prices."openai:fake"]`)
	agent(t, f(), dir, append(state, "--config", config, "--max-cost", "3")...).want(t, 3, "budget", "cost 4.0000")
}

// What is wrong with the call of the program is said before anything begins.
func TestRunUsage(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{"ANTHROPIC_API_KEY", []string{"--backend", "local:.", "run", "--yes", "x"}},
		{"no conversation to go on with", []string{"run", "--model", "demo", "--resume", "x"}},
		{"this backend runs none", []string{"--backend", "state:ws.json", "run", "--model", "demo", "x"}},
		{"does not name a model", []string{"run", "--yes", "--model", "nope", "x"}},
		{"--effort", []string{"run", "--effort", "much", "x"}},
		{"--max-steps", []string{"run", "--max-steps", "0", "x"}},
		{"must not be below 0", []string{"run", "--max-cost", "NaN", "x"}},
		{"prompt is empty", []string{"run", "--yes", " "}},
	} {
		cmd := program(t, t.TempDir(), c.args...)
		cmd.Env = noKeys(t, cmd.Env)
		outcome(t, cmd).want(t, 2, c.want)
	}
}

// Where the sandbox cannot hold commands to the rules the run does not begin, unless
// that is accepted.
func TestRunAccept(t *testing.T) {
	dir := t.TempDir()
	args := []string{"run", "--isolation", "unconfined", "--yes", "--model", "openai:fake", "x"}
	f := newFakeModel(t)
	agent(t, f, dir, args...).want(t, 1, "commands cannot be kept to the rules", "--accept read,write")
	if len(f.requests()) > 0 {
		t.Error("the model was asked")
	}
	agent(t, f, dir, append(args, "--accept", "read,write")...).want(t, 0, "nothing more to say")
}

func TestPricesInConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config")
	for text, want := range map[string]string{
		"[prices.m]\ninput = -1.0":                                "a price is not below 0",
		"[prices.m]\ncache_read = 1.0":                            "neither input nor output",
		"[prices.m]\ninput = nan":                                 "a price is not below 0",
		"[prices.m]\nimput = 1.0":                                 "unknown key",
		"[prices.m]\ninput = 2.0\noutput = 3.0\ncache_read = 0.5": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(file)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := c.price("m"); *p != (deepagent.Price{Input: 2, Output: 3, CacheRead: 0.5, CacheWrite: 2}) {
			t.Errorf("%+v", p)
		}
		if c.price("n") != nil {
			t.Error("a model without a price has one")
		}
	}
}

// The prompt can come from the standard input.
func TestRunStdin(t *testing.T) {
	f := newFakeModel(t)
	for _, args := range [][]string{{"-"}, nil} {
		cmd := agentCmd(t, f, t.TempDir(), append([]string{"--backend", "state:ws.json", "run", "--yes", "--model", "openai:fake"}, args...)...)
		cmd.Stdin = strings.NewReader("count the hares\n")
		outcome(t, cmd).want(t, 0, "nothing more to say")
		if !strings.Contains(f.last(), "count the hares") {
			t.Errorf("%s", f.last())
		}
	}
}

// The demonstration says what it is, and what it shows is done: the script that
// counts wrongly fails, and does not when it is mended.
func TestRunDemo(t *testing.T) {
	needJail(t)
	dir, tmp := t.TempDir(), t.TempDir()
	cmd := program(t, dir, "run", "Write a script that counts words, and prove that it works")
	cmd.Env = append(noKeys(t, cmd.Env), "TMPDIR="+tmp)
	got := outcome(t, cmd)
	got.want(t, 0, "no language model reads your prompt", "This is a script", "[>] Write count.sh", "exit 1 after", "| text.txt: 2 words",
		"-n=$(wc -l", "+n=$(wc -w", "| text.txt: 10 words", "exit 0 after", "the same by another way", "[x] Prove it",
		"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OLLAMA_HOST", "--model")
	if !strings.HasPrefix(got.out, "This is a demonstration") {
		t.Errorf("%q", got.out)
	}
	for _, d := range []string{dir, tmp} {
		if left, _ := os.ReadDir(d); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	}
	cmd = program(t, dir, "--json", "run", "x")
	cmd.Env = noKeys(t, cmd.Env)
	if got := outcome(t, cmd); got.status != 0 || !strings.HasPrefix(got.out, `{"kind":"begin","text":"scripted:demo"`) {
		t.Errorf("with --json %+v", got)
	}
	cmd = program(t, dir, "--backend", "local:"+dir, "run", "--model", "demo", "x")
	cmd.Env = noKeys(t, cmd.Env)
	outcome(t, cmd).want(t, 0, "exit 0 after")
	if _, err := os.Stat(dir + "/count.sh"); err != nil {
		t.Error(err)
	}
}
