package langchaingo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tmc/langchaingo/agents"
	"github.com/tmc/langchaingo/chains"
	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/tools"
)

// turn is what the scripted model does in one step: calls, each a name and its
// arguments, or, without any, the end.
type turn [][2]string

// scripted is a model that plays turns and keeps what it is told.
type scripted struct {
	turns     []turn
	step      int
	functions []llms.FunctionDefinition
	shown     map[string]string
}

func (m *scripted) Call(ctx context.Context, prompt string, options ...llms.CallOption) (string, error) {
	return llms.GenerateFromSinglePrompt(ctx, m, prompt, options...)
}

func (m *scripted) GenerateContent(_ context.Context, messages []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	var o llms.CallOptions
	for _, f := range options {
		f(&o)
	}
	m.functions, m.shown = o.Functions, map[string]string{}
	for _, msg := range messages {
		for _, p := range msg.Parts {
			if r, ok := p.(llms.ToolCallResponse); ok {
				m.shown[r.ToolCallID] = r.Content
			}
		}
	}
	choice := &llms.ContentChoice{Content: "done"}
	if m.step < len(m.turns) {
		choice.Content = ""
		for i, c := range m.turns[m.step] {
			choice.ToolCalls = append(choice.ToolCalls, llms.ToolCall{
				ID: fmt.Sprintf("call-%d-%d", m.step, i), Type: "function",
				FunctionCall: &llms.FunctionCall{Name: c[0], Arguments: c[1]},
			})
		}
		m.step++
	}
	return &llms.ContentResponse{Choices: []*llms.ContentChoice{choice}}, nil
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

// run lets an agent that calls functions work until it ends.
func run(ctx context.Context, m llms.Model, all []tools.Tool) error {
	agent := agents.NewOpenAIFunctionsAgent(m, all)
	answer, err := chains.Run(ctx, agents.NewExecutor(agent, agents.WithMaxIterations(20)), "go")
	if err == nil && answer != "done" {
		err = errors.New(answer)
	}
	return err
}
