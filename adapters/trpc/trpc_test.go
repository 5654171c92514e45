package trpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/adapters/trpc"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"trpc.group/trpc-go/trpc-agent-go/agent"
	ttool "trpc.group/trpc-go/trpc-agent-go/tool"
)

func TestAgent(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		b := state.New(nil)
		m := &scripted{turns: []turn{
			{{"write_file", `{"path":"src/a.go","content":"package a // <&>\n"}`}},
			{{"read_file", `{"path":"src/a.go"}`}, {"ls", `{"path":"src"}`}, {"glob", `{"pattern":"**/*.go"}`}},
			{{"edit_file", `{"path":"src/a.go","old_string":"package b","new_string":"package c"}`}},
			{{"edit_file", `{"path":"src/a.go","old_string":1,"new_string":"package c"}`}, {"writefile", `{}`}},
			{{"write_file", `{"path":`}},
			{{"edit_file", `{"path":"src/a.go","old_string":"package a","new_string":"package c"}`}},
			{{"ls", `{}`}},
		}}
		if err := run(t.Context(), m, trpc.Tools(b, nil), parallel); err != nil {
			t.Fatal(err)
		}
		m.wants(t, 0, 0, "src/a.go")
		m.wants(t, 1, 0, "1\tpackage a // <&>")
		m.wants(t, 1, 1, "a.go")
		m.wants(t, 1, 2, "src/a.go")
		m.wants(t, 2, 0, "Error: ", "'package b' not found")
		m.wants(t, 3, 1, "Error: ")
		for _, want := range []string{"`old_string` must be a string", "not valid JSON"} {
			if !strings.Contains(m.misfits, want) {
				t.Errorf("%q does not have %q", m.misfits, want)
			}
		}
		m.wants(t, 6, 0, "src/")
		testroom.Want(t, b, "src/a.go", "package c // <&>\n")
	}
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := &scripted{turns: []turn{
		{{"write_file", `{"path":"/workspace/run.sh","content":"echo in $PWD; exit 3\n"}`}},
		{{"execute", `{"command":"sh run.sh"}`}},
		{{"execute", `{"command":"cp run.sh copy.sh"}`}},
	}}
	if err := run(t.Context(), m, trpc.Tools(s, nil), false); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 1, 0, "exit code 3", "in /workspace")
	testroom.Want(t, s, "copy.sh", "echo in $PWD; exit 3\n")
}

// Arguments that are no JSON are an answer for the model too.
func TestBrokenJSON(t *testing.T) {
	for _, w := range trpc.Tools(state.New(nil), nil) {
		got, err := w.(ttool.CallableTool).Call(t.Context(), []byte(`{"path":`))
		if r, ok := got.(trpc.Result); err != nil || !ok || !r.Failed || !strings.Contains(r.Text, "JSON") {
			t.Errorf("%s: %+v, %v", w.Declaration().Name, got, err)
		}
	}
}

// What a tool says of itself is what the model is told; bounds are in words.
func TestDeclaration(t *testing.T) {
	b := state.New(nil)
	m := &scripted{}
	if err := run(t.Context(), m, trpc.Tools(b, nil), false); err != nil {
		t.Fatal(err)
	}
	for _, want := range tool.Console(b, nil) {
		told := m.tools[want.Name]
		d, meta := told.Declaration(), ttool.MetadataOf(told)
		if d.Name != want.Name || d.Description != want.Description || meta.ReadOnly != want.ReadOnly ||
			meta.Destructive != want.Destructive || meta.OpenWorld != want.OpenWorld || !meta.ConcurrencySafe {
			t.Errorf("%s: %+v, %+v", want.Name, d, meta)
		}
		if meta.SearchOrRead && !meta.ReadOnly {
			t.Errorf("%s: %+v", want.Name, meta)
		}
		data, _ := json.Marshal(d.InputSchema)
		if got, want := withoutBounds(t, data), withoutBounds(t, want.Input); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v\nwant %v", d.Name, got, want)
		}
	}
	if d := m.tools["read_file"].Declaration().InputSchema.Properties["limit"].Description; !strings.HasSuffix(d, " (at least 1)") {
		t.Errorf("%q", d)
	}
	if d := m.tools["multi_edit"].Declaration().InputSchema.Properties["edits"].Description; !strings.HasSuffix(d, " (1 to 1000 items)") {
		t.Errorf("%q", d)
	}
}

func TestBoundsOfItems(t *testing.T) {
	w := trpc.Wrap(tool.Tool{Input: json.RawMessage(`{"properties":{"a":{"items":{"type":"integer","maximum":9}}}}`)})
	if d := w.Declaration().InputSchema.Properties["a"].Items.Description; d != "(at most 9)" {
		t.Errorf("%q", d)
	}
}

// withoutBounds is a schema without bounds and without the words for them.
func withoutBounds(t testing.TB, data []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	var strip func(v any)
	strip = func(v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		for _, k := range []string{"minimum", "maximum", "minItems", "maxItems"} {
			delete(m, k)
		}
		if d, ok := m["description"].(string); ok {
			if i := strings.LastIndex(d, " ("); i > 0 && strings.HasSuffix(d, ")") {
				m["description"] = d[:i]
			}
		}
		for _, c := range m {
			strip(c)
		}
	}
	strip(v)
	return v
}

// What cannot be carried is said, not passed over.
func TestMedia(t *testing.T) {
	b := state.New(nil)
	png := "\x89PNG\r\n\x1a\n\x00\x00"
	testroom.Put(t, b, "p.png", png)
	o := &tool.Options{Images: true}
	m := &scripted{turns: []turn{{{"read_file", `{"path":"p.png"}`}}}}
	if err := run(t.Context(), m, trpc.Tools(b, o), false); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 0, 0, "binary file (image/png")
	if strings.Contains(m.tools["read_file"].Declaration().Description, "shown as images") || !o.Images {
		t.Error("the description promises images, or the options were changed")
	}
	for _, c := range tool.Console(b, o) {
		if c.Name != "read_file" {
			continue
		}
		got, err := trpc.Wrap(c).Call(t.Context(), []byte(`{"path":"p.png"}`))
		if r, ok := got.(trpc.Result); err != nil || !ok || !r.Failed || !strings.Contains(r.Text, "cannot be shown here") {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// An error that no model can mend ends the run and stays what it is.
func TestGone(t *testing.T) {
	for _, parallel := range []bool{false, true} {
		m := &scripted{turns: []turn{{{"read_file", `{"path":"a"}`}, {"read_file", `{"path":"b"}`}}, {{"ls", `{}`}}}}
		err := run(t.Context(), m, trpc.Tools(testroom.Gone{Backend: state.New(nil)}, nil), parallel)
		if err == nil || !strings.Contains(err.Error(), testroom.ErrGone.Error()) || m.step != 1 {
			t.Errorf("step %d, %v", m.step, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, w := range trpc.Tools(state.New(nil), nil) {
		if w.Declaration().Name != "ls" {
			continue
		}
		got, err := w.(ttool.CallableTool).Call(ctx, []byte(`{}`))
		if _, ok := agent.AsStopError(err); !ok || !errors.Is(err, context.Canceled) || got != nil {
			t.Errorf("%v, %v", got, err)
		}
	}
}
