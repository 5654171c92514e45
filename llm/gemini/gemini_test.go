package gemini_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/gemini"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
)

func model(t testing.TB, name string, o gemini.Options) *gemini.Model {
	t.Helper()
	o.Key = llmtest.Key
	m, err := gemini.New(name, &o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const counted = `"usageMetadata":{"promptTokenCount":3200,"toolUsePromptTokenCount":10,"cachedContentTokenCount":3000,"candidatesTokenCount":30,"thoughtsTokenCount":12,"totalTokenCount":3252}`

var usage = llm.Usage{Input: 3210, Output: 42, CacheRead: 3000}

func parts(list string) string {
	return `data: {"candidates":[{"content":{"role":"model","parts":[` + list + `]},"index":0}],"usageMetadata":{"promptTokenCount":3200},"modelVersion":"x"}`
}

func finish(why, list string) string {
	return `data: {"candidates":[{"content":{"role":"model","parts":[` + list + `]},"finishReason":"` + why + `","index":0}],` + counted + `}`
}

func reply(stop llm.Stop, blocks ...llm.Block) llm.Reply {
	return llm.Reply{Message: llm.Message{Content: blocks}, Stop: stop, Usage: usage}
}

func thought(text, opaque string) llm.Block {
	return llm.Block{Reasoning: &llm.Reasoning{Text: text, Provider: "gemini", Opaque: json.RawMessage(opaque)}}
}

func called(id, name, input, opaque string) llm.Block {
	c := &llm.Call{ID: id, Name: name, Input: llm.Input(input)}
	if opaque != "" {
		c.Opaque = json.RawMessage(opaque)
	}
	return llm.Block{Call: c}
}

var any = llmtest.AnyID

var cases = []llmtest.Case{
	{Name: "text", Events: []string{parts(`{"text":"Good "}`), parts(`{"text":"día\n"}`), finish("STOP", `{"text":"é"}`)},
		Want: reply(llm.End, llm.Block{Text: "Good día\né"})},
	{Name: "reasoning", Events: []string{
		parts(`{"text":"Let me ","thought":true}`), parts(`{"text":"see","thought":true}`), parts(`{"text":"So"}`), parts(`{"text":".","thoughtSignature":"c2ln"}`),
		finish("STOP", `{"text":"","thoughtSignature":"ZW5k"}`),
	}, Want: reply(llm.End, thought("Let me see", ""), llm.Block{Text: "So."}, thought("", `{"signature":"c2ln","of":"text"}`), thought("", `{"signature":"ZW5k"}`))},
	{Name: "signed thought", Events: []string{parts(`{"text":"Hm","thought":true,"thoughtSignature":"c2ln"}`), parts(`{"text":"Ah","thought":true}`), finish("STOP", "")},
		Want: reply(llm.End, thought("Hm", `{"signature":"c2ln","of":"thought"}`), thought("Ah", ""))},
	{Name: "calls", Events: []string{
		parts(`{"text":"I read."}`),
		parts(`{"functionCall":{"name":"read_file","args":{"path":"a"}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"now","args":{}}}`),
		parts(`{"functionCall":{"id":"fc1","name":"now"}}`), finish("STOP", `{"text":""}`),
	}, Want: reply(llm.Calls, llm.Block{Text: "I read."}, called(any, "read_file", `{"path":"a"}`, `{"signature":"c2ln"}`), called(any, "now", "{}", ""), called("fc1", "now", "", ""))},
	{Name: "length in a call", Events: []string{parts(`{"functionCall":{"name":"now","args":{"a":[1]}}}`), finish("MAX_TOKENS", "")},
		Want: reply(llm.Length, called(any, "now", `{"a":[1]}`, ""))},
	{Name: "safety", Events: []string{parts(`{"text":"Well"}`), finish("SAFETY", "")}, Want: reply(llm.Refused, llm.Block{Text: "Well"})},
	{Name: "blocked", Events: []string{`data: {"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},` + counted + `}`}, Want: reply(llm.Refused)},
	{Name: "new things", Events: []string{parts(`{"executableCode":{"code":"1"}},{"text":"ok"}`), finish("TOMORROW", "")}, Want: reply(llm.Other, llm.Block{Text: "ok"})},
}

func TestProvider(t *testing.T) {
	llmtest.Test(t, llmtest.Provider{
		New: func(t testing.TB, base string, client *http.Client) llm.Model {
			return model(t, "gemini-3.8-flash", gemini.Options{BaseURL: base, Client: client})
		},
		KeyHeader: "X-Goog-Api-Key",
		Cases:     cases,
		Noise:     []string{`data: {"candidates":[{"index":1,"content":{"parts":[{"text":"another"}]},"finishReason":"STOP"}]}`, `data: {"modelStatus":{}}`},
		Fault:     `data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}`,
	})
}

func with(t testing.TB, name string, o gemini.Options) func(*http.Client) llm.Model {
	return func(client *http.Client) llm.Model {
		o.Client = client
		return model(t, name, o)
	}
}

func TestRequests(t *testing.T) {
	flash := with(t, "gemini-3.8-flash", gemini.Options{})
	llmtest.TestRequests(t, flash)
	llmtest.TestRefused(t, flash, llmtest.Request{Name: "vector", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Media: &llm.Media{Type: "image/svg+xml", Data: []byte("x")}}}},
	}}})
	llmtest.Golden(t, flash, llmtest.Request{Name: "reasoning", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Text: "hi"}, {Media: &llm.Media{Type: "audio/wav", Data: []byte("sound")}}}},
		{Role: llm.Assistant, Content: []llm.Block{
			thought("unsigned", ""), thought("signed", `{"signature":"dGhvdWdodA==","of":"thought"}`), {Text: "I read."}, thought("", `{"signature":"dGV4dA==","of":"text"}`),
			called("a", "read_file", `{"path":"a"}`, `{"signature":"Y2FsbA=="}`), called("b", "now", "", ""), thought("", `{"signature":"ZW5k"}`),
		}},
		{Role: llm.User, Content: []llm.Block{{Result: &llm.Result{ID: "a", Name: "read_file", Text: "A"}}, {Result: &llm.Result{ID: "b", Name: "now", Text: "noon"}}}},
	}}})
}

// TestThinking looks at what efforts come to, by the name of the model.
func TestThinking(t *testing.T) {
	for _, c := range []struct {
		model    string
		how      gemini.Thinking
		effort   llm.Effort
		has, not string
	}{
		{"gemini-3.8-flash", "", "", `"includeThoughts": true`, "thinkingLevel"},
		{"gemini-3-pro-preview", "", llm.Low, `"thinkingLevel": "LOW"`, "thinkingBudget"},
		{"models/gemini-2.5-pro", "", llm.High, `"thinkingBudget": 24576`, "thinkingLevel"},
		{"gemini-2.5-flash", "", "", `"includeThoughts": true`, "thinkingBudget"},
		{"gemini-2.0-flash", "", llm.High, "maxOutputTokens", "thinking"},
		{"gemini-flash-latest", "", llm.Medium, `"thinkingLevel": "MEDIUM"`, "thinkingBudget"},
		{"gemini-flash-latest", "", "", "maxOutputTokens", "thinking"},
		{"gemini-3.8-flash", gemini.None, llm.High, "maxOutputTokens", "thinking"},
		{"gemini-3.8-flash", gemini.Budget, llm.Low, `"thinkingBudget": 1024`, "thinkingLevel"},
	} {
		req := llmtest.Ask()
		req.Effort = c.effort
		sent := llmtest.Sent(t, with(t, c.model, gemini.Options{Thinking: c.how}), req)
		if !strings.Contains(sent, c.has) || strings.Contains(sent, c.not) {
			t.Errorf("%+v: %s", c, sent)
		}
	}
	call := &llm.Request{Messages: []llm.Message{{Role: llm.Assistant, Content: []llm.Block{called("a", "now", "", "")}}}}
	if sent := llmtest.Sent(t, with(t, "gemini-2.5-pro", gemini.Options{}), call); strings.Contains(sent, "thoughtSignature") {
		t.Errorf("2.5 gets a signature that it did not give: %s", sent)
	}
}

func TestSenseless(t *testing.T) {
	m := model(t, "gemini-3.8-flash", gemini.Options{Client: llmtest.Canned([]string{finish("MALFORMED_FUNCTION_CALL", "")})})
	if r, err := llm.Generate(t.Context(), m, llmtest.Ask()); r != nil || !llm.Again(err) {
		t.Error(r, err)
	}
}
