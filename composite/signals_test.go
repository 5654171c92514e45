package composite_test

import (
	"context"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

// signaled runs nothing and notes the signals that it is given.
type signaled struct {
	sandbox
	names []string
	got   *[]string
}

func (s signaled) Signals() []string { return s.names }

func (s signaled) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	*s.got = append(*s.got, <-cmd.Signals)
	return s.sandbox.Exec(ctx, cmd)
}

func TestSignals(t *testing.T) {
	for _, at := range []string{"", "project"} {
		box := signaled{fake(), []string{"SIGINT", "SIGTERM"}, &[]string{}}
		c := mountedAt(t, box, at)
		s, ok := hutch.As[hutch.Signaler](c)
		if !ok || !slices.Equal(s.Signals(), box.names) {
			t.Fatalf("at %q: %v, %v", at, s, ok)
		}
		x, _ := hutch.As[hutch.Execer](c)
		signals := make(chan string, 1)
		signals <- "SIGINT"
		if _, err := x.Exec(ctx, &hutch.Cmd{Args: []string{"true"}, Dir: at, Signals: signals}); err != nil || !slices.Equal(*box.got, []string{"SIGINT"}) {
			t.Errorf("at %q: %q, %v", at, *box.got, err)
		}
	}
	with := signaled{fake(), []string{"SIGINT"}, &[]string{}}
	for what, c := range map[string]*composite.Backend{
		"commands without signals":           compose(t, fake(), composite.Routes{"p": state.New(nil)}),
		"no commands":                        compose(t, state.New(nil), nil),
		"two that run commands":              compose(t, state.New(nil), composite.Routes{"p": with, "q": with}),
		"signals, but not where commands do": compose(t, fake(), composite.Routes{"p": with}),
	} {
		if _, ok := hutch.As[hutch.Signaler](c); ok {
			t.Errorf("%s: a Signaler", what)
		}
	}
}
