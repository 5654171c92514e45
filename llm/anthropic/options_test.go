package anthropic_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/anthropic"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
)

// TestThinking looks at what efforts come to, by the name of the model.
func TestThinking(t *testing.T) {
	const adaptive, enabled, effort = `"type": "adaptive"`, `"type": "enabled"`, `"effort"`
	for _, c := range []struct {
		model  string
		opts   anthropic.Options
		effort llm.Effort
		tokens int
		has    []string
		not    []string
	}{
		{"claude-opus-5-5", anthropic.Options{}, "", 0, []string{adaptive, `"summarized"`}, []string{effort, enabled}},
		{"claude-sonnet-5", anthropic.Options{}, llm.Low, 0, []string{adaptive, `"effort": "low"`}, []string{enabled}},
		{"claude-opus-4-8", anthropic.Options{}, "", 0, nil, []string{`"thinking"`, effort}},
		{"claude-opus-4-6", anthropic.Options{}, llm.High, 0, []string{adaptive, `"effort": "high"`}, []string{enabled}},
		{"claude-mythos-preview", anthropic.Options{}, llm.High, 0, []string{adaptive}, []string{enabled}},
		{"claude-haiku-4-5-20251001", anthropic.Options{}, llm.High, 0, []string{enabled, `"budget_tokens": 8192`}, []string{effort, adaptive}},
		{"claude-sonnet-4-20250514", anthropic.Options{}, llm.Low, 0, []string{enabled, `"budget_tokens": 2048`}, []string{effort}},
		{"claude-3-7-sonnet-latest", anthropic.Options{}, llm.Medium, 2000, []string{enabled, `"budget_tokens": 1024`}, []string{effort}},
		{"claude-3-7-sonnet-latest", anthropic.Options{}, llm.Medium, 1024, nil, []string{`"thinking"`}},
		{"claude-haiku-4-5", anthropic.Options{}, "", 0, nil, []string{`"thinking"`}},
		{"claude-3-5-haiku-20241022", anthropic.Options{}, llm.High, 0, nil, []string{`"thinking"`, effort}},
		{"claude-2.1", anthropic.Options{}, llm.High, 0, nil, []string{`"thinking"`, effort}},
		{"kimi", anthropic.Options{BaseURL: "https://moon.test"}, "", 0, nil, []string{`"thinking"`, effort}},
		{"kimi", anthropic.Options{BaseURL: "https://moon.test", Thinking: anthropic.None}, llm.High, 0, nil, []string{`"thinking"`, effort}},
		{"claude-opus-5-5", anthropic.Options{DropStale: true}, "", 0, []string{`"prefix_mismatch_behavior": "drop_block"`, "Anthropic-Beta: thinking-binding-controls-2026-08-01"}, nil},
		{"claude-opus-5-5", anthropic.Options{DropStale: true, Header: http.Header{"Anthropic-Beta": {"mine-1"}}}, "", 0, []string{"Anthropic-Beta: mine-1", "Anthropic-Beta: thinking-binding"}, nil},
		{"claude-opus-5-5", anthropic.Options{NoCache: true}, "", 0, nil, []string{"cache_control"}},
	} {
		req := llmtest.Ask()
		req.Effort, req.MaxTokens = c.effort, c.tokens
		sent := llmtest.Sent(t, func(client *http.Client) llm.Model {
			c.opts.Client = client
			return model(t, c.model, c.opts)
		}, req)
		for _, s := range c.has {
			if !strings.Contains(sent, s) {
				t.Errorf("%+v does not send %s: %s", c, s, sent)
			}
		}
		for _, s := range c.not {
			if strings.Contains(sent, s) {
				t.Errorf("%+v sends %s: %s", c, s, sent)
			}
		}
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		model string
		opts  *anthropic.Options
		want  error
	}{
		{"claude-x", nil, llm.ErrAuth},
		{"claude-x", &anthropic.Options{BaseURL: "https://api.anthropic.com/v1/"}, llm.ErrAuth},
		{"claude-x", &anthropic.Options{Header: http.Header{"Authorization": {"Bearer 0123456789"}}}, nil},
		{"claude-x", &anthropic.Options{BaseURL: "http://localhost:1"}, nil},
		{"", &anthropic.Options{Key: "k"}, llm.ErrUnknown},
		{"two words", &anthropic.Options{Key: "k"}, llm.ErrUnknown},
		{"claude-x", &anthropic.Options{Key: "k", Thinking: "deep"}, llm.ErrRequest},
	} {
		if _, err := anthropic.New(c.model, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%q %+v: %v", c.model, c.opts, err)
		}
	}
}

// TestHalf are streams that end with the mark of a whole message, and are none.
func TestHalf(t *testing.T) {
	for name, events := range map[string][]string{
		"in a block":    {begin, started("0", `{"type":"text","text":"x"}`), stopped("end_turn", "{}"), stop},
		"no calls":      {begin, stopped("tool_use", "{}"), stop},
		"block twice":   {begin, started("0", `{"type":"text","text":"x"}`), started("0", `{"type":"text","text":"x"}`)},
		"no such block": {begin, delta("7", `{"type":"text_delta","text":"x"}`)},
	} {
		m := model(t, "claude-x", anthropic.Options{Client: llmtest.Canned(events)})
		if r, err := llm.Generate(t.Context(), m, llmtest.Ask()); !errors.Is(err, llm.ErrAnswer) {
			t.Errorf("%s: %v %v", name, r, err)
		}
	}
}

// Reasoning before which something was changed is sent only where it is bound to
// nothing.
func TestStale(t *testing.T) {
	for name, want := range map[string]bool{"claude-opus-5-5": false, "claude-sonnet-4-5": true, "claude-next": false} {
		req := llmtest.Ask()
		old, now := thought("", `{"type":"thinking","signature":"old"}`), thought("", `{"type":"thinking","signature":"now"}`)
		old.Reasoning.Stale = true
		req.Messages = append(req.Messages, llm.Message{Role: llm.Assistant, Content: []llm.Block{old, now, {Text: "So."}}}, req.Messages[0])
		sent := llmtest.Sent(t, func(client *http.Client) llm.Model {
			return model(t, name, anthropic.Options{Client: client})
		}, req)
		if strings.Contains(sent, `"old"`) != want || !strings.Contains(sent, `"now"`) {
			t.Errorf("%s: %s", name, sent)
		}
	}
}
