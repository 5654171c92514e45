package eino_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/cloudwego/eino/adk"
	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/cloudwego/eino/adk/middlewares/plantask"
	"github.com/cloudwego/eino/adk/middlewares/skill"
	"github.com/cloudwego/eino/adk/prebuilt/deep"
	"github.com/cloudwego/eino/compose"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
)

// deepAgent is Eino's own deep agent on b, with commands where b has them.
func deepAgent(t testing.TB, m *scripted, b hutch.Backend, streaming bool) adk.Agent {
	t.Helper()
	cfg := &deep.Config{
		Name: "deep", Description: "works", ChatModel: m, Backend: eino.NewBackend(b, nil), MaxIteration: 40,
		ToolsConfig: adk.ToolsConfig{ToolsNodeConfig: compose.ToolsNodeConfig{ToolCallMiddlewares: []compose.ToolMiddleware{eino.Mend()}}},
	}
	if shell, err := eino.NewShell(b, nil); err == nil {
		if cfg.Shell = shell; streaming {
			cfg.Shell, cfg.StreamingShell = nil, shell
		}
	}
	a, err := deep.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDeepAgent(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		b := state.New(nil)
		m := &scripted{turns: []turn{
			{{"write_todos", `{"todos":[{"content":"a","activeForm":"doing a","status":"pending"}]}`}},
			{{"write_file", `{"file_path":"/src/a.go","content":"package a\n"}`}, {"write_file", `{"file_path":"/src/b.go","content":"package b\n"}`}},
			{{"read_file", `{"file_path":"/src/a.go"}`}, {"read_file", `{"file_path":"/none"}`}},
			{{"edit_file", `{"file_path":"/src/a.go","old_string":"package x","new_string":"package y"}`}},
			{{"edit_file", `{"file_path":"/src/`}, {"read_file", `{"file_path":"/../etc/passwd"}`}},
			{{"edit_file", `{"file_path":"/src/a.go","old_string":"package a","new_string":"package c"}`}},
			{{"ls", `{"path":"/"}`}, {"glob", `{"pattern":"**/*.go"}`}, {"grep", `{"pattern":"package","output_mode":"content"}`}},
		}}
		if err := run(t.Context(), deepAgent(t, m, b, streaming), streaming); err != nil {
			t.Fatal(err)
		}
		wantText(t, "read", m.result(t, 2, 0), "1\tpackage a")
		wantText(t, "missing", m.result(t, 2, 1), "Error: '/none': ", "not exist")
		wantText(t, "failing edit", m.result(t, 3, 0), "Error: '/src/a.go': ", "not in the file", "package a")
		wantText(t, "broken JSON", m.result(t, 4, 0), "Error: ", "JSON")
		wantText(t, "outside", m.result(t, 4, 1), "Error: ", "leaves the workspace")
		wantText(t, "ls", m.result(t, 6, 0), "/src")
		wantText(t, "glob", m.result(t, 6, 1), "/src/a.go\n/src/b.go")
		wantText(t, "grep", m.result(t, 6, 2), "/src/a.go:1:package c")
		testroom.Want(t, b, "src/a.go", "package c\n")
		testroom.Want(t, b, "src/b.go", "package b\n")
	}
}

func TestDeepAgentExecutes(t *testing.T) {
	for _, streaming := range []bool{false, true} {
		s := testroom.Jail(t)
		m := &scripted{turns: []turn{
			{{"write_file", `{"file_path":"/workspace/run.sh","content":"echo in $PWD; echo wrong >&2; exit 3\n"}`}},
			{{"execute", `{"command":"sh /workspace/run.sh"}`}, {"execute", `{"command":"true"}`}},
			{{"execute", `{"command":"sed s/3/0/ run.sh > copy.sh"}`}},
			{{"read_file", `{"file_path":"/workspace/copy.sh"}`}, {"read_file", `{"file_path":"/etc/passwd"}`}},
		}}
		if err := run(t.Context(), deepAgent(t, m, s, streaming), streaming); err != nil {
			t.Fatal(err)
		}
		wantText(t, "execute", m.result(t, 1, 0), "in /workspace\nwrong\n", "exit code 3")
		wantText(t, "execute", m.result(t, 1, 1), "no output")
		wantText(t, "read", m.result(t, 3, 0), "exit 0")
		wantText(t, "outside", m.result(t, 3, 1), "Error: ", "which is at /workspace")
		testroom.Want(t, s, "copy.sh", "echo in $PWD; echo wrong >&2; exit 0\n")
	}
}

// A refusal of a guard is for the model; that the workspace is gone is not.
func TestMend(t *testing.T) {
	files := state.New(nil)
	testroom.Put(t, files, "a", "one")
	set := policy.ReadOnly()
	check, err := set.Checker(nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := guard.New(t.Context(), files, check, nil)
	if err != nil {
		t.Fatal(err)
	}
	m := &scripted{turns: []turn{{{"write_file", `{"file_path":"/a","content":"two"}`}}, {{"read_file", `{"file_path":"a"}`}}}}
	if err := run(t.Context(), deepAgent(t, m, b, false), false); err != nil {
		t.Fatal(err)
	}
	wantText(t, "refusal", m.result(t, 0, 0), "Permission denied for write")
	testroom.Want(t, files, "a", "one")

	m = &scripted{turns: []turn{{{"read_file", `{"file_path":"/a"}`}}}}
	if err := run(t.Context(), deepAgent(t, m, testroom.Gone{Backend: files}, false), false); !errors.Is(err, testroom.ErrGone) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	next := func(context.Context, *compose.ToolInput) (*compose.ToolOutput, error) {
		cancel()
		_, err := eino.NewBackend(files, nil).Read(t.Context(), &filesystem.ReadRequest{FilePath: "none"})
		return nil, err
	}
	if out, err := eino.Mend().Invokable(next)(ctx, &compose.ToolInput{Arguments: "{}"}); !errors.Is(err, fs.ErrNotExist) || out != nil {
		t.Errorf("%v, %v", out, err)
	}
	other := func(context.Context, *compose.ToolInput) (*compose.ToolOutput, error) { return nil, fs.ErrNotExist }
	if out, err := eino.Mend().Invokable(other)(t.Context(), &compose.ToolInput{Arguments: "{}"}); !errors.Is(err, fs.ErrNotExist) || out != nil {
		t.Errorf("an error of another tool: %v, %v", out, err)
	}
}

// Eino's middlewares for plans and skills keep their files in a workspace.
func TestMiddlewares(t *testing.T) {
	files := state.New(nil)
	testroom.Put(t, files, "skills/sums/SKILL.md", "---\nname: sums\ndescription: adds numbers\n---\nAdd them one by one.\n")
	b := eino.NewBackend(files, nil)
	plan, err := plantask.New(t.Context(), &plantask.Config{Backend: b, BaseDir: "/plan"})
	if err != nil {
		t.Fatal(err)
	}
	from, err := skill.NewBackendFromFilesystem(t.Context(), &skill.BackendFromFilesystemConfig{Backend: b, BaseDir: "/skills"})
	if err != nil {
		t.Fatal(err)
	}
	skills, err := skill.NewMiddleware(t.Context(), &skill.Config{Backend: from})
	if err != nil {
		t.Fatal(err)
	}
	m := &scripted{turns: []turn{
		{{"TaskCreate", `{"subject":"first","description":"do it"}`}},
		{{"TaskCreate", `{"subject":"second","description":"do it too"}`}},
		{{"TaskList", `{}`}, {"skill", `{"skill":"sums"}`}},
	}}
	agent, err := adk.NewChatModelAgent(t.Context(), &adk.ChatModelAgentConfig{
		Name: "planner", Description: "plans", Model: m, Handlers: []adk.ChatModelAgentMiddleware{plan, skills},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), agent, false); err != nil {
		t.Fatal(err)
	}
	wantText(t, "list", m.result(t, 2, 0), "first", "second")
	wantText(t, "skill", m.result(t, 2, 1), "Add them one by one.")
	if data, err := hutch.ReadFile(t.Context(), files, "plan/2.json"); err != nil || !strings.Contains(string(data), "second") {
		t.Errorf("%s, %v", data, err)
	}
}
