package deepagent_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
)

func TestBudgetOfSteps(t *testing.T) {
	var steps []step
	for i := range 20 {
		steps = append(steps, use("write_file", fmt.Sprintf(`{"path": "f%d", "content": "x"}`, i)))
	}
	a, m := made(t, &deepagent.Options{MaxSteps: 5}, steps...)
	out := play(t.Context(), a, "Never stop.", nil)
	if !errors.Is(out.err, deepagent.ErrBudget) || out.res.Ending != deepagent.OverLimit || out.res.Usage.Steps != 5 || m.Left() != 15 {
		t.Errorf("%+v, %v, %d left", out.res, out.err, m.Left())
	}
	whole(t, out.res.Messages)
}

// whole fails where a call has no result right after it, or a result no call.
func whole(t *testing.T, messages []llm.Message) {
	t.Helper()
	open := map[string]bool{}
	for i, m := range messages {
		if i > 0 && messages[i-1].Role == m.Role {
			t.Errorf("message %d: two in a row are the %s's", i, m.Role)
		}
		for _, b := range m.Content {
			if b.Result != nil {
				if !open[b.Result.ID] {
					t.Errorf("message %d: a result without a call", i)
				}
				delete(open, b.Result.ID)
			}
		}
		if len(open) > 0 {
			t.Errorf("message %d: calls without a result: %v", i, open)
		}
		for _, b := range m.Content {
			if b.Call != nil {
				open[b.Call.ID] = true
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("calls without a result at the end: %v", open)
	}
}

// What is over the budget is not executed, but a last word is taken.
func TestBudgetOfTokensAndMoney(t *testing.T) {
	price := &deepagent.Price{Input: 10, Output: 100, CacheRead: 1, CacheWrite: 20}
	used := &llm.Usage{Input: 1000, Output: 100, CacheRead: 500, CacheWrite: 100} // 400*10 + 100*100 + 500*1 + 100*20 = 16 500 / 1e6
	write := step{Usage: used, Calls: []call{{Name: "write_file", Input: `{"path": "a", "content": "x"}`}}}
	for name, o := range map[string]*deepagent.Options{
		"tokens": {MaxTokens: 1100, Price: price},
		"money":  {MaxCost: 0.0165, Price: price},
	} {
		b := memory()
		a, _ := made(t, o, write, say("no"))
		out := play(t.Context(), a, "Do it.", &deepagent.Deps{Backend: b})
		if !errors.Is(out.err, deepagent.ErrBudget) || out.res.Ending != deepagent.OverLimit {
			t.Errorf("%s: %v", name, out.err)
		}
		if c := out.res.Usage.Cost; c < 0.01649 || c > 0.01651 {
			t.Errorf("%s: it costs %v", name, c)
		}
		if _, err := b.Stat(t.Context(), "a"); err == nil {
			t.Errorf("%s: executed over the budget", name)
		}
		whole(t, out.res.Messages)
		finished(t, o, nil, step{Text: "done", Usage: used})
	}
	a, _ := made(t, &deepagent.Options{MaxCost: 0.02, Price: price}, write, write, say("no"))
	if out := play(t.Context(), a, "Do it.", nil); !errors.Is(out.err, deepagent.ErrBudget) || out.res.Usage.Steps != 2 {
		t.Errorf("%+v, %v", out.res, out.err)
	}
}

func TestStuck(t *testing.T) {
	look := use("ls", `{"path": "."}`)
	other := use("glob", `{"pattern": "*.go"}`)
	for name, steps := range map[string][]step{
		"in a row": {look, look, look, look, look, look, say("no")},
		"in turns": {look, other, look, other, look, other, look, other, look, other, look, say("no")},
	} {
		a, m := made(t, nil, steps...)
		out := play(t.Context(), a, "Do it.", nil)
		if !errors.Is(out.err, deepagent.ErrStuck) || out.res.Ending != deepagent.Stuck || m.Left() != 1 {
			t.Errorf("%s: %v, %d steps left", name, out.err, m.Left())
			continue
		}
		told := 0
		for _, m := range out.res.Messages {
			for _, b := range m.Content {
				if b.Result != nil && strings.Contains(b.Result.Text, "You have done the same") {
					told++
				}
			}
		}
		if told < 2 {
			t.Errorf("%s: told %d times", name, told)
		}
		whole(t, out.res.Messages)
	}
}

// Somebody who looks at the same thing between changes is not stuck.
func TestNotStuck(t *testing.T) {
	var steps []step
	for i := range 10 {
		steps = append(steps, use("write_file", fmt.Sprintf(`{"path": "a%d", "content": "x"}`, i)), use("grep", `{"pattern": "nothing"}`))
	}
	for range 10 {
		steps = append(steps, use("read_output", `{"id": "bg_1"}`))
	}
	finished(t, nil, nil, append(steps, say("done"))...)
}

// Where the provider does not say what it has used, the budget holds all the same.
func TestBudgetWithoutUsage(t *testing.T) {
	var steps []step
	for i := range 20 {
		steps = append(steps, use("ls", fmt.Sprintf(`{"path": "%s"}`, strings.Repeat("./", i+1))))
	}
	a, _ := made(t, &deepagent.Options{MaxTokens: 5_000}, steps...)
	out := play(t.Context(), a, "Do it.", nil)
	if !errors.Is(out.err, deepagent.ErrBudget) || !out.res.Usage.Estimated {
		t.Errorf("%+v, %v", out.res.Usage, out.err)
	}
}
