package adk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/adk"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"google.golang.org/adk/v2/agent"
	"google.golang.org/adk/v2/agent/llmagent"
	"google.golang.org/adk/v2/model"
	"google.golang.org/adk/v2/runner"
	"google.golang.org/adk/v2/session"
	kit "google.golang.org/adk/v2/tool"
	"google.golang.org/genai"
)

// use is a call of a tool that the model asks for.
type use struct {
	name string
	args map[string]any
}

// scripted is a model that asks for the calls of one turn after the other and
// then says "Done."; it looks at nothing that it is sent.
type scripted struct {
	turns [][]use
	sent  []*model.LLMRequest
}

func (m *scripted) Name() string { return "scripted" }

func (m *scripted) GenerateContent(_ context.Context, req *model.LLMRequest, _ bool) iter.Seq2[*model.LLMResponse, error] {
	return func(yield func(*model.LLMResponse, error) bool) {
		turn := len(m.sent)
		m.sent = append(m.sent, req)
		c := genai.NewContentFromText("Done.", genai.RoleModel)
		if turn < len(m.turns) {
			c = &genai.Content{Role: genai.RoleModel}
			for _, u := range m.turns[turn] {
				c.Parts = append(c.Parts, genai.NewPartFromFunctionCall(u.name, u.args))
			}
		}
		yield(&model.LLMResponse{Content: c, TurnComplete: true}, nil)
	}
}

// run lets an agent of the kit talk with the model and returns the last text.
func (m *scripted) run(ctx context.Context, c llmagent.Config) (string, error) {
	c.Name, c.Model = "coder", m
	a, err := llmagent.New(c)
	if err != nil {
		return "", err
	}
	r, err := runner.New(runner.Config{AppName: "test", Agent: a, SessionService: session.InMemoryService(), AutoCreateSession: true})
	if err != nil {
		return "", err
	}
	last := ""
	for e, err := range r.Run(ctx, "user", "session", genai.NewContentFromText("Go.", genai.RoleUser), agent.RunConfig{}) {
		if err != nil {
			return "", err
		}
		if e.Content != nil && len(e.Content.Parts) > 0 {
			last = e.Content.Parts[0].Text
		}
	}
	return last, nil
}

// answers are the tools' answers, as the model was shown them.
func (m *scripted) answers(t testing.TB, ctx context.Context, c llmagent.Config) []map[string]any {
	t.Helper()
	if last, err := m.run(ctx, c); err != nil || last != "Done." {
		t.Fatalf("%q, %v", last, err)
	}
	var all []map[string]any
	for _, c := range m.sent[len(m.sent)-1].Contents {
		for _, p := range c.Parts {
			if p.FunctionResponse != nil {
				all = append(all, p.FunctionResponse.Response)
			}
		}
	}
	return all
}

type args = map[string]any

func TestRunner(t *testing.T) {
	b := state.New(nil)
	m := &scripted{turns: [][]use{
		{{"write_file", args{"path": "src/a.txt", "content": "one\ntwo\n"}}},
		{{"read_file", args{"path": "src/a.txt"}}},
		{{"edit_file", args{"path": "src/a.txt", "old_string": "three", "new_string": "3"}}, {"ls", args{"path": 7}}, {"rm", nil}},
		{{"edit_file", args{"path": "src/a.txt", "old_string": "two", "new_string": "2"}}},
		{{"ls", args{"path": "src"}}},
	}}
	got := m.answers(t, t.Context(), llmagent.Config{Tools: adk.Tools(b, nil)})
	for i, want := range []struct{ key, text string }{
		{"output", "Created: wrote 2 lines"},
		{"output", "     2\ttwo"},
		{"error", "Error: String 'three' not found"},
		{"error", "Error: Wrong arguments: `path`"},
		{"error", "tool 'rm' not found"}, // in the words of the kit
		{"output", "Edited src/a.txt"},
		{"output", "a.txt"},
	} {
		text, _ := got[i][want.key].(string)
		if !strings.Contains(text, want.text) || len(got[i]) != 1 {
			t.Errorf("call %d: %q, want %s: %q", i, got[i], want.key, want.text)
		}
	}
	if data, err := hutch.ReadFile(t.Context(), b, "src/a.txt"); err != nil || string(data) != "one\n2\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// What the model is told of the tools is what they say, in that order.
func TestDeclarations(t *testing.T) {
	b, o := state.New(nil), &tool.Options{EditFormat: tool.AllFormats}
	m := new(scripted)
	m.answers(t, t.Context(), llmagent.Config{Tools: adk.Tools(b, o)})
	want, got := tool.Console(b, o), m.sent[0].Config.Tools[0].FunctionDeclarations
	if len(got) != len(want) {
		t.Fatalf("%d tools, want %d", len(got), len(want))
	}
	for i, w := range want {
		schema, err := json.Marshal(got[i].ParametersJsonSchema)
		if err != nil || got[i].Name != w.Name || got[i].Description != w.Description || !same(t, schema, w.Input) {
			t.Errorf("%+v, %v; want %+v", got[i], err, w)
		}
	}
}

func same(t testing.TB, a, b json.RawMessage) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// The calls of one answer run at the same time: each of these waits for the other.
func TestParallel(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	meet := tool.Func(tool.Tool{Name: "meet"}, func(context.Context, struct{}) (string, error) {
		both.Done()
		both.Wait()
		return "met", nil
	})
	m := &scripted{turns: [][]use{{{"meet", nil}, {"meet", nil}}}}
	for _, a := range m.answers(t, t.Context(), llmagent.Config{Tools: []kit.Tool{adk.Wrap(meet)}}) {
		if a["output"] != "met" {
			t.Errorf("%+v", a)
		}
	}
}

// An error of a tool is shown to the model in the words of the kit's own tools.
func TestGone(t *testing.T) {
	gone := tool.Func(tool.Tool{Name: "gone"}, func(context.Context, struct{}) (string, error) { return "", hutch.ErrClosed })
	seen := error(nil)
	m := &scripted{turns: [][]use{{{"gone", nil}}}}
	got := m.answers(t, t.Context(), llmagent.Config{
		Tools: []kit.Tool{adk.Wrap(gone)},
		OnToolErrorCallbacks: []llmagent.OnToolErrorCallback{func(_ agent.Context, _ kit.Tool, _ map[string]any, err error) (map[string]any, error) {
			seen = err
			return nil, nil
		}},
	})
	if seen != hutch.ErrClosed || got[0]["error"] != hutch.ErrClosed.Error() {
		t.Errorf("%v, %v", got, seen)
	}
}

// When ctx has ended the run ends, and the tool has been told.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := false
	wait := tool.Func(tool.Tool{Name: "wait"}, func(ctx context.Context, _ struct{}) (string, error) {
		cancel()
		<-ctx.Done()
		told = true
		return "", ctx.Err()
	})
	m := &scripted{turns: [][]use{{{"wait", nil}}}}
	last, err := m.run(ctx, llmagent.Config{Tools: []kit.Tool{adk.Wrap(wait)}})
	if !told || !errors.Is(err, context.Canceled) || len(m.sent) != 1 {
		t.Errorf("told %v; %q, %v, %d requests", told, last, err, len(m.sent))
	}
}

// The toolset can be filtered and can ask for confirmation, as others of the kit.
func TestToolset(t *testing.T) {
	b := state.New(nil)
	set := kit.FilterToolset(adk.Toolset(b, nil), kit.AllowedToolsPredicate([]string{"ls", "write_file"}))
	asked := kit.WithConfirmation(set, false, func(name string, _ any) bool { return name == "write_file" })
	m := &scripted{turns: [][]use{{{"ls", nil}, {"write_file", args{"path": "a", "content": "x"}}}}}
	if _, err := m.run(t.Context(), llmagent.Config{Toolsets: []kit.Toolset{asked}}); err != nil {
		t.Fatal(err)
	}
	if n := len(m.sent[0].Config.Tools[0].FunctionDeclarations); n != 2 {
		t.Errorf("%d tools", n)
	}
	if _, err := b.Stat(t.Context(), "a"); err == nil {
		t.Error("written without confirmation")
	}
}

func TestNoSchema(t *testing.T) {
	for _, schema := range []string{``, `{}`, `{"type": "string"}`} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), `"t"`) {
					t.Errorf("%s: %v", schema, p)
				}
			}()
			adk.Wrap(tool.Tool{Name: "t", Input: json.RawMessage(schema)})
		}()
	}
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := &scripted{turns: [][]use{
		{{"write_file", args{"path": "a.sh", "content": "echo from the jail; pwd\n"}}},
		{{"execute", args{"command": "sh a.sh > out.txt; cat out.txt"}}},
		{{"execute", args{"command": "echo no >&2; exit 3"}}},
	}}
	got := m.answers(t, t.Context(), llmagent.Config{Tools: adk.Tools(s, nil)})
	if got[1]["output"] != "from the jail\n/workspace\n" {
		t.Errorf("%+v", got[1])
	}
	if text, _ := got[2]["error"].(string); !strings.Contains(text, "exit code 3") || !strings.Contains(text, "no\n") {
		t.Errorf("%+v", got[2])
	}
	if data, err := hutch.ReadFile(t.Context(), s, "out.txt"); err != nil || string(data) != "from the jail\n/workspace\n" {
		t.Errorf("%q, %v", data, err)
	}
}
