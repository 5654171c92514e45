package deepagent_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/anthropic"
	"github.com/hutch-dev/hutch/llm/gemini"
	"github.com/hutch-dev/hutch/llm/openai"
	"github.com/hutch-dev/hutch/state"
)

// asked is a request as a provider gets it.
type asked map[string]any

// provider is a server that answers with events, and keeps what it was asked.
type provider struct {
	*httptest.Server
	mu  sync.Mutex
	got []asked
}

// serve starts a provider: answer gives the events of an answer, or what is wrong
// with the request.
func serve(t *testing.T, answer func(n int, req asked) (events []string, wrong string)) *provider {
	t.Helper()
	p := &provider{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		var req asked
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(body, &req)
		}
		if err != nil {
			t.Error(err)
		}
		p.got = append(p.got, req)
		events, wrong := answer(len(p.got), req)
		if wrong != "" {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"type":"error","error":{"type":"invalid_request_error","message":%q}}`, wrong)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, e := range events {
			fmt.Fprintf(w, "%s\n\n", e)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func (a asked) json() string {
	data, _ := json.Marshal(a)
	return string(data)
}

// claude answers as Claude does: with thinking that is bound to what was before it.
type claude struct {
	signed map[string]string // prefix by signature
	plan   []claudeStep
	bound  bool // refuses thinking with another prefix
	first  bool // wants thinking before the calls that are being answered
	wrong  string
}

type claudeStep struct {
	text, tool, input string
	tokens            int
}

func (c *claude) answer(_ int, req asked) ([]string, string) {
	if c.wrong = c.check(req); c.wrong != "" {
		return nil, c.wrong
	}
	if strings.Contains(asked{"s": req["system"]}.json(), "You write down the state") {
		return claudeSays(claudeStep{text: "- files were read"}, ""), ""
	}
	s := c.plan[0]
	c.plan = c.plan[1:]
	messages := req["messages"].([]any)
	sign := fmt.Sprintf("sig%d", len(c.signed)+1)
	c.signed[sign] = prefix(req, len(messages))
	return claudeSays(s, sign), ""
}

// prefix is a digest of instructions, tools and the first n messages, without marks
// of what is to be kept in the cache.
func prefix(req asked, n int) string {
	all := asked{"system": req["system"], "tools": req["tools"], "messages": req["messages"].([]any)[:n]}
	var plain any
	_ = json.Unmarshal([]byte(all.json()), &plain)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(asked{"x": uncached(plain)}.json())))
}

func uncached(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "cache_control")
		for k := range v {
			v[k] = uncached(v[k])
		}
	case []any:
		for i := range v {
			v[i] = uncached(v[i])
		}
	}
	return v
}

// check is what the provider looks at.
func (c *claude) check(req asked) string {
	messages := req["messages"].([]any)
	open := map[string]bool{}
	for i, m := range messages {
		blocks := m.(map[string]any)["content"].([]any)
		for k, b := range blocks {
			block := b.(map[string]any)
			switch block["type"] {
			case "tool_use":
				open[block["id"].(string)] = true
				if c.first && i == len(messages)-2 && blocks[0].(map[string]any)["type"] != "thinking" {
					return "Expected `thinking`, but found `tool_use`"
				}
			case "tool_result":
				if id := block["tool_use_id"].(string); !open[id] {
					return "unexpected `tool_use_id`: " + id
				}
				delete(open, block["tool_use_id"].(string))
			case "thinking":
				if c.bound && c.signed[block["signature"].(string)] != prefix(req, i) {
					return fmt.Sprintf("messages.%d.content.%d: thinking block prefix mismatch", i, k)
				}
			}
		}
	}
	if len(open) > 0 {
		return fmt.Sprintf("`tool_use` ids without `tool_result` blocks: %v", open)
	}
	return ""
}

// claudeSays is an answer as events.
func claudeSays(s claudeStep, sign string) []string {
	ev := func(kind, rest string) string {
		return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + rest + "}"
	}
	out := []string{ev("message_start", fmt.Sprintf(`,"message":{"usage":{"input_tokens":%d,"output_tokens":1}}`, s.tokens))}
	i := 0
	add := func(block string, deltas ...string) {
		out = append(out, ev("content_block_start", fmt.Sprintf(`,"index":%d,"content_block":%s`, i, block)))
		for _, d := range deltas {
			out = append(out, ev("content_block_delta", fmt.Sprintf(`,"index":%d,"delta":%s`, i, d)))
		}
		out = append(out, ev("content_block_stop", fmt.Sprintf(`,"index":%d`, i)))
		i++
	}
	if sign != "" {
		add(`{"type":"thinking","thinking":"","signature":""}`, `{"type":"thinking_delta","thinking":"Let me see."}`, fmt.Sprintf(`{"type":"signature_delta","signature":%q}`, sign))
	}
	why := "end_turn"
	if s.text != "" {
		add(`{"type":"text","text":""}`, fmt.Sprintf(`{"type":"text_delta","text":%q}`, s.text))
	}
	if s.tool != "" {
		why = "tool_use"
		add(fmt.Sprintf(`{"type":"tool_use","id":"toolu_%s","name":%q,"input":{}}`, sign, s.tool), fmt.Sprintf(`{"type":"input_json_delta","partial_json":%q}`, s.input))
	}
	return append(out, ev("message_delta", `,"delta":{"stop_reason":"`+why+`"},"usage":{"output_tokens":10}`), ev("message_stop", ""))
}

// A conversation with thinking, calls and a summary is one that the provider takes,
// and so is going on with it under other instructions.
func TestClaude(t *testing.T) {
	for name, c := range map[string]*claude{
		"claude-fable-5-1":  {bound: true},
		"claude-sonnet-4-5": {first: true},
	} {
		t.Run(name, func(t *testing.T) { talksWithClaude(t, name, c) })
	}
}

func talksWithClaude(t *testing.T, name string, c *claude) {
	c.signed = map[string]string{}
	read := func(file string, tokens int) claudeStep {
		return claudeStep{tool: "read_file", input: `{"path": "` + file + `"}`, tokens: tokens}
	}
	c.plan = []claudeStep{read("a.txt", 3000), read("b.txt", 6000), read("c.txt", 8990), read("d.txt", 3000), {text: "All read.", tokens: 4000}, read("a.txt", 3000), {text: "Still there.", tokens: 4000}}
	p := serve(t, c.answer)
	m, err := anthropic.New(name, &anthropic.Options{BaseURL: p.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := deepagent.New(m, &deepagent.Options{ContextTokens: 10_000, Effort: llm.High})
	if err != nil {
		t.Fatal(err)
	}
	b := memory("a.txt", manyLines(100), "b.txt", manyLines(100), "c.txt", manyLines(100), "d.txt", manyLines(3))
	d := &deepagent.Deps{Backend: b, Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
	out := play(t.Context(), a, "Read all.", d)
	if out.err != nil || out.res.Text != "All read." || len(out.of(deepagent.Compacted)) != 1 || len(out.of(deepagent.Reasoning)) == 0 {
		t.Fatalf("%v\n%s", out.err, out.list())
	}
	put(t, b, "AGENTS.md", "Other instructions than before.\n")
	out = play(t.Context(), a, "Look again.", d)
	if out.err != nil || out.res.Text != "Still there." {
		t.Fatalf("%v\n%s", out.err, out.list())
	}
	last := p.got[len(p.got)-1].json()
	has(t, last, "Other instructions", `"type":"thinking"`)
	if n := len(p.got); n != 8 {
		t.Errorf("%d requests", n)
	}
}

// One call and its result go through the protocols of the others as well.
func TestGPT(t *testing.T) {
	p := serve(t, func(n int, req asked) ([]string, string) {
		if n == 1 {
			return []string{
				`data: {"choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"a.txt\"}"}}]},"finish_reason":null}]}`,
				`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`, `data: [DONE]`,
			}, ""
		}
		messages := req["messages"].([]any)
		call, result := messages[len(messages)-2].(map[string]any), messages[len(messages)-1].(map[string]any)
		if call["tool_calls"] == nil || result["role"] != "tool" || result["tool_call_id"] != "call_1" || !strings.Contains(result["content"].(string), "hay") {
			return nil, req.json()
		}
		return []string{`data: {"choices":[{"index":0,"delta":{"content":"It is hay."},"finish_reason":"stop"}]}`, `data: [DONE]`}, ""
	})
	m, err := openai.New("gpt-5.4", &openai.Options{BaseURL: p.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	readsHay(t, m)
}

func TestGemini(t *testing.T) {
	p := serve(t, func(n int, req asked) ([]string, string) {
		if n == 1 {
			return []string{`data: {"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"read_file","args":{"path":"a.txt"}},"thoughtSignature":"c2ln"}]},"finishReason":"STOP"}]}`}, ""
		}
		said := asked{"c": req["contents"]}.json()
		for _, want := range []string{`"functionCall":`, `"thoughtSignature":"c2ln"`, `"functionResponse":`, `"name":"read_file"`, "hay"} {
			if !strings.Contains(said, want) {
				return nil, "no " + want + " in " + said
			}
		}
		return []string{`data: {"candidates":[{"content":{"role":"model","parts":[{"text":"It is hay."}]},"finishReason":"STOP"}]}`}, ""
	})
	m, err := gemini.New("gemini-3.8-flash", &gemini.Options{BaseURL: p.URL, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	readsHay(t, m)
}

func readsHay(t *testing.T, m llm.Model) {
	t.Helper()
	a, err := deepagent.New(m, &deepagent.Options{Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	out := play(t.Context(), a, "What is in a.txt?", &deepagent.Deps{Backend: memory("a.txt", "hay\n")})
	if out.err != nil || out.res.Text != "It is hay." {
		t.Errorf("%v\n%s", out.err, out.list())
	}
}
