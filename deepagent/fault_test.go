package deepagent_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/state"
)

type faulty struct{}

func (faulty) Name() string { return "faulty" }

func (faulty) Stream(context.Context, *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		yield(llm.Part{Kind: llm.TextDelta, Text: "x"}, nil)
		panic("fault of the model")
	}
}

// A model that panics does so where its user can catch it.
func TestModelPanics(t *testing.T) {
	leaks(t)
	a, err := deepagent.New(faulty{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if v := recover(); v != "fault of the model" {
			t.Errorf("%v", v)
		}
	}()
	_, _ = a.Run(t.Context(), "Go.", nil)
	t.Error("it is lost")
}

// Who panics while he is asked has not approved.
func TestApproverPanics(t *testing.T) {
	b := memory()
	o := &deepagent.Options{Ask: []string{"write_file"}, Approve: func(context.Context, deepagent.Question) (deepagent.Answer, error) { panic("no terminal") }}
	out := finished(t, o, &deepagent.Deps{Backend: b}, use("write_file", `{"path": "a", "content": "x"}`), use("write_file", `{"path": "a", "content": "x"}`), say("done"))
	if _, err := b.Stat(t.Context(), "a"); err == nil || !out.done(t, 1).Failed {
		t.Error("it was written")
	}
}

// An answer for the session is one for those who wait to ask the same.
func TestSessionForThoseWhoWait(t *testing.T) { synctest.Test(t, sessionForThoseWhoWait) }

func sessionForThoseWhoWait(t *testing.T) {
	var asked atomic.Int32
	o := &deepagent.Options{Ask: []string{"ls"}, Approve: func(context.Context, deepagent.Question) (deepagent.Answer, error) {
		synctest.Wait() // the others wait by now
		asked.Add(1)
		return deepagent.Answer{Scope: deepagent.Session}, nil
	}}
	ls := call{Name: "ls", Input: "{}"}
	out := finished(t, o, nil, step{Calls: []call{ls, ls, ls, ls, ls, ls}}, say("done"))
	if asked.Load() != 1 || out.done(t, 5).Failed {
		t.Errorf("asked %d times", asked.Load())
	}
}

// What an earlier run has said is not what this one says.
func TestTextOfThisRun(t *testing.T) {
	d := &deepagent.Deps{Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
	finished(t, nil, d, say("earlier"))
	a, _ := made(t, nil, step{Text: "no", Stop: llm.Refused}, step{Reasoning: "hm"}, step{Reasoning: "hm"}, step{Reasoning: "hm"})
	if res, err := a.Run(t.Context(), "Go.", d); !errors.Is(err, deepagent.ErrRefused) || !strings.HasSuffix(res.Text, "no") {
		t.Errorf("%+v, %v", res, err)
	}
	res, err := a.Run(t.Context(), "Go.", d)
	if !errors.Is(err, deepagent.ErrEmpty) || res.Text != "" {
		t.Errorf("%+v, %v", res, err)
	}
	for _, m := range res.Messages {
		if len(m.Content) == 1 && m.Content[0].Reasoning != nil {
			t.Error("reasoning alone is a message")
		}
	}
}

// A tool that goes on printing after it has returned, and after the run, harms nobody.
func TestLateProgress(t *testing.T) {
	leaks(t)
	tools := ownTool("late", func(context.Context) (string, error) { return "", nil })
	var late func(string)
	inner := tools[0].Call
	tools[0].Call = func(ctx context.Context, c toolCall) (toolResult, error) {
		late = c.Progress
		return inner(ctx, c)
	}
	tools = append(tools, ownTool("other", func(context.Context) (string, error) { late("too late"); return "", nil })...)
	out := finished(t, &deepagent.Options{Tools: tools}, nil, use("late", "{}"), use("other", "{}"), say("done"))
	late("too late")
	if n := len(out.of(deepagent.Progress)); n != 0 {
		t.Errorf("%d", n)
	}
}
