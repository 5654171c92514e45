package anthropic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/anthropic"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// use is a call of a tool that the model asks for, input being JSON.
type use struct{ name, input string }

// model speaks the Messages API: each answer asks for the calls of one turn, the
// last one is a text. It is scripted and looks at nothing that it is sent.
type model struct {
	*httptest.Server
	turns [][]use

	mu   sync.Mutex
	sent []request
}

// request is what the tests look at of a request.
type request struct {
	Tools []struct {
		Name, Description string
		InputSchema       json.RawMessage `json:"input_schema"`
	}
	Messages []struct {
		Role    string
		Content []block
	}
}

type block struct {
	Type, Text string
	ID         string `json:"tool_use_id"`
	IsError    bool   `json:"is_error"`
	Content    []block
	Source     struct {
		Type      string
		MediaType string `json:"media_type"`
		Data      []byte
	}
}

// newModel starts a model, which the caller closes.
func newModel(turns ...[]use) *model {
	m := &model{turns: turns}
	m.Server = httptest.NewServer(m)
	return m
}

func script(t testing.TB, turns ...[]use) *model {
	m := newModel(turns...)
	t.Cleanup(m.Close)
	return m
}

func (m *model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var req request
	if r.URL.Path != "/v1/messages" || json.NewDecoder(r.Body).Decode(&req) != nil {
		http.Error(w, "no message", http.StatusBadRequest)
		return
	}
	turn := len(m.sent)
	m.sent = append(m.sent, req)
	content, stop := `{"type": "text", "text": "Done."}`, "end_turn"
	if turn < len(m.turns) {
		var all []string
		for i, u := range m.turns[turn] {
			all = append(all, fmt.Sprintf(`{"type": "tool_use", "id": "use_%d_%d", "name": %q, "input": %s}`, turn, i, u.name, u.input))
		}
		content, stop = strings.Join(all, ","), "tool_use"
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id": "msg", "type": "message", "role": "assistant", "model": "scripted", "content": [`+content+
		`], "stop_reason": "`+stop+`", "usage": {"input_tokens": 1, "output_tokens": 1}}`)
}

// run lets the runner of the SDK talk with the model and returns what the model
// was shown of each call, in the order of the script.
func (m *model) run(t testing.TB, ctx context.Context, tools []sdk.BetaTool) []block {
	t.Helper()
	client := sdk.NewClient(option.WithBaseURL(m.URL), option.WithAPIKey("none"), option.WithMaxRetries(0))
	last, err := client.Beta.Messages.NewToolRunner(tools, sdk.BetaToolRunnerParams{
		BetaMessageNewParams: sdk.BetaMessageNewParams{
			Model: "scripted", MaxTokens: 1000,
			Messages: []sdk.BetaMessageParam{sdk.NewBetaUserMessage(sdk.NewBetaTextBlock("Go."))},
		},
		MaxIterations: 20,
	}).RunToCompletion(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(last.Content) != 1 || last.Content[0].Text != "Done." {
		t.Fatalf("the last answer: %+v", last.Content)
	}
	return m.shown()
}

// shown is what the model was shown of each call.
func (m *model) shown() []block {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []block
	for _, msg := range m.sent[len(m.sent)-1].Messages {
		for _, b := range msg.Content {
			if b.Type == "tool_result" {
				all = append(all, b)
			}
		}
	}
	return all
}

func (b block) text() string {
	if len(b.Content) == 0 {
		return ""
	}
	return b.Content[0].Text
}

func TestRunner(t *testing.T) {
	b := state.New(nil)
	m := script(t,
		[]use{{"write_file", `{"path": "src/a.txt", "content": "one\ntwo <&>\n"}`}},
		[]use{{"read_file", `{"path": "src/a.txt"}`}},
		[]use{{"edit_file", `{"path": "src/a.txt", "old_string": "three", "new_string": "3"}`}, {"ls", `{"path": 7}`}, {"rm", `{}`}},
		[]use{{"edit_file", `{"path": "src/a.txt", "old_string": "two", "new_string": "2"}`}},
		[]use{{"ls", `{"path": "src"}`}},
	)
	got := m.run(t, t.Context(), anthropic.Tools(b, nil))
	for i, want := range []struct {
		text   string
		failed bool
	}{
		{"Created: wrote 2 lines", false},
		{"     2\ttwo <&>", false},
		{"Error: String 'three' not found", true},
		{"Error: Wrong arguments: `path`", true},
		{"Error: Tool 'rm' not found", true}, // in the words of the SDK
		{"Edited src/a.txt", false},
		{"a.txt", false},
	} {
		if !strings.Contains(got[i].text(), want.text) || got[i].IsError != want.failed || strings.Contains(got[i].text(), "Error: Error:") {
			t.Errorf("call %d: %q, is_error %v; want %q", i, got[i].text(), got[i].IsError, want.text)
		}
	}
	if data, err := hutch.ReadFile(t.Context(), b, "src/a.txt"); err != nil || string(data) != "one\n2 <&>\n" {
		t.Errorf("%q, %v", data, err)
	}
}

// What the model is told of the tools is what they say, in that order.
func TestDefinitions(t *testing.T) {
	b := state.New(nil)
	m := script(t)
	m.run(t, t.Context(), anthropic.Tools(b, &tool.Options{EditFormat: tool.AllFormats}))
	want := tool.Console(b, &tool.Options{EditFormat: tool.AllFormats})
	got := m.sent[0].Tools
	if len(got) != len(want) {
		t.Fatalf("%d tools, want %d", len(got), len(want))
	}
	for i, w := range want {
		if got[i].Name != w.Name || got[i].Description != w.Description || !same(t, got[i].InputSchema, w.Input) {
			t.Errorf("%+v, want %+v", got[i], w)
		}
		properties := func(raw []byte) string {
			var s struct{ Properties json.RawMessage }
			if err := json.Unmarshal(raw, &s); err != nil {
				t.Fatal(err)
			}
			return string(s.Properties)
		}
		if g, w := properties(got[i].InputSchema), properties(w.Input); g != w {
			t.Errorf("the properties are not in their order: %s, want %s", g, w)
		}
	}
}

func same(t testing.TB, a, b json.RawMessage) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(x) == fmt.Sprint(y)
}

// Images and PDF files reach the model as such.
func TestMedia(t *testing.T) {
	b := state.New(nil)
	png, pdf := "\x89PNG\r\n\x1a\n\x00\x01", "%PDF-1.7\n\x00"
	for name, data := range map[string]string{"a.png": png, "b.pdf": pdf} {
		if _, err := hutch.WriteFile(t.Context(), b, name, []byte(data), nil); err != nil {
			t.Fatal(err)
		}
	}
	m := script(t, []use{{"read_file", `{"path": "a.png"}`}, {"read_file", `{"path": "b.pdf"}`}})
	got := m.run(t, t.Context(), anthropic.Tools(b, &tool.Options{Images: true, Documents: true}))
	for i, want := range []struct{ kind, media, data string }{{"image", "image/png", png}, {"document", "application/pdf", pdf}} {
		if len(got[i].Content) != 2 {
			t.Fatalf("%+v", got[i])
		}
		c := got[i].Content[1]
		if c.Type != want.kind || c.Source.Type != "base64" || c.Source.MediaType != want.media || string(c.Source.Data) != want.data {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
}

// The calls of one answer run at the same time: each of these waits for the other.
func TestParallel(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	meet := tool.Func(tool.Tool{Name: "meet", Description: "Waits for the other."}, func(ctx context.Context, _ struct{}) (string, error) {
		both.Done()
		both.Wait()
		return "met", nil
	})
	m := script(t, []use{{"meet", `{}`}, {"meet", `{}`}})
	for _, b := range m.run(t, t.Context(), []sdk.BetaTool{anthropic.Wrap(meet)}) {
		if b.text() != "met" {
			t.Errorf("%+v", b)
		}
	}
}

func TestExecute(t *testing.T) {
	s := testroom.Jail(t)
	m := script(t,
		[]use{{"write_file", `{"path": "a.sh", "content": "echo from the jail; pwd\n"}`}},
		[]use{{"execute", `{"command": "sh a.sh > out.txt; cat out.txt"}`}},
		[]use{{"execute", `{"command": "echo no >&2; exit 3"}`}},
	)
	got := m.run(t, t.Context(), anthropic.Tools(s, nil))
	if got[1].text() != "from the jail\n/workspace\n" || got[1].IsError {
		t.Errorf("%+v", got[1])
	}
	if !got[2].IsError || !strings.Contains(got[2].text(), "exit code 3") || !strings.Contains(got[2].text(), "no\n") {
		t.Errorf("%+v", got[2])
	}
	if data, err := hutch.ReadFile(t.Context(), s, "out.txt"); err != nil || string(data) != "from the jail\n/workspace\n" {
		t.Errorf("%q, %v", data, err)
	}
}
