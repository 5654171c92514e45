package llmtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/llm"
)

var update = flag.Bool("update", false, "write what is sent into testdata")

// Request is a conversation with a name.
type Request struct {
	Name string
	Req  *llm.Request
}

func user(blocks ...llm.Block) llm.Message { return llm.Message{Role: llm.User, Content: blocks} }
func assistant(blocks ...llm.Block) llm.Message {
	return llm.Message{Role: llm.Assistant, Content: blocks}
}
func text(s string) llm.Block { return llm.Block{Text: s} }

func called(id, name, input string) llm.Block {
	return llm.Block{Call: &llm.Call{ID: id, Name: name, Input: llm.Input(input)}}
}

func answered(id, name, text string, media ...llm.Media) llm.Block {
	return llm.Block{Result: &llm.Result{ID: id, Name: name, Text: text, Media: media}}
}

var (
	image    = llm.Media{Type: "image/png", Data: []byte("\x89PNG image")}
	document = llm.Media{Type: "application/pdf", Data: []byte("%PDF document")}
	tools    = []llm.Tool{
		{Name: "read_file", Description: "Reads a <file>.", Input: json.RawMessage(`{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}`)},
		{Name: "now", Description: "The time."},
	}
)

// Requests are conversations that have everything a conversation can have.
func Requests() []Request {
	warm := 0.25
	return []Request{
		{"hello", Ask()},
		{"options", &llm.Request{System: "Be <brief>.", Messages: []llm.Message{user(text("hello"))}, MaxTokens: 8000, Temperature: &warm, Effort: llm.High}},
		{"tools", &llm.Request{System: "Be brief.", Tools: tools, Choice: llm.Must, Messages: []llm.Message{
			user(text("read a and b")),
			assistant(text("I shall."), called("call_a", "read_file", `{"path":"a"}`), called("call_b", "now", "")),
			user(answered("call_a", "read_file", "A & a"), llm.Block{Result: &llm.Result{ID: "call_b", Name: "now", Text: "no clock", Failed: true}}),
			assistant(text("Done.")),
			user(text("thanks")),
		}}},
		{"media", &llm.Request{Tools: tools, Choice: llm.None, Messages: []llm.Message{
			user(text("look"), llm.Block{Media: &image}, llm.Block{Media: &document}),
			assistant(called("call_a", "read_file", `{"path":"x.png"}`), called("call_b", "read_file", `{"path":"y.pdf"}`)),
			user(text("and hurry"), answered("call_a", "read_file", "a picture", image), answered("call_b", "read_file", "", document)),
		}}},
		{"odd", &llm.Request{Messages: []llm.Message{
			user(text("one")), user(text("two")), user(),
			assistant(llm.Block{Reasoning: &llm.Reasoning{Text: "other", Provider: "another", Opaque: json.RawMessage(`{"secret":"of another"}`)}},
				called("functions.read file:0", "read file!", `{"path":`), called("call_list", "now", `[1]`)),
			user(answered("call_list", "now", ""), answered("functions.read file:0", "read file!", "no such tool")),
		}}},
	}
}

// TestRequests compares what m sends for the conversations of this package with
// testdata/NAME.txt, and fails where something of them is not sent.
func TestRequests(t *testing.T, m func(client *http.Client) llm.Model) {
	for _, r := range Requests() {
		t.Run(r.Name, func(t *testing.T) { missing(t, r.Req, Golden(t, m, r)) })
	}
}

// Golden compares what m sends for r with testdata/NAME.txt and returns it.
func Golden(t testing.TB, m func(client *http.Client) llm.Model, r Request) string {
	sent := Sent(t, m, r.Req)
	golden(t, filepath.Join("testdata", r.Name+".txt"), sent)
	return sent
}

var errSent = errors.New("sent")

// Sent is the request that m sends for req, indented: its line, headers and body.
func Sent(t testing.TB, m func(client *http.Client) llm.Model, req *llm.Request) string {
	var out bytes.Buffer
	client := &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(body)) {
			t.Errorf("%d bytes of %d: %v", len(body), r.ContentLength, err)
		}
		out.WriteString(r.Method + " " + r.URL.String() + "\n")
		if err := r.Header.Write(&out); err != nil {
			t.Error(err)
		}
		out.WriteString("\n")
		if err := json.Indent(&out, body, "", "  "); err != nil {
			t.Error(err)
		}
		return nil, errSent
	})}
	if _, err := llm.Generate(t.Context(), m(client), req); !errors.Is(err, errSent) {
		t.Fatalf("nothing was sent: %v", err)
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

func golden(t testing.TB, file, got string) {
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ReplaceAll(string(want), "\r\n", "\n") != got {
		t.Errorf("%s is\n%s\nand this is sent (-update writes it):\n%s", file, want, got)
	}
}

// missing fails where a word of req is not in what is sent.
func missing(t testing.TB, req *llm.Request, sent string) {
	t.Helper()
	want := func(what, s string) {
		t.Helper()
		quoted, _ := json.Marshal(s)
		plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(strings.Trim(string(quoted), `"`))
		if !strings.Contains(sent, plain) && !strings.Contains(sent, strings.ReplaceAll(plain, `\`, `\\`)) {
			t.Errorf("%s %q is not sent", what, s)
		}
	}
	media := func(list ...llm.Media) {
		for _, m := range list {
			want("media", base64.StdEncoding.EncodeToString(m.Data))
			want("the type of media", m.Type)
		}
	}
	want("the system", req.System)
	for _, tool := range req.Tools {
		want("the tool", tool.Name)
		want("the description", tool.Description)
	}
	for _, m := range req.Messages {
		for _, b := range m.Content {
			want("the text", b.Text)
			switch {
			case b.Call != nil && b.Call.Name != "read file!":
				want("the call", b.Call.Name)
				want("the ID", b.Call.ID)
			case b.Result != nil:
				want("the result", b.Result.Text)
				media(b.Result.Media...)
			case b.Media != nil:
				media(*b.Media)
			}
		}
	}
	if strings.Contains(sent, "of another") {
		t.Error("the reasoning of another provider is sent")
	}
}

// TestRefused are requests that must fail before anything is sent.
func TestRefused(t *testing.T, m func(client *http.Client) llm.Model, more ...Request) {
	for _, r := range append(refused(), more...) {
		client := &http.Client{Transport: trip(func(*http.Request) (*http.Response, error) {
			t.Errorf("%s: it was sent", r.Name)
			return nil, errSent
		})}
		_, err := llm.Generate(t.Context(), m(client), r.Req)
		var e *llm.Error
		if !errors.As(err, &e) || e.Err != llm.ErrRequest || e.Text == "" || llm.Again(err) {
			t.Errorf("%s: %v", r.Name, err)
		}
	}
}

func refused() []Request {
	ask := func(change func(r *llm.Request)) *llm.Request {
		r := Ask()
		change(r)
		return r
	}
	says := func(m ...llm.Message) *llm.Request { return &llm.Request{Messages: m} }
	return []Request{
		{"nothing", &llm.Request{}},
		{"no message", &llm.Request{System: "hello"}},
		{"empty messages", says(user(), assistant())},
		{"role", says(llm.Message{Role: "system", Content: []llm.Block{text("x")}})},
		{"call of the user", says(user(called("a", "now", "{}")))},
		{"result of the assistant", says(assistant(answered("a", "now", "")))},
		{"two in one", says(user(llm.Block{Text: "x", Media: &image}))},
		{"unknown media", says(user(llm.Block{Media: &llm.Media{Type: "application/zip", Data: []byte("x")}}))},
		{"media without a type", says(user(llm.Block{Media: &llm.Media{Data: []byte("x")}}))},
		{"empty media", says(user(llm.Block{Media: &llm.Media{Type: "image/png"}}))},
		{"unknown media of a tool", says(user(answered("a", "now", "x", llm.Media{Type: "image/tiff", Data: []byte("x")})))},
		{"empty media of a tool", says(user(answered("a", "now", "x", llm.Media{Type: "image/png"})))},
		{"tokens", ask(func(r *llm.Request) { r.MaxTokens = -1 })},
		{"choice", ask(func(r *llm.Request) { r.Choice = "perhaps" })},
		{"must without tools", ask(func(r *llm.Request) { r.Choice = llm.Must })},
		{"effort", ask(func(r *llm.Request) { r.Effort = "huge" })},
		{"name of a tool", ask(func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "a b"}} })},
		{"tool twice", ask(func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "a"}, {Name: "a"}} })},
		{"schema", ask(func(r *llm.Request) { r.Tools = []llm.Tool{{Name: "a", Input: json.RawMessage(`[1]`)}} })},
	}
}
