package trpc_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"trpc.group/trpc-go/trpc-agent-go/agent/llmagent"
	"trpc.group/trpc-go/trpc-agent-go/model"
	"trpc.group/trpc-go/trpc-agent-go/runner"
	"trpc.group/trpc-go/trpc-agent-go/tool"
)

// turn is what the scripted model does in one step: calls, each a name and its
// arguments, or, without any, the end.
type turn [][2]string

// scripted is a model that plays turns and keeps what it is told.
type scripted struct {
	turns []turn

	mu    sync.Mutex
	step  int
	tools map[string]tool.Tool
	shown map[string]string
	// Calls that do not fit the schema come back as messages of the user.
	misfits string
}

func (m *scripted) Info() model.Info { return model.Info{Name: "scripted"} }

func (m *scripted) GenerateContent(_ context.Context, req *model.Request) (<-chan *model.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tools, m.shown, m.misfits = req.Tools, map[string]string{}, ""
	for _, msg := range req.Messages {
		if msg.Role == model.RoleTool {
			m.shown[msg.ToolID] = msg.Content
		} else if strings.HasPrefix(msg.Content, "[invalid_tool_result]") {
			m.misfits += msg.Content + "\n"
		}
	}
	msg := model.Message{Role: model.RoleAssistant}
	if m.step >= len(m.turns) {
		msg.Content = "done"
	} else {
		for i, c := range m.turns[m.step] {
			msg.ToolCalls = append(msg.ToolCalls, model.ToolCall{
				Type: "function", ID: fmt.Sprintf("call-%d-%d", m.step, i),
				Function: model.FunctionDefinitionParam{Name: c[0], Arguments: []byte(c[1])},
			})
		}
		m.step++
	}
	out := make(chan *model.Response, 1)
	out <- &model.Response{Object: model.ObjectTypeChatCompletion, Choices: []model.Choice{{Message: msg}}, Done: true}
	close(out)
	return out, nil
}

// wants checks what the model was shown for call i of step s.
func (m *scripted) wants(t testing.TB, s, i int, parts ...string) {
	t.Helper()
	text, ok := m.shown[fmt.Sprintf("call-%d-%d", s, i)]
	if !ok {
		t.Errorf("nothing for call %d of step %d", i, s)
	}
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("call %d of step %d: %q does not have %q", i, s, text, p)
		}
	}
}

// run lets an agent work until it ends.
func run(ctx context.Context, m *scripted, tools []tool.Tool, parallel bool) error {
	agent := llmagent.New("coder", llmagent.WithModel(m), llmagent.WithTools(tools), llmagent.WithEnableParallelTools(parallel))
	r := runner.NewRunner("app", agent)
	defer r.Close()
	events, err := r.Run(ctx, "somebody", "session", model.NewUserMessage("go"))
	if err != nil {
		return err
	}
	for e := range events {
		if e.Error != nil && err == nil {
			err = errors.New(e.Error.Message)
		}
	}
	return err
}
