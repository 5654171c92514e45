package fantasy_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"charm.land/fantasy"
	adapter "github.com/hutch-dev/hutch/adapters/fantasy"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func TestAgent(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		b := state.New(nil)
		m := &scripted{turns: []turn{
			{{"write_file", `{"path":"src/a.go","content":"package a\n"}`}},
			{{"read_file", `{"path":"src/a.go"}`}, {"ls", `{"path":"src"}`}, {"glob", `{"pattern":"**/*.go"}`}},
			{{"edit_file", `{"path":"src/a.go","old_string":"package b","new_string":"package c"}`}},
			{{"edit_file", `{"path":"src/a.go","old_string":1,"new_string":"package c"}`}, {"write_file", `not JSON`}},
			{{"edit_file", `{"path":"src/a.go","old_string":"package a","new_string":"package c"}`}},
			{{"ls", `{}`}},
		}}
		if err := run(t.Context(), m, adapter.Tools(b, nil), streaming); err != nil {
			t.Fatal(err)
		}
		m.wants(t, 0, 0, false, "src/a.go")
		m.wants(t, 1, 0, false, "1\tpackage a")
		m.wants(t, 1, 1, false, "a.go")
		m.wants(t, 1, 2, false, "src/a.go")
		m.wants(t, 2, 0, true, "Error: ", "package a")
		m.wants(t, 3, 0, true, "old_string")
		m.wants(t, 3, 1, true)
		m.wants(t, 5, 0, false, "src/")
		testroom.Want(t, b, "src/a.go", "package c\n")
	}
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := &scripted{turns: []turn{
		{{"write_file", `{"path":"/workspace/run.sh","content":"echo in $PWD; exit 3\n"}`}},
		{{"execute", `{"command":"sh run.sh"}`}},
		{{"execute", `{"command":"cp run.sh copy.sh"}`}},
	}}
	if err := run(t.Context(), m, adapter.Tools(s, nil), true); err != nil {
		t.Fatal(err)
	}
	m.wants(t, 1, 0, true, "exit code 3", "in /workspace")
	m.wants(t, 2, 0, false)
	testroom.Want(t, s, "copy.sh", "echo in $PWD; exit 3\n")
}

// What a tool says of itself is what the model is told, also the second time.
func TestInfo(t *testing.T) {
	b := state.New(nil)
	m := &scripted{turns: []turn{{{"ls", `{}`}}}}
	if err := run(t.Context(), m, adapter.Tools(b, nil), false); err != nil {
		t.Fatal(err)
	}
	wrapped := adapter.Tools(b, nil)
	for i, want := range tool.Console(b, nil) {
		told := m.tools[i].(fantasy.FunctionTool)
		if told.Name != want.Name || told.Description != want.Description || wrapped[i].Info().Parallel != want.ReadOnly {
			t.Errorf("%s: %+v", want.Name, told)
		}
		var schema map[string]any
		if err := json.Unmarshal(want.Input, &schema); err != nil {
			t.Fatal(err)
		}
		delete(schema, "additionalProperties") // what Fantasy cannot carry
		data, _ := json.Marshal(told.InputSchema)
		var got map[string]any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		if r, ok := got["required"].([]any); ok && len(r) == 0 {
			delete(got, "required")
		}
		if !reflect.DeepEqual(got, schema) {
			t.Errorf("%s: %s\nwant %s", want.Name, data, want.Input)
		}
		if !reflect.DeepEqual(wrapped[i].Info(), wrapped[i].Info()) {
			t.Error(want.Name)
		}
		wrapped[i].Info().Parameters["x"] = 1
		if _, ok := wrapped[i].Info().Parameters["x"]; ok {
			t.Errorf("%s: maps are shared", want.Name)
		}
	}
}

func TestMedia(t *testing.T) {
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00"), bytes.Repeat([]byte{7}, 40)...)
	b := state.New(nil)
	testroom.Put(t, b, "p.png", string(png))
	testroom.Put(t, b, "d.pdf", "%PDF-1.7\n")
	m := &scripted{turns: []turn{{{"read_file", `{"path":"p.png"}`}, {"read_file", `{"path":"d.pdf"}`}}}}
	if err := run(t.Context(), m, adapter.Tools(b, &tool.Options{Images: true, Documents: true}), false); err != nil {
		t.Fatal(err)
	}
	image, _ := m.shown["call-0-0"].(fantasy.ToolResultOutputContentMedia)
	if image.MediaType != "image/png" || image.Data != base64.StdEncoding.EncodeToString(png) || image.Text == "" {
		t.Errorf("%+v", m.shown["call-0-0"])
	}
	if pdf, _ := m.shown["call-0-1"].(fantasy.ToolResultOutputContentMedia); pdf.MediaType != "application/pdf" {
		t.Errorf("%+v", m.shown["call-0-1"])
	}
}

// Two files are more than one response has room for.
func TestTooManyMedia(t *testing.T) {
	w := adapter.Wrap(tool.Tool{Call: func(context.Context, tool.Call) (tool.Result, error) {
		return tool.Result{Text: "two", Media: make([]tool.Media, 2)}, nil
	}})
	if r, err := w.Run(t.Context(), fantasy.ToolCall{}); err != nil || !r.IsError || r.Type != "text" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestMetadata(t *testing.T) {
	b := state.New(nil)
	testroom.Put(t, b, "a", "one\n")
	for _, w := range adapter.Tools(b, nil) {
		if w.Info().Name != "ls" {
			continue
		}
		r, err := w.Run(t.Context(), fantasy.ToolCall{Input: `{}`})
		if err != nil || !json.Valid([]byte(r.Metadata)) {
			t.Errorf("%+v, %v", r, err)
		}
	}
}

// An error that no model can mend ends the run. Generate of this version of
// Fantasy does not return it.
func TestGone(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		m := &scripted{turns: []turn{{{"read_file", `{"path":"a"}`}}, {{"ls", `{}`}}}}
		err := run(t.Context(), m, adapter.Tools(testroom.Gone{Backend: state.New(nil)}, nil), streaming)
		if m.step != 1 || streaming && !errors.Is(err, testroom.ErrGone) {
			t.Errorf("step %d, %v", m.step, err)
		}
	}
	for _, w := range adapter.Tools(testroom.Gone{Backend: state.New(nil)}, nil) {
		if w.Info().Name != "read_file" {
			continue
		}
		if _, err := w.Run(t.Context(), fantasy.ToolCall{Input: `{"path":"a"}`}); !errors.Is(err, testroom.ErrGone) {
			t.Error(err)
		}
	}
}
