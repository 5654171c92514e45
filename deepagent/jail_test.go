package deepagent_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/llm"
	"github.com/hutch-dev/hutch/llm/scripted"
	"github.com/hutch-dev/hutch/state"
)

// run runs a script and returns what it printed and its status.
func run(t *testing.T, s hutch.Sandbox, script string) (string, int) {
	t.Helper()
	var out hutch.Capture
	cmd := hutch.Shell(script)
	cmd.Stdout, cmd.Stderr = &out, &out
	res, err := s.Exec(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), res.ExitCode
}

// holds is a command whose whole tree, with what it has left to itself, holds a lock
// for as long as any of it is alive.
const holds = `exec 9>lock; flock 9; setsid sh -c 'sleep 600 & wait' & sleep 600 & echo up; wait`

// released fails where anything of holds is alive.
func released(t *testing.T, s hutch.Sandbox) {
	t.Helper()
	if out, status := run(t, s, "flock -n lock echo free"); status != 0 || out != "free\n" {
		t.Errorf("something of the command is alive: status %d, %q", status, out)
	}
}

func locks(t *testing.T, s hutch.Sandbox) {
	t.Helper()
	if out, status := run(t, s, "command -v flock setsid"); status != 0 {
		need.Lacking(t, "jail", "no flock: "+out)
	}
	if _, status := run(t, s, "exec 9>lock; flock 9; flock -n lock true"); status == 0 {
		t.Fatal("a lock is none here")
	}
}

// When the run is cancelled the whole tree of the command is gone at once, and the
// saved conversation can be gone on with.
func TestCancelledCommandIsGone(t *testing.T) {
	leaks(t)
	s := testroom.Jail(t)
	locks(t, s)
	d := &deepagent.Deps{Backend: s, Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a, _ := made(t, nil, step{Calls: []call{
		{Name: "execute", Input: input("command", holds)}, {Name: "write_file", Input: `{"path": "after", "content": "x"}`},
	}}, say("no"))
	var last deepagent.Event
	var ended error
	for e, err := range a.Stream(ctx, "Run.", d) {
		if e.Kind == deepagent.Progress && strings.Contains(e.Text, "up") {
			cancel()
		}
		last, ended = e, err
	}
	released(t, s)
	if !errors.Is(ended, context.Canceled) || last.Result == nil || last.Result.Ending != deepagent.Cancelled {
		t.Fatalf("%v", ended)
	}
	if _, err := s.Stat(t.Context(), "after"); err == nil {
		t.Error("a call after the cancelled one was executed")
	}
	saved, err := d.Store.Load(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	whole(t, saved.Messages)
	again, _ := made(t, nil,
		step{Expect: []string{"it is not known how far it came", "Not executed"}, Calls: []call{{Name: "execute", Input: `{"command": "flock -n lock echo free"}`}}},
		step{Expect: []string{"free"}, Text: "done"})
	res, err := again.Run(t.Context(), "", d)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, res.Messages)
}

// Whatever ends a run, what it has left running ends with it.
func TestNoOrphans(t *testing.T) {
	background := step{Calls: []call{{Name: "run_in_background", Input: input("command", holds)}}}
	up := use("execute", `{"command": "until ! flock -n lock true; do sleep 0.05; done"}`)
	for name, c := range map[string]struct {
		o    deepagent.Options
		last step
		want error
	}{
		"finished":               {deepagent.Options{}, say("done"), nil},
		"budget":                 {deepagent.Options{MaxSteps: 2}, say("no"), deepagent.ErrBudget},
		"refused":                {deepagent.Options{}, step{Text: "No.", Stop: llm.Refused}, deepagent.ErrRefused},
		"no provider":            {deepagent.Options{Retries: -1}, step{Error: &scripted.Failure{Kind: "auth"}}, llm.ErrAuth},
		"provider ends half-way": {deepagent.Options{Retries: -1}, step{Text: "Now I", Calls: []call{{Name: "write_file", Input: `{"path": "half", "content": "x"}`}}, Error: &scripted.Failure{Kind: "cut"}}, llm.ErrCut},
		"says nothing":           {deepagent.Options{}, step{}, deepagent.ErrEmpty},
	} {
		t.Run(name, func(t *testing.T) {
			s := testroom.Jail(t)
			locks(t, s)
			a, _ := made(t, &c.o, background, up, c.last, c.last, c.last)
			d := &deepagent.Deps{Backend: s, Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
			out := play(t.Context(), a, "Start.", d)
			released(t, s)
			if !errors.Is(out.err, c.want) {
				t.Errorf("%v", out.err)
			}
			whole(t, out.res.Messages)
			if _, err := s.Stat(t.Context(), "half"); err == nil {
				t.Error("a call of half an answer was executed")
			}
			out = finished(t, nil, d, step{Text: "I go on."})
			whole(t, out.res.Messages)
		})
	}
}

// A model that calls what there is not, in no language, for what is denied, for ever
// and says nothing: files stay as they are, and the run comes to its end.
func TestBadModelInTheJail(t *testing.T) {
	leaks(t)
	s := testroom.Jail(t)
	put(t, s, ".env", "KEY=secret\n")
	g := ruled(t, s)
	before := world(t, s)
	out := finished(t, nil, &deepagent.Deps{Backend: g},
		use("run_shell", `{"command": "touch x"}`),
		use("execute", `{"command": "touch x"`),
		use("execute", `"touch x"`),
		use("read_file", `{"path": ".env"}`),
		use("write_file", `{"path": "x", "content": "x"}`),
		use("write_file", `{"path": "../x", "content": "x"}`),
		use("execute", `{"command": "cat .env; touch x"}`),
		step{}, step{}, say("I give up."))
	for i, want := range []string{"There is no tool", "not a JSON object", "not a JSON object", "Permission denied", "approval required", "leaves the workspace", "denied for read"} {
		got := out.done(t, i)
		if has(t, got.Text, want); !got.Failed || strings.Contains(got.Text, "KEY=") {
			t.Errorf("call %d: %+v", i, got)
		}
	}
	whole(t, out.res.Messages)
	sameWorld(t, s, before)
}

// A model that never stops is stopped, and what it was allowed to do is done.
func TestNeverStopsInTheJail(t *testing.T) {
	s := testroom.Jail(t)
	var steps []step
	for range 10 {
		steps = append(steps, use("execute", `{"command": "echo x >> log; wc -l < log"}`))
	}
	d := &deepagent.Deps{Backend: s, Store: deepagent.Files(state.New(nil), "."), Conversation: "one"}
	a, m := made(t, &deepagent.Options{MaxSteps: 4}, steps...)
	out := play(t.Context(), a, "Go.", d)
	if !errors.Is(out.err, deepagent.ErrBudget) || m.Left() != 6 || get(t, s, "log") != "x\nx\nx\nx\n" {
		t.Errorf("%v, %d left", out.err, m.Left())
	}
	whole(t, out.res.Messages)
	finished(t, nil, d, use("execute", `{"command": "wc -l < log"}`), step{Expect: []string{"4"}, Text: "done"})
}
