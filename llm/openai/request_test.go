package openai_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
	"github.com/hutch-dev/hutch/llm/openai"
)

func with(t testing.TB, name string, o openai.Options) func(*http.Client) llm.Model {
	return func(client *http.Client) llm.Model {
		o.Client = client
		return model(t, name, o)
	}
}

func TestRequests(t *testing.T) {
	gpt := with(t, "gpt-5.4", openai.Options{})
	llmtest.TestRequests(t, gpt)
	llmtest.TestRefused(t, gpt, llmtest.Request{Name: "film", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Media: &llm.Media{Type: "video/mp4", Data: []byte("x")}}}},
	}}})
	llmtest.Golden(t, gpt, llmtest.Request{Name: "reasoning", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Text: "hi"}, {Media: &llm.Media{Type: "audio/wav", Data: []byte("sound")}}}},
		{Role: llm.Assistant, Content: []llm.Block{thought("I think", `{"field":"reasoning_content"}`), called("call_1", "now", "")}},
		{Role: llm.User, Content: []llm.Block{{Result: &llm.Result{ID: "call_1", Name: "now", Text: "noon"}}}},
		{Role: llm.Assistant, Content: []llm.Block{thought("I see", `{"field":"reasoning","details":[{"type":"reasoning.text","text":"I see","signature":"s"}]}`), {Text: "Noon."}}},
		{Role: llm.Assistant, Content: []llm.Block{thought("alone", `{"field":"reasoning"}`)}},
		{Role: llm.User, Content: []llm.Block{{Text: "bye"}}},
	}}})
}

// TestOptions looks for what options change.
func TestOptions(t *testing.T) {
	effort := llmtest.Ask()
	effort.Effort = llm.Medium
	thinks := &llm.Request{Messages: []llm.Message{
		{Role: llm.Assistant, Content: []llm.Block{thought("I think", `{"field":"reasoning"}`), {Text: "x"}}},
	}}
	for _, c := range []struct {
		model    string
		opts     openai.Options
		req      *llm.Request
		has, not string
	}{
		{"gpt-5.4", openai.Options{}, effort, `"max_completion_tokens": 16384`, `"max_tokens"`},
		{"gpt-5.4", openai.Options{BaseURL: "https://x.openai.azure.com/openai/v1?api-version=1"}, effort, `/openai/v1/chat/completions?api-version=1`, `"max_tokens"`},
		{"qwen3", openai.Options{BaseURL: "http://localhost:11434/v1/"}, effort, `"max_tokens": 16384`, `"max_completion_tokens"`},
		{"qwen3", openai.Options{BaseURL: "https://notopenai.com/v1", Limit: openai.MaxCompletionTokens}, effort, `"max_completion_tokens": 16384`, `"max_tokens"`},
		{"x", openai.Options{BaseURL: "https://notopenai.com/v1"}, effort, `"max_tokens": 16384`, `"max_completion_tokens"`},
		{"gpt-5.4", openai.Options{Limit: openai.MaxTokens}, effort, `"max_tokens": 16384`, `"max_completion_tokens"`},
		{"gpt-5.4", openai.Options{}, effort, `"reasoning_effort": "medium"`, "none"},
		{"gpt-4.1", openai.Options{}, effort, "gpt-4.1", `reasoning_effort`},
		{"gpt-5.4", openai.Options{Effort: "-"}, effort, "gpt-5.4", `reasoning_effort`},
		{"gpt-5.6-sol", openai.Options{Effort: "none"}, llmtest.Ask(), `"reasoning_effort": "none"`, "medium"},
		{"x", openai.Options{}, thinks, `"reasoning": "I think"`, "reasoning_content"},
		{"x", openai.Options{DropReasoning: true}, thinks, `"content": "x"`, "I think"},
		{"x", openai.Options{Provider: "other"}, thinks, `"content": "x"`, "I think"},
		{"x", openai.Options{Header: http.Header{"authorization": {"Basic abcdefgh"}}}, effort, "Authorization: Basic abcdefgh", "Bearer"},
	} {
		sent := llmtest.Sent(t, with(t, c.model, c.opts), c.req)
		if !strings.Contains(sent, c.has) || strings.Contains(sent, c.not) {
			t.Errorf("%s %+v: not %q, or %q, in\n%s", c.model, c.opts, c.has, c.not, sent)
		}
	}
}
