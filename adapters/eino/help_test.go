package eino_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cloudwego/eino/adk"
	"github.com/cloudwego/eino/components/model"
	"github.com/cloudwego/eino/schema"
)

// turn is what the scripted model does in one step: calls, each a name and its
// arguments, or, without any, the end.
type turn [][2]string

// scripted is a model that plays turns and keeps the last results that it is
// shown.
type scripted struct {
	turns []turn

	mu    sync.Mutex
	step  int
	tools []*schema.ToolInfo
	shown []*schema.Message // results of tools, all of them
}

func (m *scripted) Generate(_ context.Context, in []*schema.Message, opts ...model.Option) (*schema.Message, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := model.GetCommonOptions(nil, opts...); o.Tools != nil {
		m.tools = o.Tools
	}
	m.shown = nil
	for _, msg := range in {
		if msg.Role == schema.Tool {
			m.shown = append(m.shown, msg)
		}
	}
	if m.step >= len(m.turns) {
		return schema.AssistantMessage("done", nil), nil
	}
	var calls []schema.ToolCall
	for i, c := range m.turns[m.step] {
		id := fmt.Sprintf("call-%d-%d", m.step, i)
		calls = append(calls, schema.ToolCall{ID: id, Type: "function", Function: schema.FunctionCall{Name: c[0], Arguments: c[1]}})
	}
	m.step++
	return schema.AssistantMessage("", calls), nil
}

func (m *scripted) Stream(ctx context.Context, in []*schema.Message, opts ...model.Option) (*schema.StreamReader[*schema.Message], error) {
	msg, err := m.Generate(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	return schema.StreamReaderFromArray([]*schema.Message{msg}), nil
}

func (m *scripted) WithTools(tools []*schema.ToolInfo) (model.ToolCallingChatModel, error) {
	m.tools = tools
	return m, nil
}

// result is what the model was shown for call i of step s.
func (m *scripted) result(t testing.TB, s, i int) string {
	t.Helper()
	for _, msg := range m.shown {
		if msg.ToolCallID == fmt.Sprintf("call-%d-%d", s, i) {
			return msg.Content
		}
	}
	t.Fatalf("nothing for call %d of step %d", i, s)
	return ""
}

// run lets an agent work until it ends.
func run(ctx context.Context, agent adk.Agent, streaming bool) error {
	it := adk.NewRunner(ctx, adk.RunnerConfig{Agent: agent, EnableStreaming: streaming}).Query(ctx, "go")
	for {
		event, ok := it.Next()
		if !ok {
			return nil
		}
		if event.Err != nil {
			return event.Err
		}
		if event.Output == nil || event.Output.MessageOutput == nil {
			continue
		}
		if _, err := event.Output.MessageOutput.GetMessage(); err != nil {
			return err
		}
	}
}

func wantText(t testing.TB, what, got string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(got, p) {
			t.Errorf("%s: %q does not have %q", what, got, p)
		}
	}
}
