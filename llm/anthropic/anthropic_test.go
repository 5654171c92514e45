package anthropic_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/anthropic"
	"github.com/hutch-dev/hutch/llm/internal/llmtest"
)

func model(t testing.TB, name string, o anthropic.Options) *anthropic.Model {
	t.Helper()
	o.Key = llmtest.Key
	m, err := anthropic.New(name, &o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func event(kind, rest string) string {
	if rest != "" {
		rest = "," + rest
	}
	return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + rest + "}"
}

func started(index, block string) string {
	return event("content_block_start", `"index":`+index+`,"content_block":`+block)
}

func delta(index, d string) string {
	return event("content_block_delta", `"index":`+index+`,"delta":`+d)
}

func ended(index string) string { return event("content_block_stop", `"index":`+index) }

func stopped(why, usage string) string {
	return event("message_delta", `"delta":{"stop_reason":"`+why+`","stop_sequence":null},"usage":`+usage)
}

var (
	begin = event("message_start", `"message":{"id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":200,"cache_read_input_tokens":3000,"output_tokens":1}}`)
	ping  = event("ping", "")
	stop  = event("message_stop", "")
	usage = llm.Usage{Input: 3210, Output: 42, CacheRead: 3000, CacheWrite: 200}
)

func reply(stop llm.Stop, blocks ...llm.Block) llm.Reply {
	return llm.Reply{Message: llm.Message{Content: blocks}, Stop: stop, Usage: usage}
}

func thought(text, opaque string) llm.Block {
	return llm.Block{Reasoning: &llm.Reasoning{Text: text, Provider: "anthropic", Opaque: json.RawMessage(opaque)}}
}

func called(id, name, input string) llm.Block {
	return llm.Block{Call: &llm.Call{ID: id, Name: name, Input: llm.Input(input)}}
}

var cases = []llmtest.Case{
	{Name: "text", Events: []string{
		begin, started("0", `{"type":"text","text":""}`), ping,
		delta("0", `{"type":"text_delta","text":"Good "}`), delta("0", `{"type":"text_delta","text":"día\n\u00e9"}`),
		ended("0"), stopped("end_turn", `{"output_tokens":42}`), stop,
	}, Want: reply(llm.End, llm.Block{Text: "Good día\né"})},
	{Name: "reasoning", Events: []string{
		begin,
		started("0", `{"type":"thinking","thinking":"","signature":""}`),
		delta("0", `{"type":"thinking_delta","thinking":"Let me "}`), delta("0", `{"type":"thinking_delta","thinking":"see"}`),
		delta("0", `{"type":"signature_delta","signature":"EqQB+/="}`), ended("0"),
		started("1", `{"type":"redacted_thinking","data":"Zm9v"}`), ended("1"),
		started("2", `{"type":"thinking","thinking":"","signature":""}`),
		delta("2", `{"type":"signature_delta","signature":"only"}`), ended("2"),
		started("3", `{"type":"text","text":""}`), delta("3", `{"type":"text_delta","text":"So."}`), ended("3"),
		stopped("end_turn", `{"input_tokens":10,"output_tokens":42}`), stop,
	}, Want: reply(llm.End,
		thought("Let me see", `{"type":"thinking","thinking":"Let me see","signature":"EqQB+/="}`),
		thought("", `{"type":"redacted_thinking","data":"Zm9v"}`),
		thought("", `{"type":"thinking","thinking":"","signature":"only"}`),
		llm.Block{Text: "So."})},
	{Name: "calls", Events: []string{
		begin, started("0", `{"type":"text","text":"I "}`), delta("0", `{"type":"text_delta","text":"read."}`), ended("0"),
		started("1", `{"type":"tool_use","id":"toolu_1","name":"read_file","input":{}}`),
		delta("1", `{"type":"input_json_delta","partial_json":""}`), delta("1", `{"type":"input_json_delta","partial_json":"{\"path\": "}`),
		delta("1", `{"type":"input_json_delta","partial_json":"\"a\"}"}`), ended("1"),
		started("2", `{"type":"tool_use","id":"toolu_2","name":"now","input":{}}`), ended("2"),
		started("3", `{"type":"tool_use","id":"toolu_2","name":"now","input":{"zone":"utc"}}`), ended("3"),
		started("4", `{"type":"tool_use","id":"toolu_4","name":"now","input":{"zone":"utc"}}`), delta("4", `{"type":"input_json_delta","partial_json":"{}"}`), ended("4"),
		stopped("tool_use", `{"output_tokens":42}`), stop,
	}, Want: reply(llm.Calls, llm.Block{Text: "I read."}, called("toolu_1", "read_file", `{"path": "a"}`),
		called("toolu_2", "now", ""), called(llmtest.AnyID, "now", `{"zone":"utc"}`), called("toolu_4", "now", "{}"))},
	{Name: "length in a call", Events: []string{
		begin, started("0", `{"type":"tool_use","id":"toolu_1","name":"write","input":{}}`),
		delta("0", `{"type":"input_json_delta","partial_json":"{\"text\":\"half of"}`), ended("0"),
		stopped("max_tokens", `{"output_tokens":42}`), stop,
	}, Want: reply(llm.Length, called("toolu_1", "write", `{"text":"half of`))},
	{Name: "refusal", Events: []string{
		begin, stopped("refusal", `{"output_tokens":42}`), stop,
	}, Want: reply(llm.Refused)},
	{Name: "block of a new type", Events: []string{
		begin, started("0", `{"type":"hologram","light":[1]}`), delta("0", `{"type":"light_delta","light":2}`), ended("0"),
		started("1", `{"type":"text","text":""}`), delta("1", `{"type":"text_delta","text":"ok"}`), delta("1", `{"type":"citations_delta","citation":{}}`), ended("1"),
		stopped("tomorrow", `{"output_tokens":42}`), stop,
	}, Want: reply(llm.Other, llm.Block{Text: "ok"})},
}

func TestProvider(t *testing.T) {
	llmtest.Test(t, llmtest.Provider{
		New: func(t testing.TB, base string, client *http.Client) llm.Model {
			return model(t, "claude-sonnet-5-5", anthropic.Options{BaseURL: base, Client: client})
		},
		KeyHeader: "X-Api-Key",
		Cases:     cases,
		Noise:     []string{ping, "data: {\"type\":\"ping\"}"},
		Fault:     event("error", `"error":{"type":"overloaded_error","message":"Overloaded"}`),
	})
}

func TestRequests(t *testing.T) {
	own := llmtest.Request{Name: "reasoning", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Text: "hi"}}},
		{Role: llm.Assistant, Content: []llm.Block{
			thought("Let me see", `{"type":"thinking","thinking":"Let me see","signature":"EqQB"}`),
			thought("", `{"type":"redacted_thinking","data":"Zm9v"}`), {Text: " "}, called("toolu_1", "now", ""),
		}},
		{Role: llm.User, Content: []llm.Block{
			{Result: &llm.Result{ID: "toolu_1", Name: "now", Failed: true}},
			{Media: &llm.Media{Type: "text/plain", Data: []byte("notes")}},
		}},
	}}}
	sonnet := func(client *http.Client) llm.Model {
		return model(t, "claude-sonnet-5-5", anthropic.Options{Client: client})
	}
	llmtest.TestRequests(t, sonnet)
	llmtest.Golden(t, sonnet, own)
	llmtest.TestRefused(t, sonnet, llmtest.Request{Name: "sound", Req: &llm.Request{Messages: []llm.Message{
		{Role: llm.User, Content: []llm.Block{{Media: &llm.Media{Type: "audio/wav", Data: []byte("x")}}}},
	}}})
}
