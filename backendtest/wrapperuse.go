package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/hutch-dev/hutch"
)

func wrapReleases(t *env, r *rig) {
	c := &cause{fs.ErrPermission}
	use := func() {
		for _, o := range append(readOps(), writeOps()...) {
			for _, name := range []string{"f", "dir", "large", "nothing"} {
				if o.name == "EditFile" || o.name == "RemoveAll" || o.name == "Remove" || o.name == "Move from" {
					name = "nothing"
				}
				o.try(t, t.ctx, name)
			}
		}
		for range t.b.List(t.ctx, ".") {
			break
		}
		for range hutch.Walk(t.ctx, t.b, ".") {
			break
		}
		for range t.do.grep(t.ctx, t.b, hutch.Query{Pattern: "."}) {
			break
		}
	}
	use()
	for _, step := range []string{"read", "write", "write.read", "list.next", "walk.next", "grep.next", "rename"} {
		for _, nth := range []int64{1, 2} {
			r.failing(step, nth, c, use)
		}
	}
	if !t.eventually(func() bool { return r.faulty.OpenFiles() == 0 && r.faulty.OpenSequences() == 0 }) {
		t.Errorf("%d files and %d sequences of the inner backend stay open", r.faulty.OpenFiles(), r.faulty.OpenSequences())
	}
}

func wrapPowers(t *env, _ *rig) {
	if _, ok := hutch.As[secret](t.b); ok {
		t.Error("the wrapper answers for a power that it cannot know")
	}
	if x, ok := hutch.As[hutch.Execer](t.b); ok && x == nil {
		t.Error("the wrapper answers for commands with nil")
	}
	if r, ok := hutch.As[hutch.Rooted](t.b); ok && r == nil {
		t.Error("the wrapper answers for Rooted with nil")
	}
	if _, ok := hutch.As[hutch.Execer](t.b); !ok {
		if _, ok := hutch.As[hutch.Rooted](t.b); ok {
			t.Error("the wrapper says under which path commands see the files, and runs none")
		}
	}
}

// wrapExec has nothing to check where the wrapper lets no commands through.
func wrapExec(t *env, r *rig) {
	x, ok := hutch.As[hutch.Execer](t.b)
	if !ok {
		return
	}
	unknown := errors.New("status unknown")
	for _, want := range []error{unknown, fs.ErrNotExist, context.Canceled} {
		r.exec = func(context.Context, *hutch.Cmd) (hutch.Result, error) { return hutch.Result{}, want }
		if res, err := x.Exec(t.ctx, hutch.Shell("x")); !errors.Is(err, want) {
			t.Errorf("a command whose status is not known is %+v, %v", res, err)
		}
	}
	result := hutch.Result{ExitCode: 137, Signal: "SIGKILL", TimedOut: true, Duration: 5}
	r.exec = func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		if len(cmd.Args) != 3 || cmd.Args[2] != "exit 3" || !slices.Equal(cmd.Env, []string{"A=1"}) {
			t.Errorf("the command arrives as %+v", cmd)
		}
		return result, ctx.Err()
	}
	cmd := hutch.Shell("exit 3")
	cmd.Env = []string{"A=1"}
	if res, err := x.Exec(t.ctx, cmd); err != nil || res != result {
		t.Errorf("the result comes out as %+v, %v; want %+v", res, err, result)
	}
	if _, err := x.Exec(t.over(), cmd); !errors.Is(err, context.Canceled) {
		t.Errorf("a command with an ended context: %v", err)
	}
}

// wrapSignals has nothing to check where the wrapper lets no signals through.
func wrapSignals(t *env, r *rig) {
	s, ok := hutch.As[hutch.Signaler](t.b)
	if !ok {
		return
	}
	x, ok := hutch.As[hutch.Execer](t.b)
	if !ok {
		t.Fatal("the wrapper sends signals to commands, and runs none")
	}
	if got, want := s.Signals(), (&powered{}).Signals(); !slices.Equal(got, want) {
		t.Errorf("the signals are %q, inside %q", got, want)
	}
	var got string
	r.exec = func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		select {
		case got = <-cmd.Signals:
		case <-ctx.Done():
		}
		return hutch.Result{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(t.ctx, t.patience/2)
	defer cancel()
	signals := make(chan string, 1)
	signals <- "SIGUSR1"
	cmd := hutch.Shell("x")
	cmd.Signals = signals
	t.within("a command that is sent a signal", func() {
		if res, err := x.Exec(ctx, cmd); err != nil || got != "SIGUSR1" {
			t.Errorf("a signal arrives as %q: %+v, %v", got, res, err)
		}
	})
}

func (w wrapping) speeds(t *env) {
	inner := w.inner(t.TB)
	t.b = w.wrap(t.TB, inner)
	for _, name := range slices.Sorted(maps.Keys(generated())) {
		t.write(name, generated()[name])
	}
	slow := w.wrap(t.TB, Plain(inner))
	for _, dir := range []string{".", "a", "nothing", ".gitignore"} {
		got, gotErr := hutch.Collect(hutch.Walk(t.ctx, t.b, dir))
		want, wantErr := hutch.Collect(hutch.Walk(t.ctx, slow, dir))
		if !slices.EqualFunc(got, want, sameInfo) {
			t.Errorf("Walk(%s) shows %q, over a plain backend %q", dir, names(got), names(want))
		}
		t.sameError("Walk("+dir+")", gotErr, wantErr)
	}
	for _, o := range []hutch.GlobOptions{{}, {Hidden: true, Gitignore: true}, {Dir: "a", Gitignore: true}, {Dir: "nothing"}} {
		got, gotErr := hutch.Collect(t.do.glob(t.ctx, t.b, "**", &o))
		want, wantErr := hutch.Collect(t.do.glob(t.ctx, slow, "**", &o))
		if !slices.EqualFunc(got, want, sameInfo) {
			t.Errorf("Glob(%+v) shows %q, over a plain backend %q", o, names(got), names(want))
		}
		t.sameError("Glob", gotErr, wantErr)
	}
	for _, q := range []hutch.Query{
		{Pattern: "needle"}, {Pattern: "needle", Dir: "a", Hidden: true, Gitignore: true, Before: 1}, {Pattern: "e", Max: 7}, {Pattern: "x", Dir: "nothing"},
	} {
		got, gotErr := hutch.Collect(t.do.grep(t.ctx, t.b, q))
		want, wantErr := hutch.Collect(t.do.grep(t.ctx, slow, q))
		if !slices.Equal(got, want) {
			t.Errorf("Grep(%+v) finds %+v, over a plain backend %+v", q, got, want)
		}
		t.sameError("Grep", gotErr, wantErr)
	}
	before := t.contents(slow)
	t.move("a", "new/a")
	if err := hutch.Move(t.ctx, slow, "new/a", "a"); err != nil {
		t.Errorf("Move over a plain backend: %v", err)
	}
	if got := t.contents(t.b); !maps.Equal(got, before) {
		t.Errorf("moved away and back there is %s\nwant %s", summary(got), summary(before))
	}
}
