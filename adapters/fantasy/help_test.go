package fantasy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"charm.land/fantasy"
)

// turn is what the scripted model does in one step: calls, each a name and its
// arguments, or, without any, the end.
type turn [][2]string

// scripted is a model that plays turns and keeps what it is told.
type scripted struct {
	fantasy.LanguageModel // what is not used

	turns []turn
	step  int
	tools []fantasy.Tool
	shown map[string]fantasy.ToolResultOutputContent
}

func (m *scripted) Provider() string { return "scripted" }
func (m *scripted) Model() string    { return "scripted" }

func (m *scripted) next(call fantasy.Call) []fantasy.ToolCallContent {
	m.tools, m.shown = call.Tools, map[string]fantasy.ToolResultOutputContent{}
	for _, msg := range call.Prompt {
		for _, p := range msg.Content {
			if r, ok := fantasy.AsMessagePart[fantasy.ToolResultPart](p); ok {
				m.shown[r.ToolCallID] = r.Output
			}
		}
	}
	if m.step >= len(m.turns) {
		return nil
	}
	var calls []fantasy.ToolCallContent
	for i, c := range m.turns[m.step] {
		calls = append(calls, fantasy.ToolCallContent{ToolCallID: fmt.Sprintf("call-%d-%d", m.step, i), ToolName: c[0], Input: c[1]})
	}
	m.step++
	return calls
}

func (m *scripted) Generate(_ context.Context, call fantasy.Call) (*fantasy.Response, error) {
	r := &fantasy.Response{FinishReason: fantasy.FinishReasonToolCalls}
	for _, c := range m.next(call) {
		r.Content = append(r.Content, c)
	}
	if len(r.Content) == 0 {
		r.Content, r.FinishReason = fantasy.ResponseContent{fantasy.TextContent{Text: "done"}}, fantasy.FinishReasonStop
	}
	return r, nil
}

func (m *scripted) Stream(_ context.Context, call fantasy.Call) (fantasy.StreamResponse, error) {
	calls := m.next(call)
	return func(yield func(fantasy.StreamPart) bool) {
		reason := fantasy.FinishReasonStop
		for _, c := range calls {
			reason = fantasy.FinishReasonToolCalls
			if !yield(fantasy.StreamPart{Type: fantasy.StreamPartTypeToolCall, ID: c.ToolCallID, ToolCallName: c.ToolName, ToolCallInput: c.Input}) {
				return
			}
		}
		yield(fantasy.StreamPart{Type: fantasy.StreamPartTypeFinish, FinishReason: reason})
	}, nil
}

// result is what the model was shown for call i of step s, and whether as a failure.
func (m *scripted) result(t testing.TB, s, i int) (text string, failed bool) {
	t.Helper()
	switch r := m.shown[fmt.Sprintf("call-%d-%d", s, i)].(type) {
	case fantasy.ToolResultOutputContentText:
		return r.Text, false
	case fantasy.ToolResultOutputContentError:
		return r.Error.Error(), true
	default:
		t.Fatalf("call %d of step %d: %#v", i, s, r)
		return "", false
	}
}

func (m *scripted) wants(t testing.TB, s, i int, failed bool, parts ...string) {
	t.Helper()
	text, f := m.result(t, s, i)
	if f != failed {
		t.Errorf("call %d of step %d: failed %t: %q", i, s, f, text)
	}
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("call %d of step %d: %q does not have %q", i, s, text, p)
		}
	}
}

// run lets an agent work until it ends.
func run(ctx context.Context, m *scripted, tools []fantasy.AgentTool, streaming bool) error {
	agent := fantasy.NewAgent(m, fantasy.WithTools(tools...))
	if streaming {
		_, err := agent.Stream(ctx, fantasy.AgentStreamCall{Prompt: "go"})
		return err
	}
	_, err := agent.Generate(ctx, fantasy.AgentCall{Prompt: "go"})
	return err
}
