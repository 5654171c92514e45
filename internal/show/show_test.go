package show

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
)

// recorded are the events of a file, one a line.
func recorded(t *testing.T, file string) (all []deepagent.Event) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var e deepagent.Event
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// golden compares with a file; UPDATE_GOLDEN writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got != string(want) {
		t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", file, err, got, want)
	}
}

func shown(t *testing.T, o *Options, events ...deepagent.Event) string {
	t.Helper()
	var b strings.Builder
	s := New(&b, o)
	for _, e := range events {
		if err := s.Event(e); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	return b.String()
}

func TestGolden(t *testing.T) {
	for _, name := range []string{"demo", "kinds"} {
		events := recorded(t, "testdata/"+name+".jsonl")
		golden(t, "testdata/"+name+".txt", shown(t, nil, events...))
		golden(t, "testdata/"+name+".color.txt", shown(t, &Options{Color: true}, events...))
		var tally Tally
		for _, e := range events {
			tally.Add(e)
		}
		golden(t, "testdata/"+name+".tally.txt", tally.Text())
	}
}

const hostile = "\x1b[2J\x1b]0;owned\a\u202eevil\u2066\x9b31m\r\b\x00\xff"

// harmless fails where something in text could move a cursor or turn text.
func harmless(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if hides(r, true) {
			t.Errorf("%q is in %q", r, text)
			return
		}
	}
}

// hostileEvents have it in every field.
func hostileEvents(t *testing.T) []deepagent.Event {
	call := &deepagent.Call{ID: hostile, Name: hostile, Title: hostile, Input: llm.Input(hostile)}
	data, err := json.Marshal(map[string]any{"path": hostile, "diff": "--- a\n+++ b\n+" + hostile + "\n-" + hostile + "\n" + hostile})
	if err != nil {
		t.Fatal(err)
	}
	input, err := json.Marshal(map[string]string{"command": hostile, "path": hostile})
	if err != nil {
		t.Fatal(err)
	}
	command := &deepagent.Call{ID: "1", Name: "execute", Input: llm.Input(input)}
	return []deepagent.Event{
		{Kind: deepagent.Begin, Text: hostile, Conversation: hostile},
		{Kind: deepagent.Text, Text: hostile}, {Kind: deepagent.Reasoning, Text: hostile},
		{Kind: deepagent.CallBegin, Call: call}, {Kind: deepagent.ToolCall, Call: call, Agent: hostile},
		{Kind: deepagent.Progress, Call: call, Text: hostile},
		{Kind: deepagent.ToolDone, Call: call, Outcome: &deepagent.Outcome{Text: hostile, Failed: true}},
		{Kind: deepagent.ToolDone, Call: call, Outcome: &deepagent.Outcome{Text: hostile, Data: data}},
		{Kind: deepagent.ToolCall, Call: command},
		{Kind: deepagent.Progress, Call: command, Text: hostile},
		{Kind: deepagent.ToolDone, Call: command, Outcome: &deepagent.Outcome{Text: hostile, Data: json.RawMessage(`{"exit_code":3}`)}},
		{Kind: deepagent.Todos, Todos: []deepagent.Todo{{Text: hostile, Status: hostile}}},
		{Kind: deepagent.Retrying, Retry: &deepagent.Retry{Reason: hostile, Void: true}},
		{Kind: deepagent.Compacted, Compaction: &deepagent.Compaction{File: hostile}},
		{Kind: deepagent.End, Error: hostile, Result: &deepagent.Result{Text: hostile}},
	}
}

// Nothing of what others say reaches the terminal as it is, whichever field it is in.
func TestHostileText(t *testing.T) {
	events := hostileEvents(t)
	harmless(t, shown(t, nil, events...))
	now := time.Unix(0, 0)
	var b strings.Builder
	s := New(&b, &Options{Live: true, Now: func() time.Time { return now }})
	tally := Tally{}
	for _, e := range events {
		s.Event(e)
		now = now.Add(time.Minute)
		s.Tick()
		tally.Add(e)
	}
	harmless(t, strings.ReplaceAll(b.String(), "\r\x1b[K", ""))
	tally.file(hostile)
	harmless(t, tally.Text())
}

// A line however long takes some room and no more, and so do many.
func TestMuchIsShortened(t *testing.T) {
	call := &deepagent.Call{ID: "1", Name: "execute", Input: llm.Input(`{"command":"` + strings.Repeat("x", 1<<20) + `"}`)}
	long := strings.Repeat(strings.Repeat("y", 10_000)+"\n", 1000)
	got := shown(t, nil,
		deepagent.Event{Kind: deepagent.ToolCall, Call: call},
		deepagent.Event{Kind: deepagent.ToolDone, Call: call, Outcome: &deepagent.Outcome{Text: long, Data: json.RawMessage(`{"exit_code":0}`)}})
	if len(got) > 4000 || !strings.Contains(got, "988 more lines") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}

// What is under way is shown on one line that is taken back.
func TestLive(t *testing.T) {
	now := time.Unix(0, 0)
	var b strings.Builder
	s := New(&b, &Options{Live: true, Width: func() int { return 20 }, Now: func() time.Time { return now }})
	step := func(want string) {
		t.Helper()
		if got := b.String(); got != want {
			t.Errorf("%q\n%q", got, want)
		}
		b.Reset()
	}
	call := &deepagent.Call{ID: "1", Name: "execute", Title: "Run", Input: `{"command":"make"}`}
	s.Event(deepagent.Event{Kind: deepagent.ToolCall, Call: call})
	step("• Run  make\n")
	s.Tick()
	step("") // not yet
	now = now.Add(2 * time.Second)
	s.Tick()
	step("⠹ 2s make")
	s.Event(deepagent.Event{Kind: deepagent.Progress, Call: call, Text: "one\rtwo\n  three is a long line\n"})
	step("\r\x1b[K⠹ 2s make:   three")
	s.Event(deepagent.Event{Kind: deepagent.ToolDone, Call: call, Outcome: &deepagent.Outcome{Text: "ok", Data: json.RawMessage(`{"exit_code":0}`)}})
	step("\r\x1b[K  | ok\n  exit 0 after 0s\n")
	s.Event(deepagent.Event{Kind: deepagent.Begin, Text: "m"})
	s.Event(deepagent.Event{Kind: deepagent.Text, Text: "half a line"})
	b.Reset()
	now = now.Add(time.Minute)
	s.Tick()
	step("") // text is in the way
	s.Alone(func() { b.WriteString("?") })
	step("\n?")
}

func TestSubject(t *testing.T) {
	for input, want := range map[string]string{
		`{"command":"a\nb"}`:                "a …",
		`{"path":"x","content":"y"}`:        "x",
		`{"pattern":"p","path":"d"}`:        "p in d",
		`{"agent":"research","prompt":"t"}`: "research: t",
		`{}`:                                "",
		`{"x":1}`:                           `{"x":1}`,
		`not JSON`:                          "not JSON",
	} {
		if got := Subject(deepagent.Call{Input: llm.Input(input)}); got != want {
			t.Errorf("%s: %q, want %q", input, got, want)
		}
	}
}
