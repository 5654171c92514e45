package deepagent_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
)

type answers func(ctx context.Context, q deepagent.Question) (deepagent.Answer, error)

func TestAskByName(t *testing.T) {
	var asked []deepagent.Question
	answer := deepagent.Answer{Reason: "not on a Friday"}
	o := &deepagent.Options{
		Ask: []string{"write_file"},
		Approve: func(_ context.Context, q deepagent.Question) (deepagent.Answer, error) {
			asked = append(asked, q)
			return answer, nil
		},
	}
	write := use("write_file", `{"path": "a", "content": "x"}`)
	b := memory()
	out := finished(t, o, &deepagent.Deps{Backend: b}, write, say("pity"))
	if got := out.done(t, 0); !got.Failed || !strings.HasPrefix(got.Text, "Permission denied for write_file") || !strings.HasSuffix(got.Text, "not on a Friday") {
		t.Errorf("%+v", got)
	}
	if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was written: %v", err)
	}
	if len(asked) != 1 || asked[0].Call.Name != "write_file" || !strings.Contains(asked[0].Text, `"path"`) {
		t.Errorf("asked %+v", asked)
	}
	if a, b := out.of(deepagent.Asked), out.of(deepagent.Answered); len(a) != 1 || len(b) != 1 || b[0].Answer.Reason == "" {
		t.Errorf("events: %+v, %+v", a, b)
	}
	for scope, want := range map[deepagent.Scope]int{deepagent.Once: 2, deepagent.Session: 1, deepagent.Always: 1} {
		asked, answer = nil, deepagent.Answer{Scope: scope}
		out = finished(t, o, &deepagent.Deps{Backend: memory()}, write, use("write_file", `{"path": "b", "content": "x"}`), say("done"))
		if len(asked) != want || out.done(t, 0).Failed || out.done(t, 1).Failed {
			t.Errorf("scope %d: asked %d times, want %d\n%s", scope, len(asked), want, out.list())
		}
	}
}

// Without anybody, with an error and with an answer that is none it is refused.
func TestNobodyApproves(t *testing.T) {
	for name, approve := range map[string]answers{
		"nobody": nil,
		"an error": func(context.Context, deepagent.Question) (deepagent.Answer, error) {
			return deepagent.Answer{Scope: deepagent.Once}, errors.New("no terminal")
		},
		"nonsense": func(context.Context, deepagent.Question) (deepagent.Answer, error) {
			return deepagent.Answer{Scope: 17}, nil
		},
		"negative": func(context.Context, deepagent.Question) (deepagent.Answer, error) {
			return deepagent.Answer{Scope: -1}, nil
		},
		"a zero": func(context.Context, deepagent.Question) (deepagent.Answer, error) { return deepagent.Answer{}, nil },
	} {
		b := memory()
		o := &deepagent.Options{Ask: []string{"write_file"}, Approve: approve}
		out := finished(t, o, &deepagent.Deps{Backend: b}, use("write_file", `{"path": "a", "content": "x"}`), say("pity"))
		if a := out.of(deepagent.Answered); len(a) > 0 && a[0].Answer.Scope == deepagent.Once {
			t.Errorf("%s: an event says that it was approved", name)
		}
		if got := out.done(t, 0); !got.Failed || !strings.HasPrefix(got.Text, "Permission denied for write_file: ") {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: it was written: %v", name, err)
		}
	}
}

// ruled is a backend with the default rules, whose questions go to the agent.
func ruled(t *testing.T, b hutch.Backend) *guard.Backend {
	t.Helper()
	set := policy.Default()
	check, err := set.Checker(&policy.CheckerOptions{
		Ask: func(ctx context.Context, q policy.Question) (policy.Answer, error) {
			a, err := deepagent.Ask(ctx, deepagent.Question{Title: "May it " + string(q.Op) + " " + q.Path + "?", Text: q.Command + q.Diff, Pattern: q.Pattern})
			return policy.Answer{Scope: policy.Scope(a.Scope), Reason: a.Reason}, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(t.Context(), b, check, nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAskByRule(t *testing.T) {
	b := memory(".env", "KEY=secret\n")
	var asked []deepagent.Question
	scope := deepagent.Once
	approve := func(_ context.Context, q deepagent.Question) (deepagent.Answer, error) {
		asked = append(asked, q)
		return deepagent.Answer{Scope: scope}, nil
	}
	steps := []step{use("read_file", `{"path": ".env"}`), use("write_file", `{"path": "a", "content": "hay\n"}`), say("done")}
	out := finished(t, nil, &deepagent.Deps{Backend: ruled(t, b), Approve: approve}, steps...)
	has(t, out.done(t, 0).Text, "Permission denied for read on '.env'")
	if got := out.done(t, 1); got.Failed || get(t, b, "a") != "hay\n" {
		t.Errorf("%+v", got)
	}
	if len(asked) != 1 || asked[0].Title != "May it write a?" || !strings.Contains(asked[0].Text, "+hay") || asked[0].Call.Name != "write_file" {
		t.Errorf("asked %+v", asked)
	}
	scope = deepagent.No
	b = memory()
	out = finished(t, nil, &deepagent.Deps{Backend: ruled(t, b), Approve: approve}, steps[1:]...)
	has(t, out.done(t, 0).Text, "(not approved)")
	out = finished(t, nil, &deepagent.Deps{Backend: ruled(t, b)}, steps[1:]...)
	has(t, out.done(t, 0).Text, "approval required")
	if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was written: %v", err)
	}
}

func TestAskOutside(t *testing.T) {
	if _, err := deepagent.Ask(t.Context(), deepagent.Question{}); !errors.Is(err, deepagent.ErrNobody) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("without a call: %v", err)
	}
}

// Calls side by side ask one after the other, also those of sub-agents.
func TestOneQuestionAtATime(t *testing.T) {
	var now, most, all atomic.Int32
	o := &deepagent.Options{
		Ask: []string{"ls"},
		Approve: func(context.Context, deepagent.Question) (deepagent.Answer, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			all.Add(1)
			for range 1000 {
				_ = strings.Repeat("x", 100)
			}
			return deepagent.Answer{Scope: deepagent.Once}, nil
		},
	}
	ls := call{Name: "ls", Input: "{}"}
	finished(t, o, nil, step{Calls: []call{ls, ls, ls, ls, ls, ls}}, say("done"))
	if most.Load() != 1 || all.Load() != 6 {
		t.Errorf("%d questions, %d at a time", all.Load(), most.Load())
	}
}

// A command in the background that outlives its call asks nobody.
func TestAskAfterTheCall(t *testing.T) {
	var kept context.Context
	tool := ownTool("keep", func(ctx context.Context) (string, error) { kept = ctx; return "", nil })
	asked := 0
	o := &deepagent.Options{Tools: tool, Approve: func(context.Context, deepagent.Question) (deepagent.Answer, error) {
		asked++
		return deepagent.Answer{Scope: deepagent.Once}, nil
	}}
	finished(t, o, nil, use("keep", "{}"), say("done"))
	if _, err := deepagent.Ask(context.WithoutCancel(kept), deepagent.Question{}); !errors.Is(err, deepagent.ErrNobody) || asked != 0 {
		t.Errorf("asked %d times, %v", asked, err)
	}
}
