package langchaingo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
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

func put(t testing.TB, b hutch.Backend, name, content string) {
	t.Helper()
	if _, err := hutch.WriteFile(t.Context(), b, name, []byte(content), nil); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t testing.TB, b hutch.Backend, name, content string) {
	t.Helper()
	got, err := hutch.ReadFile(t.Context(), b, name)
	if err != nil || string(got) != content {
		t.Errorf("%s: %q, %v; want %q", name, got, err, content)
	}
}

// lacking skips what the machine cannot give, or fails where it must.
func lacking(t testing.TB, what string, reason any) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("HUTCH_REQUIRE"), ","), what) {
		t.Fatalf("HUTCH_REQUIRE has %s, but: %v", what, reason)
	}
	t.Skip(reason)
}

func jailed(t testing.TB) *local.Sandbox {
	t.Helper()
	if runtime.GOOS != "linux" {
		lacking(t, "jail", runtime.GOOS)
	}
	s, err := local.Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if _, err := s.Isolation(t.Context()); err != nil {
		lacking(t, "jail", err)
	}
	return s
}

var errGone = errors.New("the connection is gone")

// gone is a workspace that no longer answers.
type gone struct{ hutch.Backend }

func (gone) Open(context.Context, string) (hutch.File, error) { return nil, errGone }
func (gone) Stat(context.Context, string) (hutch.Info, error) { return hutch.Info{}, errGone }
