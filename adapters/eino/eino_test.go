package eino_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/cloudwego/eino/adk"
	etool "github.com/cloudwego/eino/components/tool"
	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/flow/agent/react"
	"github.com/cloudwego/eino/schema"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func coder(t testing.TB, m *scripted, tools []etool.BaseTool) adk.Agent {
	t.Helper()
	a, err := adk.NewChatModelAgent(t.Context(), &adk.ChatModelAgentConfig{
		Name: "coder", Description: "writes code", Model: m,
		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{Tools: tools}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// work is what the scripted model does with the console toolset.
func work() []turn {
	return []turn{
		{{"write_file", `{"path":"src/a.go","content":"package a\n"}`}},
		{{"read_file", `{"path":"src/a.go"}`}},
		{{"edit_file", `{"path":"src/a.go","old_string":"package b","new_string":"package c"}`}},
		{{"edit_file", `{"path":`}},
		{{"edit_file", `{"path":"src/a.go","old_string":"package a","new_string":"package c"}`}},
		{{"ls", `{"path":"src"}`}, {"ls", `{}`}},
	}
}

func worked(t *testing.T, m *scripted, b hutch.Backend) {
	t.Helper()
	wantText(t, "write", m.result(t, 0, 0), "src/a.go")
	wantText(t, "read", m.result(t, 1, 0), "1\tpackage a")
	wantText(t, "failing edit", m.result(t, 2, 0), "Error: ", "package a")
	wantText(t, "broken JSON", m.result(t, 3, 0), "Error: ", "JSON")
	wantText(t, "ls", m.result(t, 5, 0), "a.go")
	wantText(t, "ls", m.result(t, 5, 1), "src/")
	testroom.Want(t, b, "src/a.go", "package c\n")
}

func TestChatModelAgent(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		b := state.New(nil)
		m := &scripted{turns: work()}
		if err := run(t.Context(), coder(t, m, eino.Tools(b, nil)), streaming); err != nil {
			t.Fatal(err)
		}
		worked(t, m, b)
	}
}

func TestReact(t *testing.T) {
	b := state.New(nil)
	m := &scripted{turns: work()}
	a, err := react.NewAgent(t.Context(), &react.AgentConfig{
		ToolCallingModel: m, MaxStep: 40,
		ToolsConfig: compose.ToolsNodeConfig{Tools: eino.Tools(b, nil)},
	})
	if err != nil {
		t.Fatal(err)
	}
	msg, err := a.Generate(t.Context(), []*schema.Message{schema.UserMessage("go")})
	if err != nil || msg.Content != "done" {
		t.Fatal(msg, err)
	}
	worked(t, m, b)
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := &scripted{turns: []turn{
		{{"write_file", `{"path":"/workspace/run.sh","content":"echo in $PWD; exit 3\n"}`}},
		{{"execute", `{"command":"sh run.sh"}`}},
		{{"execute", `{"command":"cp run.sh copy.sh"}`}},
	}}
	if err := run(t.Context(), coder(t, m, eino.Tools(s, nil)), false); err != nil {
		t.Fatal(err)
	}
	wantText(t, "execute", m.result(t, 1, 0), "exit code 3", "in /workspace")
	testroom.Want(t, s, "copy.sh", "echo in $PWD; exit 3\n")
}

// What a tool says of itself is what the model is told.
func TestInfo(t *testing.T) {
	s := state.New(nil)
	wrapped := eino.Tools(s, nil)
	for i, want := range tool.Console(s, nil) {
		got, err := wrapped[i].Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Name != want.Name || got.Desc != want.Description || got.Extra["title"] != want.Title {
			t.Errorf("%s: %+v", want.Name, got)
		}
		if _, ok := got.Extra["read_only"]; ok != want.ReadOnly {
			t.Errorf("%s: read_only %t", want.Name, ok)
		}
		if _, ok := got.Extra["destructive"]; ok != want.Destructive {
			t.Errorf("%s: destructive %t", want.Name, ok)
		}
		args, err := got.ToJSONSchema()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(args)
		if a, b := plain(t, data), plain(t, want.Input); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %s\nwant %s", want.Name, data, want.Input)
		}
	}
}

func plain(t testing.TB, data []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

var png = append([]byte("\x89PNG\r\n\x1a\n\x00\x00"), bytes.Repeat([]byte{7}, 40)...)

func TestImages(t *testing.T) {
	b := state.New(nil)
	testroom.Put(t, b, "p.png", string(png))
	m := &scripted{turns: []turn{{{"read_file", `{"path":"p.png"}`}, {"read_file", `{"path":"nothing"}`}, {"ls", `{}`}}}}
	if err := run(t.Context(), coder(t, m, eino.Tools(b, &tool.Options{Images: true})), false); err != nil {
		t.Fatal(err)
	}
	parts := m.shown[0].UserInputMultiContent
	if len(parts) != 2 || parts[1].Image == nil || parts[1].Image.MIMEType != "image/png" ||
		*parts[1].Image.Base64Data != base64.StdEncoding.EncodeToString(png) {
		t.Fatalf("%+v", m.shown[0])
	}
	wantText(t, "image", parts[0].Text, "Image p.png")
	if failed := m.shown[1].UserInputMultiContent; len(failed) != 1 || !strings.HasPrefix(failed[0].Text, "Error: ") {
		t.Errorf("%+v", m.shown[1])
	}
}

// What cannot be carried is not passed over in silence.
func TestImagesWithoutRoom(t *testing.T) {
	b := state.New(nil)
	testroom.Put(t, b, "p.png", string(png))
	for _, c := range tool.Console(b, &tool.Options{Images: true}) {
		if c.Name != "read_file" {
			continue
		}
		got, err := eino.Wrap(c).InvokableRun(t.Context(), `{"path":"p.png"}`)
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, "image", got, "Error: this cannot be shown here")
	}
}

// An error that no model can mend ends the run and stays what it is.
func TestGone(t *testing.T) {
	for _, tools := range [][]etool.BaseTool{
		eino.Tools(testroom.Gone{Backend: state.New(nil)}, nil), eino.Tools(testroom.Gone{Backend: state.New(nil)}, &tool.Options{Images: true}),
	} {
		m := &scripted{turns: []turn{{{"read_file", `{"path":"a"}`}}}}
		if err := run(t.Context(), coder(t, m, tools), false); !errors.Is(err, testroom.ErrGone) {
			t.Errorf("%v", err)
		}
	}
}

func TestEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range eino.Tools(state.New(nil), nil) {
		info, _ := c.Info(ctx)
		if info.Name != "ls" {
			continue
		}
		if out, err := c.(etool.InvokableTool).InvokableRun(ctx, `{}`); !errors.Is(err, context.Canceled) || out != "" {
			t.Errorf("%q, %v", out, err)
		}
	}
}
