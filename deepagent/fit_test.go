package deepagent_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

func manyLines(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "line %d of many, with some words\n", i+1)
	}
	return s.String()
}

var keptIn = regexp.MustCompile(`all of it is in (\S+)\)`)

func TestLargeResult(t *testing.T) {
	text := manyLines(5000)
	big := ownTool("big", func(context.Context) (string, error) { return text, nil })
	b := memory()
	out := finished(t, &deepagent.Options{Tools: big}, &deepagent.Deps{Backend: b},
		use("big", "{}"),
		step{Take: map[string]string{"file": `all of it is in (\S+)\)`}, Calls: []call{{Name: "read_file", Input: `{"path": "{{file}}", "offset": 4998}`}, {Name: "grep", Input: `{"pattern": "line 3000 ", "path": "{{file}}", "output_mode": "content"}`}}},
		step{Expect: []string{"line 4999 of", "line 3000 of"}, Text: "done"})
	got := out.done(t, 0)
	has(t, got.Text, "line 1 of", "line 5000 of")
	if len(got.Text) > 10_000 || len(got.Kept) != 1 {
		t.Errorf("%d bytes, kept %v", len(got.Text), got.Kept)
	}
	if get(t, b, got.Kept[0]) != text {
		t.Error("what is kept is not what it was")
	}
}

func TestLargeResultForCommands(t *testing.T) {
	s := testroom.Jail(t)
	big := ownTool("big", func(context.Context) (string, error) { return manyLines(5000), nil })
	out := finished(t, &deepagent.Options{Tools: big}, &deepagent.Deps{Backend: s},
		use("big", "{}"),
		step{Take: map[string]string{"file": keptIn.String()}, Calls: []call{{Name: "execute", Input: `{"command": "wc -l < {{file}}"}`}}},
		step{Expect: []string{"5000"}, Text: "done"})
	has(t, out.done(t, 0).Kept[0], "/workspace/.hutch/out/big-")
}

// A file is in the workspace already: reading it keeps no second copy.
func TestLargeFile(t *testing.T) {
	b := memory("big.txt", manyLines(5000))
	out := finished(t, &deepagent.Options{ResultTokens: 500}, &deepagent.Deps{Backend: b}, use("read_file", `{"path": "big.txt"}`), say("done"))
	got := out.done(t, 0)
	if has(t, got.Text, "line 1 of", "smaller parts"); len(got.Text) > 2200 || len(got.Kept) != 0 {
		t.Errorf("%d bytes, kept %v", len(got.Text), got.Kept)
	}
	if _, err := b.Stat(t.Context(), ".hutch"); err == nil {
		t.Error("a copy was kept")
	}
}

// Where a rule denies it, the model is told, and nobody is asked.
func TestLargeResultDenied(t *testing.T) {
	set := policy.Default()
	check, err := set.Checker(&policy.CheckerOptions{Ask: func(context.Context, policy.Question) (policy.Answer, error) {
		t.Error("somebody was asked")
		return policy.Answer{Scope: policy.Once}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	inner := memory()
	g, err := guard.New(t.Context(), inner, check, nil)
	if err != nil {
		t.Fatal(err)
	}
	big := ownTool("big", func(context.Context) (string, error) { return manyLines(5000), nil })
	out := finished(t, &deepagent.Options{Tools: big}, &deepagent.Deps{Backend: g}, use("big", "{}"), say("done"))
	has(t, out.done(t, 0).Text, "line 1 of", "line 5000 of", "could not be kept in a file: writing there is not permitted")
	o := &deepagent.Options{Tools: big, Console: &tool.Options{Keep: inner}}
	out = finished(t, o, &deepagent.Deps{Backend: g}, use("big", "{}"), say("done"))
	if got := out.done(t, 0); len(got.Kept) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestMedia(t *testing.T) {
	b := memory()
	var steps []step
	for i := range 5 {
		name := fmt.Sprintf("%d.png", i)
		put(t, b, name, "\x89PNG\r\n\x1a\n"+strings.Repeat("x", 100))
		steps = append(steps, use("read_file", `{"path": "`+name+`"}`))
	}
	a, m := made(t, &deepagent.Options{Console: &tool.Options{Images: true}}, append(steps, say("done"))...)
	if _, err := a.Run(t.Context(), "Look.", &deepagent.Deps{Backend: b}); err != nil {
		t.Fatal(err)
	}
	for i, req := range m.Requests() {
		shown, gone := 0, 0
		for _, m := range req.Messages {
			for _, b := range m.Content {
				if b.Result != nil {
					shown += len(b.Result.Media)
					gone += strings.Count(b.Result.Text, "not shown any more")
				}
			}
		}
		if shown != min(i, 3) || gone != max(0, i-3) {
			t.Errorf("request %d shows %d images, %d are gone", i, shown, gone)
		}
	}
}

func reported(input int64) *llm.Usage { return &llm.Usage{Input: input, Output: 10} }

func TestCompaction(t *testing.T) {
	b := memory("a.txt", manyLines(100), "b.txt", manyLines(100), "c.txt", manyLines(100))
	o := &deepagent.Options{ContextTokens: 10_000}
	a, m := made(t, o,
		use("write_todos", `{"todos": [{"text": "read all", "status": "in_progress"}]}`),
		step{Calls: []call{{Name: "read_file", Input: `{"path": "a.txt"}`}}, Usage: reported(3_000)},
		step{Calls: []call{{Name: "read_file", Input: `{"path": "b.txt"}`}}, Usage: reported(6_000)},
		step{Calls: []call{{Name: "read_file", Input: `{"path": "c.txt"}`}}, Usage: reported(8_990)},
		step{When: "You write down the state", Text: "- a and b were read"},
		step{Expect: []string{"line 100 of many"}, Text: "All read."})
	out := play(t.Context(), a, "Read all files.", &deepagent.Deps{Backend: b, Conversation: "talk"})
	if out.err != nil || m.Left() != 0 {
		t.Fatalf("%v, %d left", out.err, m.Left())
	}
	c := out.of(deepagent.Compacted)
	if len(c) != 1 || c[0].Compaction.File != ".hutch/history/talk.jsonl" || c[0].Compaction.Before < 9_000 || c[0].Compaction.After > 8_000 {
		t.Fatalf("%+v", c[0].Compaction)
	}
	reqs := m.Requests()
	last := reqs[len(reqs)-1].Messages
	whole(t, last)
	has(t, last[0].Content[0].Text, "- a and b were read", ".hutch/history/talk.jsonl", "[>] read all", "Read all files.")
	summarised := reqs[len(reqs)-2]
	has(t, summarised.Messages[0].Content[0].Text, "user: Read all files.", "call of read_file: {\"path\": \"a.txt\"}", "line 1 of many")
	if len(summarised.Tools) != 0 || summarised.Choice != llm.None {
		t.Error("the summary may call tools")
	}
	history := strings.Split(strings.TrimSpace(get(t, b, ".hutch/history/talk.jsonl")), "\n")
	if len(history)+len(last)-1 != 9 { // the prompt, four calls, four results
		t.Errorf("%d messages in the history, %d in the conversation", len(history), len(last))
	}
	has(t, history[0], "Read all files.")
}

// The whole history stays, however often it is made shorter.
func TestCompactionTwice(t *testing.T) {
	b := memory("a.txt", manyLines(100))
	o := &deepagent.Options{ContextTokens: 10_000}
	var steps []step
	for i := range 6 {
		steps = append(steps, step{Calls: []call{{Name: "read_file", Input: llm.Input(fmt.Sprintf(`{"path": "a.txt", "offset": %d}`, i))}}, Usage: reported(9_500)})
		if i > 0 {
			steps = append(steps, step{When: "You write down the state", Text: "- reading"})
		}
	}
	steps = append(steps, say("done"))
	a, _ := made(t, o, steps...)
	out := play(t.Context(), a, "Work.", &deepagent.Deps{Backend: b, Conversation: "talk"})
	if out.err != nil {
		t.Fatal(out.err)
	}
	whole(t, out.res.Messages)
	all := get(t, b, ".hutch/history/talk.jsonl")
	for i := range 4 {
		has(t, all, fmt.Sprintf(`"offset":%d}`, i))
	}
}

// A model that says that it is too long is believed.
func TestTooLong(t *testing.T) {
	tooLong := step{Error: &scripted.Failure{Kind: "too long"}}
	sum := step{When: "You write down the state", Text: "- read"}
	out := finished(t, nil, &deepagent.Deps{Backend: memory("a.txt", manyLines(100))}, use("read_file", `{"path": "a.txt"}`), use("read_file", `{"path": "a.txt", "offset": 1}`), tooLong, sum, tooLong, sum, say("done"))
	if n := len(out.of(deepagent.Compacted)); n != 2 {
		t.Errorf("%d times shorter", n)
	}
	a, _ := made(t, nil, tooLong)
	if _, err := a.Run(t.Context(), "Work.", nil); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a prompt that is too long: %v", err)
	}
}

func TestHistoryDenied(t *testing.T) {
	set := policy.ReadOnly()
	check, err := set.Checker(nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(t.Context(), memory("a.txt", manyLines(100)), check, &guard.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, m := made(t, nil, say("done"))
	if _, err := a.Run(t.Context(), "Work.", &deepagent.Deps{Backend: g}); err != nil {
		t.Fatal(err)
	}
	if names := toolsOf(t, m, "Work."); slices.Contains(names, "write_memory") || !slices.Contains(names, "read_memory") {
		t.Errorf("tools that can do nothing are offered: %v", names)
	}
	a, m = made(t, &deepagent.Options{ContextTokens: 10_000}, use("ls", "{}"), step{Calls: []call{{Name: "read_file", Input: `{"path": "a.txt"}`}}, Usage: reported(9_900)}, say("- read"), say("done"))
	var d hutch.Backend = g
	out := play(t.Context(), a, "Work.", &deepagent.Deps{Backend: d})
	if out.err != nil {
		t.Fatal(out.err)
	}
	has(t, m.Requests()[3].Messages[0].Content[0].Text, "could not be kept in full: writing there is not permitted")
}
