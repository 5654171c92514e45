package deepagent_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/tool"
)

// ownTool is a list with one tool.
func ownTool(name string, do func(context.Context) (string, error)) []tool.Tool {
	return []tool.Tool{tool.Func(tool.Tool{Name: name}, func(ctx context.Context, _ struct{}) (string, error) { return do(ctx) })}
}

func TestBadCalls(t *testing.T) {
	out := finished(t, &deepagent.Options{Tools: ownTool("boom", func(context.Context) (string, error) { panic("ouch") })}, nil,
		use("no_such_tool", `{}`), use("ls", `{"path": `), use("ls", `["."]`), use("ls", ``), use("ls", `{"nonsense": 1}`), use("boom", `{}`), say("done"))
	for i, want := range []string{"There is no tool \"no_such_tool\". There are: ls, ", "not a JSON object: unexpected end of JSON input", "not a JSON object. Call ls", "", "nonsense", "The tool boom has a fault and did not finish: ouch"} {
		got := out.done(t, i)
		has(t, got.Text, want)
		if got.Failed != (i != 3) {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestSaysNothing(t *testing.T) {
	out := finished(t, nil, nil, step{}, step{}, say("here I am"))
	if out.res.Text != scripted.Notice+"here I am" {
		t.Errorf("%+v", out.res)
	}
	a, _ := made(t, nil, step{}, step{}, step{}, say("too late"))
	if out := play(t.Context(), a, "Do it.", nil); !errors.Is(out.err, deepagent.ErrEmpty) || out.res.Ending != deepagent.Broken {
		t.Errorf("%+v, %v", out.res, out.err)
	}
	for _, m := range out.res.Messages {
		if len(m.Content) == 0 {
			t.Error("an empty message stays in the conversation")
		}
	}
}

func TestRefused(t *testing.T) {
	b := memory()
	write := use("write_file", `{"path": "a", "content": "x"}`)
	write.Stop = llm.Refused
	a, _ := made(t, nil, write)
	if out := play(t.Context(), a, "Do it.", &deepagent.Deps{Backend: b}); !errors.Is(out.err, deepagent.ErrRefused) {
		t.Errorf("with a call: %v", out.err)
	}
	if _, err := b.Stat(t.Context(), "a"); err == nil {
		t.Error("the call was executed")
	}
	a, _ = made(t, nil, step{Text: "I will not.", Stop: llm.Refused})
	if out := play(t.Context(), a, "Do it.", nil); !errors.Is(out.err, deepagent.ErrRefused) || out.res.Ending != deepagent.Refused {
		t.Errorf("%+v, %v", out.res, out.err)
	}
}

// A call that was cut off is not executed, not even where it happens to be whole.
func TestCutOff(t *testing.T) {
	b := memory()
	write := use("write_file", `{"path": "a", "content": "half"}`)
	write.Stop = llm.Length
	out := finished(t, nil, &deepagent.Deps{Backend: b}, write, step{Text: "first half, ", Stop: llm.Length}, say("second half"))
	if _, err := b.Stat(t.Context(), "a"); err == nil {
		t.Error("the call was executed")
	}
	if out.res.Text != scripted.Notice+"first half, second half" {
		t.Errorf("%q", out.res.Text)
	}
	last := out.res.Messages
	has(t, last[2].Content[0].Result.Text, "cut off")
	has(t, last[4].Content[0].Text, "Go on where it ended")
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out := finished(t, nil, nil,
			step{Text: "half of", Error: &scripted.Failure{Kind: "cut"}},
			step{Error: &scripted.Failure{Kind: "limited", RetryAfter: 90}},
			say("all of it"))
		retries := out.of(deepagent.Retrying)
		if len(retries) != 2 || !retries[0].Retry.Void || retries[1].Retry.Void || retries[0].Retry.Try != 1 || retries[1].Retry.Try != 2 {
			t.Fatalf("%+v", retries)
		}
		if w := retries[0].Retry.Wait; w < 750*time.Millisecond || w > 1250*time.Millisecond {
			t.Errorf("waits %s", w)
		}
		if w := retries[1].Retry.Wait; w != 90*time.Second {
			t.Errorf("waits %s, the provider wants 90 s", w)
		}
		if took := time.Since(began); took < 90*time.Second {
			t.Errorf("took %s", took)
		}
		if out.res.Text != "all of it" || out.res.Usage.Steps != 1 {
			t.Errorf("%+v", out.res)
		}
	})
}

func TestRetriesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trouble := step{Error: &scripted.Failure{Kind: "trouble"}}
		for name, c := range map[string]struct {
			o     deepagent.Options
			steps []step
			left  int
			want  error
		}{
			"three":     {deepagent.Options{Retries: 2}, []step{trouble, trouble, trouble, trouble}, 1, llm.ErrTrouble},
			"never":     {deepagent.Options{Retries: -1}, []step{trouble, trouble}, 1, llm.ErrTrouble},
			"no key":    {deepagent.Options{}, []step{{Error: &scripted.Failure{Kind: "auth"}}, say("x")}, 1, llm.ErrAuth},
			"next week": {deepagent.Options{}, []step{{Error: &scripted.Failure{Kind: "limited", RetryAfter: 86400}}, say("x")}, 1, llm.ErrLimited},
		} {
			a, m := made(t, &c.o, c.steps...)
			out := play(t.Context(), a, "Do it.", nil)
			if !errors.Is(out.err, c.want) || out.res == nil || out.res.Ending != deepagent.Broken || m.Left() != c.left {
				t.Errorf("%s: %v, %d left", name, out.err, m.Left())
			}
		}
	})
}

// An answer that never ends is not taken for one that has.
func TestCutOffForEver(t *testing.T) {
	var steps []step
	for range 10 {
		steps = append(steps, step{Text: "more, ", Stop: llm.Length})
	}
	a, _ := made(t, nil, steps...)
	if _, err := a.Run(t.Context(), "Talk.", nil); !errors.Is(err, deepagent.ErrBudget) {
		t.Errorf("%v", err)
	}
}

// endless is a model that says things until it is stopped, or nothing at all.
type endless struct {
	silent  bool
	stopped atomic.Bool
}

func (*endless) Name() string { return "endless" }

func (e *endless) Stream(ctx context.Context, _ *llm.Request) iter.Seq2[llm.Part, error] {
	return func(yield func(llm.Part, error) bool) {
		defer e.stopped.Store(true)
		if e.silent {
			return
		}
		for ctx.Err() == nil {
			if !yield(llm.Part{Kind: llm.TextDelta, Text: "and "}, nil) {
				return
			}
		}
		yield(llm.Part{}, ctx.Err())
	}
}

func TestCancelStopsTheModel(t *testing.T) {
	leaks(t)
	m := &endless{}
	a, err := deepagent.New(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last deepagent.Event
	for e, err := range a.Stream(ctx, "Talk.", nil) {
		if n++; n == 10 {
			cancel()
		}
		last = e
		if e.Kind == deepagent.End && !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	if last.Kind != deepagent.End || last.Result.Ending != deepagent.Cancelled || !m.stopped.Load() {
		t.Errorf("%+v", last)
	}
}

// Who breaks off does not wait for a model that never ends.
func TestBreakOffStopsTheModel(t *testing.T) {
	leaks(t)
	m := &endless{}
	a, _ := deepagent.New(m, nil)
	for e := range a.Stream(t.Context(), "Talk.", nil) {
		if e.Kind == deepagent.Text {
			break
		}
	}
	if !m.stopped.Load() {
		t.Error("the model goes on")
	}
}

// A stream that just ends is no answer.
func TestNoEnd(t *testing.T) {
	a, _ := deepagent.New(&endless{silent: true}, &deepagent.Options{Retries: -1})
	if _, err := a.Run(t.Context(), "Talk.", nil); !errors.Is(err, llm.ErrCut) {
		t.Errorf("%v", err)
	}
}

func TestCancelKillsCommands(t *testing.T) {
	leaks(t)
	s := testroom.Jail(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, _ := made(t, nil,
		use("run_in_background", `{"command": "while :; do echo x >> beat; sleep 0.02; done"}`),
		use("execute", `{"command": "echo up; sleep 600"}`), say("no"))
	var out outcome
	for e, err := range a.Stream(ctx, "Run.", &deepagent.Deps{Backend: s}) {
		if e.Kind == deepagent.Progress {
			cancel()
		}
		if e.Kind == deepagent.End {
			out.res, out.err = e.Result, err
		}
	}
	if !errors.Is(out.err, context.Canceled) || out.res.Ending != deepagent.Cancelled {
		t.Fatalf("%v", out.err)
	}
	whole(t, out.res.Messages)
	has(t, out.res.Messages[4].Content[0].Result.Text, "Cancelled")
	before, _ := s.Stat(t.Context(), "beat")
	res, err := s.Exec(t.Context(), hutch.Shell("sleep 0.2"))
	after, _ := s.Stat(t.Context(), "beat")
	if err != nil || res.ExitCode != 0 || after.Size != before.Size {
		t.Errorf("the command in the background goes on: %d, then %d bytes", before.Size, after.Size)
	}
}

// Calls that only read run side by side, others one after the other.
func TestSideBySide(t *testing.T) {
	var meet sync.WaitGroup
	meet.Add(3)
	reads := tool.Func(tool.Tool{Name: "meet", ReadOnly: true}, func(ctx context.Context, _ struct{}) (string, error) {
		meet.Done()
		meet.Wait()
		return "met", nil
	})
	var now, most atomic.Int32
	writes := tool.Func(tool.Tool{Name: "alone"}, func(context.Context, struct{}) (string, error) {
		n := now.Add(1)
		defer now.Add(-1)
		most.Store(max(most.Load(), n))
		time.Sleep(time.Millisecond)
		return "", nil
	})
	m, w := call{Name: "meet", Input: "{}"}, call{Name: "alone", Input: "{}"}
	out := finished(t, &deepagent.Options{Tools: []tool.Tool{reads, writes}}, nil, step{Calls: []call{m, m, m}}, step{Calls: []call{w, w, w}}, say("done"))
	if len(out.of(deepagent.ToolDone)) != 6 || most.Load() != 1 {
		t.Errorf("%d of the tools that change something at a time", most.Load())
	}
}

// What the model cannot mend ends the run, with a result for every call.
func TestWorkspaceIsGone(t *testing.T) {
	tools := ownTool("gone", func(context.Context) (string, error) { return "", hutch.ErrClosed })
	a, _ := made(t, &deepagent.Options{Tools: tools},
		step{Calls: []call{{Name: "gone", Input: "{}"}, {Name: "write_todos", Input: `{"todos": []}`}}}, say("no"))
	out := play(t.Context(), a, "Do it.", nil)
	if !errors.Is(out.err, hutch.ErrClosed) || out.res.Ending != deepagent.Broken {
		t.Errorf("%v", out.err)
	}
	whole(t, out.res.Messages)
}

// IDs that a model uses twice are made different.
func TestSameIDs(t *testing.T) {
	c := call{ID: "x", Name: "ls", Input: "{}"}
	out := finished(t, nil, nil, step{Calls: []call{c, c}}, step{Calls: []call{c}}, say("done"))
	whole(t, out.res.Messages)
}
