package deepagent_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/job"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/tool"
)

// of is a step of the conversation that begins with a prompt.
func of(prompt string, s step) step { s.When = prompt; return s }

func task(agent, prompt string) call {
	return call{Name: "task", Input: llm.Input(`{"agent": "` + agent + `", "prompt": "` + prompt + `"}`)}
}

func TestTask(t *testing.T) {
	leaks(t)
	b := memory("a.txt", "hay\n")
	out := finished(t, nil, &deepagent.Deps{Backend: b},
		using(1, of("Do it.", step{Calls: []call{task("general-purpose", "Write b.")}})),
		using(2, of("Write b.", use("write_file", `{"path": "b.txt", "content": "straw\n"}`))),
		of("Write b.", step{Text: "b.txt is written.", Usage: &llm.Usage{Input: 7, Output: 3}}),
		of("Do it.", step{Expect: []string{"b.txt is written."}, Text: "done", Usage: &llm.Usage{Input: 20, Output: 10}}))
	if get(t, b, "b.txt") != "straw\n" {
		t.Error("the sub-agent works elsewhere")
	}
	if u := out.res.Usage; u.Total != (llm.Usage{Input: 30, Output: 13}) || u.Steps != 4 {
		t.Errorf("%+v", u)
	}
	var kinds []deepagent.Kind
	for _, e := range out.events {
		if e.Agent != "" {
			kinds = append(kinds, e.Kind)
			if e.Agent != "general-purpose" || e.Task != "call_1" {
				t.Errorf("%+v", e)
			}
		}
	}
	want := []deepagent.Kind{deepagent.Begin, deepagent.CallBegin, deepagent.Used, deepagent.ToolCall, deepagent.ToolDone, deepagent.Text}
	if len(kinds) < len(want) || !slices.Equal(kinds[:len(want)], want) || kinds[len(kinds)-1] != deepagent.End {
		t.Errorf("%v", kinds)
	}
	if len(out.res.Messages) != 4 {
		t.Errorf("the conversation of the sub-agent is in that of the agent: %d messages", len(out.res.Messages))
	}
}

// toolsOf are the names of the tools that a conversation is offered.
func toolsOf(t *testing.T, m *scripted.Model, prompt string) []string {
	t.Helper()
	for _, r := range m.Requests() {
		if strings.Contains(r.Messages[0].Content[0].Text, prompt) {
			var names []string
			for _, tl := range r.Tools {
				names = append(names, tl.Name)
			}
			return names
		}
	}
	t.Fatalf("no request of %q", prompt)
	return nil
}

// What the agent has not, no sub-agent has, and no sub-agent of a sub-agent.
func TestRights(t *testing.T) {
	own := func(name string, readOnly bool) tool.Tool {
		return tool.Func(tool.Tool{Name: name, ReadOnly: readOnly}, plain(func(struct{}) (string, error) { return "", nil }))
	}
	o := &deepagent.Options{
		Without: []string{"write_file"}, Nesting: 2,
		Tools:     []tool.Tool{own("deploy", false), own("weather", true)},
		SubAgents: []deepagent.SubAgent{{Name: "listed", Tools: []string{"ls", "write_file", "task", "deploy"}}},
	}
	a, m := made(t, o,
		of("Main", step{Calls: []call{task("general-purpose", "General"), task("research", "Research"), task("listed", "Listed")}}),
		of("General", say("x")), of("Research", say("x")),
		of("Listed", step{Calls: []call{task("general-purpose", "Deeper")}}), of("Deeper", say("x")), of("Listed", say("x")),
		of("Main", say("done")))
	out := play(t.Context(), a, "Main", nil)
	if out.err != nil || m.Left() != 0 {
		t.Fatalf("%v, %d left\n%s", out.err, m.Left(), out.list())
	}
	main, general, research := toolsOf(t, m, "Main"), toolsOf(t, m, "General"), toolsOf(t, m, "Research")
	listed, deeper := toolsOf(t, m, "Listed"), toolsOf(t, m, "Deeper")
	for _, names := range [][]string{general, research, listed, deeper} {
		for _, n := range names {
			if !slices.Contains(main, n) {
				t.Errorf("a sub-agent has %s, which the agent has not", n)
			}
		}
	}
	for _, n := range deeper {
		if !slices.Contains(listed, n) {
			t.Errorf("below the listed one there is %s", n)
		}
	}
	if strings.Join(listed, " ") != "ls write_todos read_todos task deploy" || strings.Join(research, " ") != "ls read_file glob grep write_todos read_todos weather" {
		t.Errorf("listed has %v, research %v", listed, research)
	}
	if slices.Contains(deeper, "task") {
		t.Error("three deep")
	}
}

// One deep is all there is where nobody says otherwise.
func TestNesting(t *testing.T) {
	for nesting, want := range map[int][]bool{0: {true, false}, -1: {false}} {
		steps := []step{of("Main", step{Calls: []call{task("general-purpose", "Sub")}}), of("Sub", say("x")), of("Main", say("done"))}
		if nesting < 0 {
			steps = []step{say("done")}
		}
		a, m := made(t, &deepagent.Options{Nesting: nesting}, steps...)
		if _, err := a.Run(t.Context(), "Main", nil); err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := slices.Contains(toolsOf(t, m, []string{"Main", "Sub"}[i]), "task"); got != w {
				t.Errorf("nesting %d, depth %d: task is there: %t", nesting, i, got)
			}
		}
	}
}

func TestWrap(t *testing.T) {
	b := memory("a.txt", "hay\n")
	o := &deepagent.Options{SubAgents: []deepagent.SubAgent{
		{Name: "reader", Wrap: func(_ context.Context, b hutch.Backend) (hutch.Backend, error) { return composite.ReadOnly(b), nil }},
		{Name: "broken", Wrap: func(context.Context, hutch.Backend) (hutch.Backend, error) { return nil, errors.New("no rules") }},
	}}
	out := finished(t, o, &deepagent.Deps{Backend: b},
		of("Do it.", step{Calls: []call{task("reader", "Write.")}}),
		of("Write.", use("write_file", `{"path": "b.txt", "content": "x"}`)), of("Write.", say("pity")),
		of("Do it.", step{Calls: []call{task("broken", "Write.")}}),
		of("Do it.", step{Calls: []call{task("nobody", "Write.")}}),
		of("Do it.", say("done")))
	if _, err := b.Stat(t.Context(), "b.txt"); err == nil {
		t.Error("it was written")
	}
	n := len(out.of(deepagent.ToolDone))
	has(t, out.done(t, n-2).Text, "Error: no rules")
	has(t, out.done(t, n-1).Text, `there is no sub-agent "nobody"`)
}

func TestTasksSideBySide(t *testing.T) {
	leaks(t)
	var meet sync.WaitGroup
	meet.Add(3)
	wait := tool.Func(tool.Tool{Name: "meet"}, plain(func(struct{}) (string, error) { meet.Done(); meet.Wait(); return "met", nil }))
	steps := []step{of("Do it.", step{Calls: []call{task("general-purpose", "One"), task("general-purpose", "Two"), task("general-purpose", "Three")}})}
	for _, who := range []string{"One", "Two", "Three"} {
		steps = append(steps, of(who, use("meet", "{}")), of(who, say("met "+who)))
	}
	out := finished(t, &deepagent.Options{Tools: []tool.Tool{wait}}, nil, append(steps, of("Do it.", step{Expect: []string{"met One", "met Two", "met Three"}, Text: "done"}))...)
	results := out.res.Messages[2].Content
	for i, who := range []string{"One", "Two", "Three"} {
		has(t, results[i].Result.Text, "met "+who)
	}
}

func TestSubAgentsFail(t *testing.T) {
	steps := []step{of("Do it.", step{Calls: []call{task("lazy", "Chores")}})}
	for range 4 {
		steps = append(steps, of("Chores", step{Text: "on my way", Calls: []call{{Name: "ls", Input: "{}"}}}))
	}
	o := &deepagent.Options{SubAgents: []deepagent.SubAgent{{Name: "lazy", MaxSteps: 2}}}
	a, _ := made(t, o, append(steps, of("Do it.", say("done")))...)
	out := play(t.Context(), a, "Do it.", nil)
	if out.err != nil {
		t.Fatal(out.err)
	}
	last := out.of(deepagent.ToolDone)
	has(t, last[len(last)-1].Outcome.Text, "did not finish", "budget", "2 steps", "It said last", "on my way")

	o.MaxSteps = 3 // of the whole run
	o.SubAgents[0].MaxSteps = 0
	a, _ = made(t, o, append(steps, of("Do it.", say("done")))...)
	if out = play(t.Context(), a, "Do it.", nil); !errors.Is(out.err, deepagent.ErrBudget) || out.res.Usage.Steps != 3 {
		t.Errorf("%v, %+v", out.err, out.res)
	}
	whole(t, out.res.Messages)

	a, _ = made(t, nil, of("Do it.", step{Calls: []call{task("research", "Chores")}}), of("Chores", step{Error: &scripted.Failure{Kind: "quota", Text: "no credit"}}), of("Do it.", say("done")))
	out = play(t.Context(), a, "Do it.", nil)
	has(t, out.done(t, 0).Text, "did not finish", "no credit")
}

func TestCancelInSubAgent(t *testing.T) {
	leaks(t)
	s := testroom.Jail(t)
	a, _ := made(t, nil,
		of("Do it.", step{Calls: []call{task("general-purpose", "Sub")}}),
		of("Sub", use("execute", `{"command": "echo up; sleep 600"}`)), of("Do it.", say("no")))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for e, err := range a.Stream(ctx, "Do it.", &deepagent.Deps{Backend: s}) {
		if e.Kind == deepagent.Progress {
			cancel()
		}
		if e.Kind == deepagent.End && e.Agent == "" && (!errors.Is(err, context.Canceled) || e.Result.Ending != deepagent.Cancelled) {
			t.Errorf("%v", err)
		}
	}
}

// A sub-agent's question is asked as its own.
func TestSubAgentAsks(t *testing.T) {
	var asked []deepagent.Question
	o := &deepagent.Options{Ask: []string{"write_file"}, Approve: func(_ context.Context, q deepagent.Question) (deepagent.Answer, error) {
		asked = append(asked, q)
		return deepagent.Answer{}, nil
	}}
	b := memory()
	finished(t, o, &deepagent.Deps{Backend: b}, of("Do it.", step{Calls: []call{task("general-purpose", "Sub")}}),
		of("Sub", use("write_file", `{"path": "x", "content": "x"}`)), of("Sub", say("pity")), of("Do it.", say("done")))
	if len(asked) != 1 || asked[0].Agent != "general-purpose" || asked[0].Call.Name != "write_file" {
		t.Errorf("%+v", asked)
	}
	if _, err := b.Stat(t.Context(), "x"); err == nil {
		t.Error("it was written")
	}
}

// What a sub-agent has left in the background ends with it.
func TestSubAgentLeavesNothing(t *testing.T) {
	s := testroom.Jail(t)
	finished(t, nil, &deepagent.Deps{Backend: s},
		of("Do it.", step{Calls: []call{task("general-purpose", "Start.")}}),
		of("Start.", use("run_in_background", `{"command": "while :; do echo x >> beat; sleep 0.02; done"}`)),
		of("Start.", use("execute", `{"command": "until [ -s beat ]; do sleep 0.02; done"}`)),
		of("Start.", say("started")),
		of("Do it.", use("execute", `{"command": "a=$(wc -c < beat); sleep 0.3; echo grown by $(($(wc -c < beat) - a))"}`)),
		of("Do it.", step{Expect: []string{"grown by 0"}, Text: "done"}))
}

// Commands of Deps.Jobs outlive the run, and belong to whoever gave them.
func TestJobsOutlive(t *testing.T) {
	s := testroom.Jail(t)
	jobs, err := job.New(s, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	finished(t, nil, &deepagent.Deps{Backend: s, Jobs: jobs}, use("run_in_background", `{"command": "sleep 600"}`), say("done"))
	if all := jobs.List(); len(all) != 1 || !all[0].Running {
		t.Errorf("%+v", all)
	}
}
