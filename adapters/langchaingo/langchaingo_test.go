package langchaingo_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	adapter "github.com/hutch-dev/hutch/adapters/langchaingo"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"github.com/tmc/langchaingo/agents"
	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/fake"
	"github.com/tmc/langchaingo/tools"
)

func work() []turn {
	return []turn{
		{{"write_file", `{"path":"src/a.go","content":"package a\n"}`}},
		{{"read_file", `{"path":"src/a.go"}`}, {"ls", `{"path":"src"}`}, {"glob", `{"pattern":"**/*.go"}`}},
		{{"edit_file", `{"path":"src/a.go","old_string":"package b","new_string":"package c"}`}},
		{{"edit_file", `{"path":"src/a.go","old_string":1,"new_string":"package c"}`}, {"write_file", `not JSON`}, {"writefile", `{}`}},
		{{"edit_file", `{"path":"src/a.go","old_string":"package a","new_string":"package c"}`}},
		{{"ls", `{}`}, {"ls", ``}},
	}
}

func TestFunctionsAgent(t *testing.T) {
	for name, script := range map[string][]turn{"own arguments": work(), "one string": asString(t, work())} {
		t.Run(name, func(t *testing.T) {
			b := state.New(nil)
			m := &scripted{turns: script}
			all := adapter.Tools(b, nil)
			var model llms.Model = m
			if name == "own arguments" {
				model = adapter.Model(m, all)
			}
			if err := run(t.Context(), model, all); err != nil {
				t.Fatal(err)
			}
			m.wants(t, 0, 0, "src/a.go")
			m.wants(t, 1, 0, "1\tpackage a")
			m.wants(t, 1, 1, "a.go")
			m.wants(t, 1, 2, "src/a.go")
			m.wants(t, 2, 0, "Error: ", "'package b' not found")
			m.wants(t, 3, 0, "Error: ", "old_string")
			m.wants(t, 3, 1, "Error: ", "JSON")
			m.wants(t, 3, 2, "not a valid tool")
			m.wants(t, 5, 0, "src/")
			m.wants(t, 5, 1, "src/")
			testroom.Want(t, b, "src/a.go", "package c\n")
		})
	}
}

// asString is a script with the arguments as the one string that LangChainGo asks
// for.
func asString(t testing.TB, script []turn) []turn {
	t.Helper()
	for _, step := range script {
		for i, c := range step {
			data, err := json.Marshal(map[string]string{"__arg1": c[1]})
			if err != nil {
				t.Fatal(err)
			}
			step[i][1] = string(data)
		}
	}
	return script
}

// The agent that writes its actions as text, on LangChainGo's own fake model.
func TestOneShotAgent(t *testing.T) {
	b := state.New(nil)
	model := fake.NewFakeLLM([]string{
		"Thought: write\nAction: write_file\nAction Input: {\"path\": \"a.txt\", \"content\": \"one\\n\\\"two\\\"\\n\"}",
		"Thought: edit\nAction: edit_file\nAction Input: {\"path\": \"a.txt\", \"old_string\": \"none\", \"new_string\": \"x\"}",
		"Thought: edit\nAction: edit_file\nAction Input: {\"path\": \"a.txt\", \"old_string\": \"one\", \"new_string\": \"1\"}",
		"Thought: I now know the final answer\nFinal Answer: done",
	})
	executor := agents.NewExecutor(agents.NewOneShotAgent(model, adapter.Tools(b, nil)), agents.WithReturnIntermediateSteps())
	out, err := chains.Call(t.Context(), executor, map[string]any{"input": "go"})
	if err != nil || out["output"] != "done" {
		t.Fatal(out, err)
	}
	testroom.Want(t, b, "a.txt", "1\n\"two\"\n")
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := &scripted{turns: []turn{
		{{"write_file", `{"path":"/workspace/run.sh","content":"echo in $PWD; exit 3\n"}`}},
		{{"execute", `{"command":"sh run.sh"}`}},
		{{"execute", `{"command":"cp run.sh copy.sh"}`}},
	}}
	if err := run(t.Context(), m, adapter.Tools(s, nil)); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 1, 0, "exit code 3", "in /workspace")
	testroom.Want(t, s, "copy.sh", "echo in $PWD; exit 3\n")
}

type other struct{ tools.Tool }

func (other) Name() string        { return "other" }
func (other) Description() string { return "something else" }

// What a tool says of itself is what the model is told; other tools stay.
func TestDescriptions(t *testing.T) {
	b := state.New(nil)
	all := append(adapter.Tools(b, nil), other{})
	own, plain := &scripted{}, &scripted{}
	if err := errors.Join(run(t.Context(), adapter.Model(own, all), all), run(t.Context(), plain, all)); err != nil {
		t.Fatal(err)
	}
	for i, want := range tool.Console(b, nil) {
		if f := own.functions[i]; f.Name != want.Name || f.Description != want.Description || !same(t, f.Parameters, want.Input) {
			t.Errorf("%s: %+v", want.Name, f)
		}
		if f := plain.functions[i]; f.Name != want.Name || !strings.HasPrefix(f.Description, want.Description) || !strings.HasSuffix(f.Description, string(want.Input)) {
			t.Errorf("%s: %+v", want.Name, f)
		}
	}
	if n := len(all) - 1; !reflect.DeepEqual(own.functions[n], plain.functions[n]) || own.functions[n].Description != "something else" {
		t.Errorf("%+v", own.functions[n])
	}
}

func same(t testing.TB, got any, want []byte) bool {
	t.Helper()
	data, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(data, &a), json.Unmarshal(want, &b)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(a, b)
}

// What cannot be carried is said, not passed over.
func TestMedia(t *testing.T) {
	b := state.New(nil)
	testroom.Put(t, b, "p.png", "\x89PNG\r\n\x1a\n\x00\x00")
	o := &tool.Options{Images: true}
	m := &scripted{turns: []turn{{{"read_file", `{"path":"p.png"}`}}}}
	if err := run(t.Context(), m, adapter.Tools(b, o)); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 0, 0, "binary file (image/png")
	if !o.Images {
		t.Error("the options were changed")
	}
	for _, c := range tool.Console(b, o) {
		if c.Name != "read_file" {
			continue
		}
		got, err := adapter.Wrap(c).Call(t.Context(), `{"path":"p.png"}`)
		if err != nil || !strings.Contains(got, "cannot be shown here") {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// An error that no model can mend ends the run and stays what it is.
func TestGone(t *testing.T) {
	m := &scripted{turns: []turn{{{"read_file", `{"path":"a"}`}}, {{"ls", `{}`}}}}
	if err := run(t.Context(), m, adapter.Tools(testroom.Gone{Backend: state.New(nil)}, nil)); !errors.Is(err, testroom.ErrGone) || m.step != 1 {
		t.Errorf("step %d, %v", m.step, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, w := range adapter.Tools(state.New(nil), nil) {
		if w.Name() != "ls" {
			continue
		}
		if got, err := w.Call(ctx, `{}`); !errors.Is(err, context.Canceled) || got != "" {
			t.Errorf("%q, %v", got, err)
		}
	}
}
