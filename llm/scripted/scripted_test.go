package scripted_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
)

func request(system, prompt string, results ...string) *llm.Request {
	r := &llm.Request{System: system, Messages: []llm.Message{{Role: llm.User, Content: []llm.Block{{Text: prompt}}}}}
	for _, text := range results {
		r.Messages = append(r.Messages, llm.Message{Role: llm.User, Content: []llm.Block{{Result: &llm.Result{Text: text}}}})
	}
	return r
}

func generate(t *testing.T, m llm.Model, r *llm.Request) *llm.Reply {
	t.Helper()
	reply, err := llm.Generate(t.Context(), m, r)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

func TestParse(t *testing.T) {
	m, err := scripted.Parse("demo", []byte(`[
		{"reasoning": "hm", "text": "one two three four five", "calls": [{"name": "ls", "input": {"path": "."}}, {"id": "x", "name": "bad", "input": "{broken"}], "usage": {"input": 5, "output": 6}},
		{"expect": ["rev"], "take": {"rev": "rev=(\\w+)"}, "calls": [{"name": "edit", "input": {"rev": "{{rev}}"}}]},
		{"text": "{{rev}} is \"it\"", "stop": "length"},
		{"error": {"kind": "limited", "text": "slow down", "retry_after": 7}}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	if m.Name() != "scripted:demo" {
		t.Error(m.Name())
	}
	var kinds []llm.Kind
	var text strings.Builder
	var last *llm.Reply
	for p, err := range m.Stream(t.Context(), request("", "Go.")) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, p.Kind)
		if p.Kind == llm.TextDelta {
			text.WriteString(p.Text)
		}
		last = p.Reply
	}
	if text.String() != scripted.Notice+"one two three four five" || len(kinds) < 8 {
		t.Errorf("%q in %v", text.String(), kinds)
	}
	c := last.Message.Content
	if last.Stop != llm.Calls || last.Usage.Output != 6 || c[0].Reasoning.Text != "hm" || c[2].Call.Input != `{"path": "."}` || c[3].Call.Input != "{broken" || c[3].Call.ID != "x" || c[2].Call.ID == "" {
		t.Errorf("%+v", last)
	}
	r := generate(t, m, request("", "Go.", `rev=ab3`))
	if in := r.Message.Content[0].Call.Input; in != `{"rev": "ab3"}` {
		t.Errorf("%s", in)
	}
	r = generate(t, m, request("", "Go."))
	if r.Message.Content[0].Text != `ab3 is "it"` || r.Stop != llm.Length {
		t.Errorf("%+v", r)
	}
	_, err = llm.Generate(t.Context(), m, request("", "Go."))
	var e *llm.Error
	if !errors.As(err, &e) || !errors.Is(err, llm.ErrLimited) || e.RetryAfter != 7*time.Second || !llm.Again(err) {
		t.Errorf("%v", err)
	}
	if _, err = llm.Generate(t.Context(), m, request("", "Go.")); !errors.Is(err, llm.ErrRequest) || llm.Again(err) || !strings.Contains(err.Error(), "is over") {
		t.Errorf("%v", err)
	}
}

// A world that is not as it should be is noticed.
func TestExpect(t *testing.T) {
	for _, s := range []scripted.Step{{Expect: []string{"42"}, Text: "x"}, {Take: map[string]string{"n": `(\d+)`}, Text: "x"}} {
		_, err := llm.Generate(t.Context(), scripted.Must(s), request("", "Go.", "fourty-two"))
		if !errors.Is(err, llm.ErrRequest) || !strings.Contains(err.Error(), "fourty-two") {
			t.Errorf("%v", err)
		}
	}
}

// What is taken from a result stays one JSON string.
func TestTakenIsQuoted(t *testing.T) {
	m := scripted.Must(scripted.Step{Take: map[string]string{"x": `(?s)<(.*)>`}, Calls: []scripted.Call{{Name: "a", Input: `{"x": "{{x}}"}`}}})
	r := generate(t, m, request("", "Go.", "<\"}\n{>"))
	if in, ok := r.Message.Content[0].Call.Input.Object(); !ok || string(in) != `{"x": "\"}\n{"}` {
		t.Errorf("%s", in)
	}
}

// Conversations that share a model each get their own steps.
func TestWhen(t *testing.T) {
	m := scripted.Must(scripted.Step{When: "Two", Text: "2"}, scripted.Step{When: "One", Text: "1"}, scripted.Step{Text: "any"})
	for _, c := range [][3]string{{"", "One", "1"}, {"Two", "x", "2"}, {"", "x", "any"}} {
		if got := generate(t, m, request(c[0], c[1])).Message.Content[0].Text; !strings.HasSuffix(got, c[2]) {
			t.Errorf("%v: %s", c, got)
		}
	}
	if m.Left() != 0 || len(m.Requests()) != 3 {
		t.Errorf("%d left, %d requests", m.Left(), len(m.Requests()))
	}
}

func TestBadScripts(t *testing.T) {
	for _, s := range []string{`{}`, `[{"txt": "x"}]`, `[{"take": {"x": "("}}]`, `[{"take": {"x": "no group"}}]`, `[{"error": {"kind": "tired"}}]`} {
		if _, err := scripted.Parse("bad", []byte(s)); err == nil {
			t.Errorf("%s: no error", s)
		}
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := scripted.Must(scripted.Step{Wait: 60_000, Text: "late"}, scripted.Step{Wait: 60_000, Text: "later"})
		began := time.Now()
		generate(t, m, request("", "Go."))
		if took := time.Since(began); took != time.Minute {
			t.Errorf("took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := llm.Generate(ctx, m, request("", "Go.")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
	})
}
