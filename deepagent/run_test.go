package deepagent_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func TestRun(t *testing.T) {
	leaks(t)
	b := memory("src/app.py", "print('hello')\n")
	out := finished(t, nil, &deepagent.Deps{Backend: b},
		using(1, use("write_todos", `{"todos": [{"text": "read", "status": "in_progress"}, {"text": "change", "status": "pending"}]}`)),
		step{Reasoning: "Let me see.", Text: "I look at it.", Calls: []call{{Name: "read_file", Input: `{"path": "src/app.py"}`}}, Usage: &llm.Usage{Input: 100, Output: 10}},
		step{
			Expect: []string{"print('hello')"}, Take: map[string]string{"hash": `1:(\w+)\|`},
			Calls: []call{{Name: "hashline_edit", Input: `{"path": "src/app.py", "start_line": 1, "start_hash": "{{hash}}", "new_content": "print('bye')"}`}},
			Usage: &llm.Usage{Output: 1},
		},
		step{Text: "It says bye now.", Usage: &llm.Usage{Input: 200, Output: 20}},
	)
	if got := get(t, b, "src/app.py"); got != "print('bye')\n" {
		t.Errorf("the file is %q", got)
	}
	if r := out.res; r.Text != "It says bye now." || r.Ending != deepagent.Finished || r.Usage.Total != (llm.Usage{Input: 301, Output: 31}) || r.Usage.Steps != 4 || r.Usage.Estimated {
		t.Errorf("%+v", r)
	}
	if todos := out.of(deepagent.Todos); len(todos) != 1 || len(todos[0].Todos) != 2 || len(out.res.Todos) != 2 {
		t.Errorf("todos: %+v", todos)
	}
	var text, thought string
	for _, e := range out.events {
		switch e.Kind {
		case deepagent.Text:
			text += e.Text
		case deepagent.Reasoning:
			thought += e.Text
		}
	}
	if text != scripted.Notice+"I look at it.It says bye now." || thought != "Let me see." {
		t.Errorf("text %q, reasoning %q", text, thought)
	}
	first, last := out.events[0], out.events[len(out.events)-1]
	if first.Kind != deepagent.Begin || first.Text != "scripted:steps" || first.Conversation == "" || last.Kind != deepagent.End {
		t.Errorf("first %+v, last %+v", first, last)
	}
}

func TestEventsAreJSON(t *testing.T) {
	out := finished(t, nil, nil, use("write_file", `{"path":"a","content":"x"}`), use("ls", `{broken`), say("done"))
	for _, e := range out.events {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back deepagent.Event
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		if back.Kind != e.Kind || back.Call != nil && back.Call.Input != e.Call.Input {
			t.Errorf("%s became %+v", data, back)
		}
	}
}

// The same agent works on many backends at once, and each run sees its own.
func TestConcurrentRuns(t *testing.T) {
	leaks(t)
	var steps []step
	const runs = 8
	for i := range runs {
		who := string(rune('a' + i))
		steps = append(steps,
			step{When: "Write " + who, Calls: []call{{Name: "write_file", Input: llm.Input(`{"path": "` + who + `", "content": "` + who + `"}`)}}},
			step{When: "Write " + who, Text: "wrote " + who})
	}
	a, _ := made(t, nil, steps...)
	var all sync.WaitGroup
	for i := range runs {
		all.Go(func() {
			who := string(rune('a' + i))
			b := state.New(nil)
			res, err := a.Run(t.Context(), "Write "+who, &deepagent.Deps{Backend: b})
			if err != nil || !strings.HasSuffix(res.Text, "wrote "+who) {
				t.Errorf("%s: %+v, %v", who, res, err)
				return
			}
			if got := get(t, b, who); got != who {
				t.Errorf("%s has %q", who, got)
			}
		})
	}
	all.Wait()
}

func TestBreakOff(t *testing.T) {
	leaks(t)
	for n := range 12 {
		a, _ := made(t, nil, step{Text: "one two three four five six", Calls: []call{{Name: "ls", Input: "{}"}}}, say("done"))
		i := 0
		for range a.Stream(t.Context(), "Go.", nil) {
			if i++; i > n {
				break
			}
		}
	}
}

func TestConsumerPanics(t *testing.T) {
	leaks(t)
	a, _ := made(t, nil, say("one two three four"))
	defer func() {
		if recover() == nil {
			t.Error("the panic of the consumer is lost")
		}
	}()
	for range a.Stream(t.Context(), "Go.", nil) {
		panic("consumer")
	}
}

func TestExecuteWhereItCan(t *testing.T) {
	leaks(t)
	a, m := made(t, nil, say("no commands"), use("execute", `{"command": "echo $((6*7)) > out; cat out"}`), say("ran"))
	if _, err := a.Run(t.Context(), "One.", &deepagent.Deps{Backend: memory()}); err != nil {
		t.Fatal(err)
	}
	s := testroom.Jail(t)
	out := play(t.Context(), a, "Two.", &deepagent.Deps{Backend: s})
	if out.err != nil || out.done(t, 0).Text != "42\n" {
		t.Fatalf("%v\n%s", out.err, out.list())
	}
	if p := out.of(deepagent.Progress); len(p) == 0 || p[0].Text != "42\n" || p[0].Call.Name != "execute" {
		t.Errorf("progress: %+v", p)
	}
	if get(t, s, "out") != "42\n" {
		t.Error("the file is not there")
	}
	for i, want := range []bool{false, true} {
		names := func(t llm.Tool) bool { return t.Name == "execute" }
		if got := slices.ContainsFunc(m.Requests()[i].Tools, names); got != want {
			t.Errorf("request %d: execute is offered: %t", i, got)
		}
	}
}

func TestOwnTool(t *testing.T) {
	type in struct {
		City string `json:"city" jsonschema:"The city."`
	}
	weather := tool.Func(tool.Tool{Name: "weather", Description: "The weather.", ReadOnly: true}, plain(func(in in) (string, error) {
		if in.City == "Atlantis" {
			return "", errors.New("no such city")
		}
		return "Rain in " + in.City, nil
	}))
	out := finished(t, &deepagent.Options{Tools: []tool.Tool{weather}}, nil,
		use("weather", `{"city": "Hamburg"}`), use("weather", `{"city": "Atlantis"}`), use("weather", `{"town": "Rome"}`), say("ok"))
	if got := out.done(t, 0); got.Text != "Rain in Hamburg" || got.Failed {
		t.Errorf("%+v", got)
	}
	if got := out.done(t, 1); got.Text != "Error: no such city" || !got.Failed {
		t.Errorf("%+v", got)
	}
	has(t, out.done(t, 2).Text, "`city` is missing")
}

func TestNew(t *testing.T) {
	named := func(name string) []tool.Tool {
		return []tool.Tool{tool.Func(tool.Tool{Name: name}, plain(func(struct{}) (string, error) { return "", nil }))}
	}
	for name, o := range map[string]deepagent.Options{
		"money without prices": {MaxCost: 1},
		"money, model's price": {MaxCost: 1, Price: &deepagent.Price{Input: 1}, SubAgents: []deepagent.SubAgent{{Name: "x", Model: scripted.Must()}}},
		"negative":             {MaxSteps: -1},
		"a name that is taken": {Tools: named("read_file")},
		"an own name":          {Tools: named("task")},
		"a bad name":           {Tools: named("my tool")},
		"a tool that is not":   {Ask: []string{"exectue"}},
		"without what is not":  {Without: []string{"exectue"}},
		"a sub-agent twice":    {SubAgents: []deepagent.SubAgent{{Name: "x"}, {Name: "x"}}},
		"a sub-agent without":  {SubAgents: []deepagent.SubAgent{{}}},
		"an agent's name":      {Name: "../x"},
		"a context file":       {ContextFiles: []string{"../secret"}},
		"skills":               {Skills: []string{"/skills"}},
		"an edit format":       {Console: &tool.Options{EditFormat: "vi"}},
	} {
		if _, err := deepagent.New(scripted.Must(), &o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := deepagent.New(nil, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no model: %v", err)
	}
	a, _ := made(t, nil)
	if res, err := a.Run(t.Context(), "", nil); !errors.Is(err, fs.ErrInvalid) || res != nil {
		t.Errorf("an empty prompt: %v, %v", res, err)
	}
}
