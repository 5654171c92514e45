package managed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/lib/environments"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/tools/agenttoolset"
	"github.com/hutch-dev/hutch"
	hutchtools "github.com/hutch-dev/hutch/adapters/anthropic"
	"github.com/hutch-dev/hutch/adapters/anthropic/managed"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// platform plays a session of the platform: it asks for one call after the other
// and ends the session.
type platform struct {
	*httptest.Server
	uses    []use
	results chan result
	got     []result
}

type use struct{ name, input string }

// result is what the tests look at of an answer to a call.
type result struct {
	Type    string
	ID      string `json:"custom_tool_use_id"`
	IsError bool   `json:"is_error"`
	Content []struct{ Type, Text string }
}

func play(t testing.TB, uses ...use) *platform {
	p := &platform{uses: uses, results: make(chan result, 1)}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(body string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/events/stream"):
		p.stream(w, r)
	case strings.HasSuffix(r.URL.Path, "/events") && r.Method == http.MethodPost:
		var sent struct{ Events []result }
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer(`{"type": "send_session_events"}`)
		for _, e := range sent.Events {
			p.results <- e
		}
	case strings.HasSuffix(r.URL.Path, "/events"):
		answer(`{"data": [], "first_id": null, "has_more": false, "last_id": null}`)
	case strings.HasSuffix(r.URL.Path, "/heartbeat"):
		answer(`{"last_heartbeat": "2026-05-11T12:00:00Z", "lease_extended": true, "state": "active", "ttl_seconds": 30, "type": "work_heartbeat"}`)
	case strings.HasSuffix(r.URL.Path, "/stop"):
		w.WriteHeader(http.StatusNoContent)
	case strings.HasSuffix(r.URL.Path, "/sessions/session"):
		answer(`{"agent": {"skills": []}}`)
	default:
		http.Error(w, "there is no "+r.URL.Path, http.StatusNotFound)
	}
}

func (p *platform) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	event := func(kind, id, more string) {
		fmt.Fprintf(w, "event: %s\ndata: {\"type\": %q, \"id\": %q, \"processed_at\": \"2026-05-11T12:00:00Z\"%s}\n\n", kind, kind, id, more)
		_ = http.NewResponseController(w).Flush()
	}
	for i, u := range p.uses {
		event("agent.custom_tool_use", fmt.Sprintf("use_%d", i), fmt.Sprintf(`, "name": %q, "input": %s`, u.name, u.input))
		select {
		case res := <-p.results:
			p.got = append(p.got, res)
		case <-r.Context().Done():
			return
		}
	}
	event("session.status_terminated", "end", "")
}

// work lets the worker of the SDK take the session.
func (p *platform) work(t testing.TB, tools func(*agenttoolset.AgentToolContext) []sdk.BetaTool) {
	t.Helper()
	client := sdk.NewClient(option.WithBaseURL(p.URL), option.WithAPIKey("none"), option.WithMaxRetries(0))
	worker := environments.NewEnvironmentWorker(client, environments.EnvironmentWorkerOptions{
		EnvironmentID: "env", EnvironmentKey: "key", Workdir: t.TempDir(),
		Logger: slog.New(slog.DiscardHandler), ToolsFunc: tools,
	})
	err := worker.HandleItem(t.Context(), environments.HandleItemOptions{WorkID: "work", EnvironmentID: "env", SessionID: "session"})
	if err != nil {
		t.Fatal(err)
	}
}

// closer is a backend that says when it was closed.
type closer struct {
	hutch.Backend
	closed int
}

func (c *closer) Close() error { c.closed++; return nil }

func TestWorker(t *testing.T) {
	b := &closer{Backend: state.New(nil)}
	p := play(t,
		use{"write_file", `{"path": "src/a.txt", "content": "one\ntwo\n"}`},
		use{"read_file", `{"path": "src/a.txt"}`},
		use{"edit_file", `{"path": "src/a.txt", "old_string": "three", "new_string": "3"}`},
		use{"edit_file", `{"path": "src/a.txt", "old_string": "two", "new_string": "2"}`},
		use{"ls", `{"path": "src"}`},
	)
	p.work(t, managed.ToolsFunc(func(*agenttoolset.AgentToolContext) (hutch.Backend, error) { return b, nil }, nil))
	if len(p.got) != 5 {
		t.Fatalf("%+v", p.got)
	}
	for i, want := range []struct {
		text   string
		failed bool
	}{
		{"Created: wrote 2 lines", false},
		{"     2\ttwo", false},
		{"String 'three' not found", true},
		{"Edited src/a.txt", false},
		{"a.txt", false},
	} {
		got := p.got[i]
		if got.Type != "user.custom_tool_result" || got.ID != fmt.Sprintf("use_%d", i) || got.IsError != want.failed || !strings.Contains(got.Content[0].Text, want.text) {
			t.Errorf("call %d: %+v, want %+v", i, got, want)
		}
	}
	if data, err := hutch.ReadFile(t.Context(), b, "src/a.txt"); err != nil || string(data) != "one\n2\n" {
		t.Errorf("%q, %v", data, err)
	}
	if b.closed != 1 {
		t.Errorf("closed %d times", b.closed)
	}
}

// A session without a workspace is told so, and ends; the cause stays here.
func TestNoWorkspace(t *testing.T) {
	p := play(t, use{"execute", `{"command": "ls"}`})
	p.work(t, managed.ToolsFunc(func(*agenttoolset.AgentToolContext) (hutch.Backend, error) {
		return nil, errors.New("a secret of the host")
	}, nil))
	if len(p.got) != 1 || !p.got[0].IsError || !strings.Contains(p.got[0].Content[0].Text, "there is no workspace") || strings.Contains(p.got[0].Content[0].Text, "secret") {
		t.Errorf("%+v", p.got)
	}
}

// Who has no tools holds no workspace.
func TestNoTools(t *testing.T) {
	b := &closer{Backend: state.New(nil)}
	tools := managed.ToolsFunc(func(*agenttoolset.AgentToolContext) (hutch.Backend, error) { return b, nil }, &tool.Options{Without: tool.Names()})(nil)
	if len(tools) != 0 || b.closed != 1 {
		t.Errorf("%d tools, closed %d times", len(tools), b.closed)
	}
}

// The platform is told of the tools what they say.
func TestCustom(t *testing.T) {
	b := state.New(nil)
	got := managed.Custom(hutchtools.Tools(b, nil))
	want := tool.Console(b, nil)
	if len(got) != len(want) {
		t.Fatalf("%d tools, want %d", len(got), len(want))
	}
	for i, w := range want {
		raw, err := json.Marshal(got[i])
		if err != nil {
			t.Fatal(err)
		}
		var d struct {
			Type, Name, Description string
			InputSchema             any `json:"input_schema"`
		}
		var schema any
		if err := errors.Join(json.Unmarshal(raw, &d), json.Unmarshal(w.Input, &schema)); err != nil {
			t.Fatal(err)
		}
		if d.Type != "custom" || d.Name != w.Name || d.Description != w.Description || fmt.Sprint(d.InputSchema) != fmt.Sprint(schema) {
			t.Errorf("%s, want %+v", raw, w)
		}
	}
}

func ExampleToolsFunc() {
	open := func(*agenttoolset.AgentToolContext) (hutch.Backend, error) {
		return state.New(nil), nil // or local.Open with a directory for this session
	}
	worker := environments.NewEnvironmentWorker(sdk.NewClient(), environments.EnvironmentWorkerOptions{
		EnvironmentID: "…", EnvironmentKey: "…",
		ToolsFunc: managed.ToolsFunc(open, nil),
	})
	_ = worker.Run // until its ctx ends
}
