package deepagent_test

import (
	"context"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

type (
	toolCall   = tool.Call
	toolResult = tool.Result

	step = scripted.Step
	call = scripted.Call
)

// use is a step that calls a tool.
func use(name, input string) step {
	return step{Calls: []call{{Name: name, Input: llm.Input(input)}}}
}

func say(text string) step { return step{Text: text} }

// made is an agent of a script.
func made(t testing.TB, o *deepagent.Options, steps ...step) (*deepagent.Agent, *scripted.Model) {
	t.Helper()
	m := scripted.Must(steps...)
	a, err := deepagent.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	return a, m
}

// outcome is all that came of a run.
type outcome struct {
	events []deepagent.Event
	res    *deepagent.Result
	err    error
}

func play(ctx context.Context, a *deepagent.Agent, prompt string, d *deepagent.Deps) outcome {
	var o outcome
	for e, err := range a.Stream(ctx, prompt, d) {
		o.events = append(o.events, e)
		if err != nil {
			o.err = err
		}
		if e.Kind == deepagent.End && e.Agent == "" {
			o.res = e.Result
		}
	}
	return o
}

// finished plays a script to its good end.
func finished(t testing.TB, o *deepagent.Options, d *deepagent.Deps, steps ...step) outcome {
	t.Helper()
	a, m := made(t, o, steps...)
	out := play(t.Context(), a, "Do it.", d)
	if out.err != nil {
		t.Fatalf("%v; events:\n%s", out.err, out.list())
	}
	if n := m.Left(); n > 0 {
		t.Fatalf("%d steps were not played", n)
	}
	return out
}

func (o outcome) of(kind deepagent.Kind) []deepagent.Event {
	return slices.DeleteFunc(slices.Clone(o.events), func(e deepagent.Event) bool { return e.Kind != kind })
}

// done is the outcome of the nth call, from 0.
func (o outcome) done(t testing.TB, n int) *deepagent.Outcome {
	t.Helper()
	all := o.of(deepagent.ToolDone)
	if n >= len(all) {
		t.Fatalf("only %d calls:\n%s", len(all), o.list())
	}
	return all[n].Outcome
}

func (o outcome) list() string {
	var s strings.Builder
	for _, e := range o.events {
		s.WriteString(string(e.Kind) + " " + e.Agent + " " + e.Text)
		if e.Outcome != nil {
			s.WriteString(e.Outcome.Text)
		}
		s.WriteString("\n")
	}
	return s.String()
}

func put(t testing.TB, b hutch.Backend, name, text string) {
	t.Helper()
	if _, err := hutch.WriteFile(t.Context(), b, name, []byte(text), nil); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, b hutch.Backend, name string) string {
	t.Helper()
	data, err := hutch.ReadFile(t.Context(), b, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func memory(files ...string) *state.Backend {
	b := state.New(nil)
	for i := 0; i < len(files); i += 2 {
		_, _ = hutch.WriteFile(context.Background(), b, files[i], []byte(files[i+1]), nil)
	}
	return b
}

// leaks fails where a test leaves goroutines behind.
func leaks(t testing.TB) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 2000 { // ten seconds, for a machine that is busy
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines, before %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
	})
}

func has(t testing.TB, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

// plain is a function of a tool that wants no context.
func plain[In any](do func(In) (string, error)) func(context.Context, In) (string, error) {
	return func(_ context.Context, in In) (string, error) { return do(in) }
}

// input is an object of strings.
func input(pairs ...string) llm.Input {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	data, _ := json.Marshal(m)
	return llm.Input(data)
}

// using is a step that takes tokens.
func using(tokens int64, s step) step {
	s.Usage = &llm.Usage{Input: tokens}
	return s
}
