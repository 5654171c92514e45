package genkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/firebase/genkit/go/ai"
	kit "github.com/firebase/genkit/go/genkit"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/genkit"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// use is a call of a tool that the model asks for.
type use struct {
	name string
	args any
}

// scripted is a model that asks for the calls of one turn after the other and
// then says "Done."; it looks at nothing that it is sent.
type scripted struct {
	turns [][]use
	sent  []*ai.ModelRequest
}

func (m *scripted) generate(_ context.Context, req *ai.ModelRequest, _ ai.ModelStreamCallback) (*ai.ModelResponse, error) {
	turn := len(m.sent)
	m.sent = append(m.sent, req)
	msg := ai.NewModelTextMessage("Done.")
	if turn < len(m.turns) {
		msg = &ai.Message{Role: ai.RoleModel}
		for i, u := range m.turns[turn] {
			msg.Content = append(msg.Content, ai.NewToolRequestPart(&ai.ToolRequest{
				Name: u.name, Ref: fmt.Sprintf("%d-%d", turn, i), Input: u.args,
			}))
		}
	}
	return &ai.ModelResponse{Request: req, Message: msg, FinishReason: ai.FinishReasonStop}, nil
}

// run lets Genkit talk with the model.
func (m *scripted) run(ctx context.Context, g *kit.Genkit, tools []ai.ToolRef) (*ai.ModelResponse, error) {
	model := kit.DefineModel(g, fmt.Sprintf("test/%p", m), &ai.ModelOptions{
		Supports: &ai.ModelSupports{Tools: true, Multiturn: true, Media: true},
	}, m.generate)
	return kit.Generate(ctx, g, ai.WithModel(model), ai.WithTools(tools...), ai.WithMaxTurns(20), ai.WithPrompt("Go."))
}

// answers are the tools' answers, as the model was shown them, by the number of
// the turn and of the call.
func (m *scripted) answers(t testing.TB, tools []ai.ToolRef) map[string]*ai.ToolResponse {
	t.Helper()
	last, err := m.run(t.Context(), kit.Init(t.Context()), tools)
	if err != nil || last.Text() != "Done." {
		t.Fatalf("%+v, %v", last, err)
	}
	all := map[string]*ai.ToolResponse{}
	for _, msg := range m.sent[len(m.sent)-1].Messages {
		for _, p := range msg.Content {
			if p.IsToolResponse() {
				all[p.ToolResponse.Ref] = p.ToolResponse
			}
		}
	}
	return all
}

type args = map[string]any

func TestGenerate(t *testing.T) {
	b := state.New(nil)
	m := &scripted{turns: [][]use{
		{{"write_file", args{"path": "src/a.txt", "content": "one\ntwo\n"}}},
		{{"read_file", args{"path": "src/a.txt"}}},
		{
			{"edit_file", args{"path": "src/a.txt", "old_string": "three", "new_string": "3"}}, {"ls", args{"path": 7}},
			{"write_file", args{"path": "src/b.txt"}}, {"ls", args{"nothing": 1}}, {"ls", "src"}, {"ls", nil},
		},
		{{"edit_file", args{"path": "src/a.txt", "old_string": "two", "new_string": "2"}}},
		{{"ls", args{"path": "src"}}},
	}}
	got := m.answers(t, genkit.Tools(b, nil))
	for ref, want := range map[string]struct{ key, text string }{
		"0-0": {"output", "Created: wrote 2 lines"},
		"1-0": {"output", "     2\ttwo"},
		"2-0": {"error", "Error: String 'three' not found"},
		"2-1": {"error", "Error: Wrong arguments: `path`"},
		"2-2": {"error", "Error: Wrong arguments: `content` is missing"},
		"2-3": {"error", "Error: Wrong arguments"},
		"2-4": {"error", "one JSON object"},
		"2-5": {"output", "src"},
		"3-0": {"output", "Edited src/a.txt"},
		"4-0": {"output", "a.txt"},
	} {
		out, _ := got[ref].Output.(map[string]any)
		text, _ := out[want.key].(string)
		if !strings.Contains(text, want.text) || len(out) != 1 {
			t.Errorf("call %s: %v, want %s: %q", ref, got[ref].Output, want.key, want.text)
		}
	}
	if data, err := hutch.ReadFile(t.Context(), b, "src/a.txt"); err != nil || string(data) != "one\n2\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// What the model is told of the tools is what they say.
func TestDefinitions(t *testing.T) {
	b, o := state.New(nil), &tool.Options{EditFormat: tool.AllFormats}
	m := new(scripted)
	tools := genkit.Tools(b, o)
	m.answers(t, tools)
	want, got := tool.Console(b, o), m.sent[0].Tools
	if len(got) != len(want) {
		t.Fatalf("%d tools, want %d", len(got), len(want))
	}
	for i, w := range want {
		at := slices.IndexFunc(got, func(d *ai.ToolDefinition) bool { return d.Name == w.Name })
		if at < 0 {
			t.Errorf("no %s", w.Name)
			continue
		}
		for _, d := range []*ai.ToolDefinition{got[at], tools[i].(ai.Tool).Definition()} {
			if d.Name != w.Name || d.Description != w.Description || !same(t, d.InputSchema, w.Input) {
				t.Errorf("%+v, want %+v", d, w)
			}
		}
	}
}

func same(t testing.TB, schema any, raw json.RawMessage) bool {
	t.Helper()
	a, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &y); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

func TestMedia(t *testing.T) {
	b := state.New(nil)
	png := "\x89PNG\r\n\x1a\n\x00\x01"
	if _, err := hutch.WriteFile(t.Context(), b, "a.png", []byte(png), nil); err != nil {
		t.Fatal(err)
	}
	m := &scripted{turns: [][]use{{{"read_file", args{"path": "a.png"}}}}}
	got := m.answers(t, genkit.Tools(b, &tool.Options{Images: true}))["0-0"]
	if len(got.Content) != 1 || !got.Content[0].IsMedia() || got.Content[0].ContentType != "image/png" || got.Content[0].Text != "data:image/png;base64,iVBORw0KGgoAAQ==" {
		t.Errorf("%+v", got)
	}
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
	for _, r := range m.answers(t, []ai.ToolRef{genkit.Wrap(meet)}) {
		if r.Output.(map[string]any)["output"] != "met" {
			t.Errorf("%+v", r)
		}
	}
}

// A workspace that is gone ends the loop, and so does a ctx that has ended.
func TestErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, do := range map[string]func(ctx context.Context) error{
		"gone": func(context.Context) error { return hutch.ErrClosed },
		"wait": func(ctx context.Context) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		failing := tool.Func(tool.Tool{Name: name}, func(ctx context.Context, _ struct{}) (string, error) { return "", do(ctx) })
		m := &scripted{turns: [][]use{{{name, nil}}}}
		in := t.Context()
		if name == "wait" {
			in = ctx
		}
		if res, err := m.run(in, kit.Init(t.Context()), []ai.ToolRef{genkit.Wrap(failing)}); err == nil || len(m.sent) != 1 {
			t.Errorf("%s: %+v, %v, %d requests", name, res, err, len(m.sent))
		}
	}
}

// A tool can be registered once for all, and called without a model.
func TestRegister(t *testing.T) {
	b := state.New(nil)
	g := kit.Init(t.Context())
	for _, ref := range genkit.Tools(b, nil) {
		kit.RegisterAction(g, ref.(ai.Tool))
	}
	write := kit.LookupTool(g, "write_file")
	if write == nil {
		t.Fatal("not registered")
	}
	out, err := write.RunRaw(t.Context(), args{"path": "a"})
	if m, _ := out.(map[string]any); err != nil || m["error"] == nil {
		t.Errorf("%v, %v", out, err)
	}
	m := &scripted{turns: [][]use{{{"write_file", args{"path": "a", "content": "x"}}}}}
	if _, err := m.run(t.Context(), g, []ai.ToolRef{ai.ToolName("write_file")}); err != nil {
		t.Fatal(err)
	}
	if data, err := hutch.ReadFile(t.Context(), b, "a"); err != nil || string(data) != "x" {
		t.Errorf("%q, %v", data, err)
	}
	ls := genkit.Tools(b, nil)[0].(ai.Tool)
	out, err = ls.RunRaw(t.Context(), args{"path": 7})
	if m, _ := out.(map[string]any); err != nil || m["error"] == nil {
		t.Errorf("not registered: %v, %v", out, err)
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
			genkit.Wrap(tool.Tool{Name: "t", Input: json.RawMessage(schema)})
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
	got := m.answers(t, genkit.Tools(s, nil))
	if out := got["1-0"].Output.(map[string]any); out["output"] != "from the jail\n/workspace\n" {
		t.Errorf("%+v", out)
	}
	text, _ := got["2-0"].Output.(map[string]any)["error"].(string)
	if !strings.Contains(text, "exit code 3") || !strings.Contains(text, "no\n") {
		t.Errorf("%+v", got["2-0"].Output)
	}
	if data, err := hutch.ReadFile(t.Context(), s, "out.txt"); err != nil || string(data) != "from the jail\n/workspace\n" {
		t.Errorf("%q, %v", data, err)
	}
}
