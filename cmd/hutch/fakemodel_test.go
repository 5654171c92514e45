package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// says is one answer of a fakeModel.
type says struct {
	text  string
	calls []call
	hang  bool          // after the text, until who asked has left
	gate  chan struct{} // after the text, until it is closed
}

type call struct {
	name string
	in   map[string]any
}

// fakeModel is a server that speaks Chat Completions and gives its answers in
// their order.
type fakeModel struct {
	*httptest.Server

	mu      sync.Mutex
	answers []says
	asked   []string // the bodies of the requests
}

func newFakeModel(t *testing.T, answers ...says) *fakeModel {
	f := &fakeModel{answers: answers}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// requests are the bodies so far.
func (f *fakeModel) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string{}, f.asked...)
}

// last is the last request.
func (f *fakeModel) last() string {
	all := f.requests()
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func (f *fakeModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.asked = append(f.asked, string(body))
	n := len(f.asked)
	a := says{text: "There is nothing more to say."}
	if n <= len(f.answers) {
		a = f.answers[n-1]
	}
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	if a.text != "" {
		chunk(w, map[string]any{"content": a.text}, nil)
	}
	if a.hang {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	if a.gate != nil {
		w.(http.Flusher).Flush()
		<-a.gate
	}
	finish := "stop"
	for i, c := range a.calls {
		finish = "tool_calls"
		in, _ := json.Marshal(c.in)
		chunk(w, map[string]any{"tool_calls": []any{map[string]any{
			"index": i, "id": fmt.Sprintf("call_%d_%d", n, i), "type": "function",
			"function": map[string]any{"name": c.name, "arguments": string(in)},
		}}}, nil)
	}
	chunk(w, map[string]any{}, finish)
	fmt.Fprint(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":10,\"total_tokens\":1010}}\n\n")
	fmt.Fprint(w, "data: [DONE]\n\n")
}

func chunk(w io.Writer, delta map[string]any, finish any) {
	data, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}})
	fmt.Fprintf(w, "data: %s\n\n", data)
}

// environ is the environment of a run with this model, and with nothing of the
// user's own.
func (f *fakeModel) environ(t *testing.T, old []string) []string {
	return append(noKeys(t, old), "OPENAI_BASE_URL="+f.URL)
}

// noKeys is old without keys of models and without what the user keeps.
func noKeys(t *testing.T, old []string) []string {
	var env []string
	for _, e := range old {
		key, _, _ := strings.Cut(e, "=")
		if strings.HasSuffix(key, "_API_KEY") || strings.HasSuffix(key, "_BASE_URL") || key == "OLLAMA_HOST" || key == "HUTCH_CONFIG" {
			continue
		}
		env = append(env, e)
	}
	return append(env, "XDG_CONFIG_HOME="+t.TempDir())
}
