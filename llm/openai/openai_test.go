package openai_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
	"github.com/hutch-dev/hutch/llm/openai"
)

func model(t testing.TB, name string, o openai.Options) *openai.Model {
	t.Helper()
	o.Key = llmtest.Key
	m, err := openai.New(name, &o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func chunk(choice string) string {
	return `data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,` + choice + `}],"usage":null}`
}

func delta(d string) string { return chunk(`"delta":` + d + `,"finish_reason":null`) }

func finish(why string) string { return chunk(`"delta":{},"finish_reason":"` + why + `"`) }

func calls(list string) string { return delta(`{"tool_calls":[` + list + `]}`) }

const (
	begin   = `data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}`
	counted = `data: {"choices":[],"usage":{"prompt_tokens":3210,"completion_tokens":42,"total_tokens":3252,"prompt_tokens_details":{"cached_tokens":3000},"completion_tokens_details":{"reasoning_tokens":9}}}`
	done    = `data: [DONE]`
)

var usage = llm.Usage{Input: 3210, Output: 42, CacheRead: 3000}

func reply(stop llm.Stop, blocks ...llm.Block) llm.Reply {
	return llm.Reply{Message: llm.Message{Content: blocks}, Stop: stop, Usage: usage}
}

func called(id, name, input string) llm.Block {
	return llm.Block{Call: &llm.Call{ID: id, Name: name, Input: llm.Input(input)}}
}

func thought(text, opaque string) llm.Block {
	return llm.Block{Reasoning: &llm.Reasoning{Text: text, Provider: "openai", Opaque: json.RawMessage(opaque)}}
}

// answer is the events of an answer in which the deltas are told. It is whole with
// the reason to finish.
func answer(name, why string, want llm.Reply, deltas ...string) llmtest.Case {
	c := llmtest.Case{Name: name, Events: []string{begin}, Want: want}
	c.Events = append(c.Events, deltas...)
	c.Events = append(c.Events, finish(why))
	c.Whole = len(c.Events)
	c.Events = append(c.Events, counted, done)
	return c
}

var any = llmtest.AnyID

var cases = []llmtest.Case{
	answer("text", "stop", reply(llm.End, llm.Block{Text: "Good día\né"}),
		delta(`{"content":"Good "}`), delta(`{"content":"día\n\u00e9"}`)),
	answer("reasoning content", "stop", reply(llm.End, thought("Let me see", `{"field":"reasoning_content"}`), llm.Block{Text: "So."}),
		delta(`{"content":null,"reasoning_content":"Let me "}`), delta(`{"reasoning_content":"see","content":null}`), delta(`{"content":"So."}`)),
	answer("reasoning", "stop", reply(llm.End, thought("Let me see", `{"field":"reasoning","details":[{"format":"f","index":0,"signature":"sig","text":"Let me see","type":"reasoning.text"},{"data":"xyz","index":1,"type":"reasoning.encrypted"}]}`), llm.Block{Text: "So."}),
		delta(`{"reasoning":"Let me ","reasoning_content":"","reasoning_details":[{"type":"reasoning.text","index":0,"text":"Let me ","format":"f"}]}`),
		delta(`{"reasoning":"see","reasoning_details":[{"type":"reasoning.text","index":0,"text":"see"}]}`),
		delta(`{"content":"","reasoning_details":[{"type":"reasoning.text","index":0,"signature":"sig"},{"type":"reasoning.encrypted","index":1,"data":"xyz"}]}`),
		delta(`{"content":"So."}`)),
	answer("parallel calls", "tool_calls", reply(llm.Calls, llm.Block{Text: "I read."}, called("call_1", "read_file", `{"path":"a"}`), called("call_2", "now", "")),
		delta(`{"content":"I read."}`),
		calls(`{"index":0,"id":"call_1","type":"function","function":{"name":"read_file","arguments":""}}`),
		calls(`{"index":0,"function":{"arguments":"{\"path\":"}}`), calls(`{"index":0,"function":{"arguments":"\"a\"}"}}`),
		calls(`{"index":1,"id":"call_2","type":"function","function":{"name":"now","arguments":""}}`)),
	answer("no input first", "tool_calls", reply(llm.Calls, called("call_1", "now", ""), called("call_2", "read_file", "{}")),
		calls(`{"index":0,"id":"call_1","type":"function","function":{"name":"now"}}`),
		calls(`{"index":1,"id":"call_2","type":"function","function":{"name":"read_file","arguments":"{}"}}`)),
	answer("calls at once", "stop", reply(llm.Calls, called("call_1", "read_file", `{"path":"a"}`), called("call_2", "read_file", `{"path":"b"}`)),
		calls(`{"index":0,"id":"call_1","function":{"name":"read_file","arguments":"{\"path\":\"a\"}"}},{"index":1,"id":"call_2","function":{"name":"read_file","arguments":"{\"path\":\"b\"}"}}`)),
	answer("all of index 0", "tool_calls", reply(llm.Calls, called("call_1", "read_file", `{"path":"a"}`), called("call_2", "read_file", `{"path":"b"}`)),
		calls(`{"index":0,"id":"call_1","function":{"name":"read_file","arguments":"{\"path\":\"a\"}"}}`),
		calls(`{"index":0,"id":"call_2","function":{"name":"read_file","arguments":"{\"path\":\"b\"}"}}`)),
	answer("no index and no ID", "tool_calls", reply(llm.Calls, called(any, "read_file", `{"path":"a"}`), called(any, "read_file", `{"path":"b"}`)),
		calls(`{"id":"","function":{"name":"read_file","arguments":"{\"path\":"}}`), calls(`{"function":{"arguments":"\"a\"}"}}`),
		calls(`{"id":"","function":{"name":"read_file","arguments":"{\"path\":\"b\"}"}}`)),
	answer("one ID for all", "tool_calls", reply(llm.Calls, called("call_0", "now", "{}"), called(any, "now", "{}")),
		calls(`{"index":0,"id":"call_0","function":{"name":"now","arguments":"{}"}}`), calls(`{"index":1,"id":"call_0","function":{"name":"now","arguments":"{}"}}`)),
	answer("an object as arguments", "tool_calls", reply(llm.Calls, called("call_1", "read_file", `{"path":"a"}`)),
		calls(`{"index":0,"id":"call_1","function":{"name":"read_file","arguments":{"path":"a"}}}`)),
	answer("name in pieces, ID everywhere", "tool_calls", reply(llm.Calls, called("call_1", "read_file", `{"path":"a"}`)),
		calls(`{"index":0,"id":"call_1","function":{"name":"read_","arguments":null}}`), calls(`{"index":0,"id":"call_1","function":{"name":"file"}}`),
		calls(`{"index":0,"id":"call_1","function":{"name":"","arguments":"{\"path\":"}}`), calls(`{"index":0,"id":"call_1","function":{"name":"read_file","arguments":"\"a\"}"}}`)),
	answer("length in a call", "length", reply(llm.Length, called("call_1", "write", `{"text":"half of`)),
		calls(`{"index":0,"id":"call_1","function":{"name":"write","arguments":"{\"text\":\"half of"}}`)),
	answer("refusal", "stop", reply(llm.Refused, llm.Block{Text: "I cannot."}), delta(`{"refusal":"I "}`), delta(`{"refusal":"cannot."}`)),
	answer("filter", "content_filter", reply(llm.Refused)),
	answer("parts as content", "tomorrow", reply(llm.Other, llm.Block{Text: "ok"}), delta(`{"content":[{"type":"text","text":"o"},{"type":"text","text":"k"}]}`)),
	answer("message in place of delta", "stop", reply(llm.End, llm.Block{Text: "ok"}), chunk(`"message":{"role":"assistant","content":"ok"}`)),
}

func TestProvider(t *testing.T) {
	llmtest.Test(t, llmtest.Provider{
		New: func(t testing.TB, base string, client *http.Client) llm.Model {
			return model(t, "gpt-5.4", openai.Options{BaseURL: base, Client: client})
		},
		KeyHeader: "Authorization",
		Cases:     cases,
		Noise:     []string{`data: {"choices":[],"prompt_filter_results":[]}`, `data: {"choices":[{"index":1,"delta":{"content":"another"}}]}`, "data:"},
		Fault:     `data: {"error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}`,
	})
}

// TestInterleaved are calls whose inputs come in turns: the reply has all of it, the
// parts tell what can be told.
func TestInterleaved(t *testing.T) {
	c := answer("", "tool_calls", llm.Reply{},
		calls(`{"index":0,"id":"call_1","function":{"name":"a","arguments":"{\"x\":"}}`), calls(`{"index":1,"id":"call_2","function":{"name":"b","arguments":"{\"y\":"}}`),
		calls(`{"index":0,"function":{"arguments":"1}"}}`), calls(`{"index":1,"function":{"arguments":"2}"}}`))
	m := model(t, "gpt-5.4", openai.Options{Client: llmtest.Canned(c.Events)})
	var parts []llm.Part
	var r *llm.Reply
	for part, err := range m.Stream(t.Context(), llmtest.Ask()) {
		if err != nil {
			t.Fatal(err)
		}
		if r = part.Reply; r == nil {
			parts = append(parts, part)
		}
	}
	llmtest.CheckParts(t, parts, r)
	if got := r.Message.Content; len(got) != 2 || got[0].Call.Input != `{"x":1}` || got[1].Call.Input != `{"y":2}` {
		t.Error(llmtest.Encode(r))
	}
}

// TestKnownIDs asks in a conversation that already has the ID that comes again.
func TestKnownIDs(t *testing.T) {
	c := answer("", "tool_calls", llm.Reply{}, calls(`{"index":0,"id":"call_0","function":{"name":"now","arguments":"{}"}}`))
	m := model(t, "gpt-5.4", openai.Options{Client: llmtest.Canned(c.Events)})
	req := llmtest.Ask()
	req.Messages = append(req.Messages, llm.Message{Role: llm.Assistant, Content: []llm.Block{called("call_0", "now", "")}})
	r, err := llm.Generate(t.Context(), m, req)
	if err != nil || r.Message.Content[0].Call.ID == "call_0" {
		t.Error(err, llmtest.Encode(r))
	}
}

func TestNoCalls(t *testing.T) {
	c := answer("", "tool_calls", llm.Reply{}, delta(`{"content":"x"}`))
	m := model(t, "gpt-5.4", openai.Options{Client: llmtest.Canned(c.Events)})
	if r, err := llm.Generate(t.Context(), m, llmtest.Ask()); !llm.Again(err) {
		t.Error(r, err)
	}
}
