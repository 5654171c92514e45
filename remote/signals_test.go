package remote_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// silent is a sandbox without signals, which does not look at those of a command.
type silent struct{ *state.Backend }

func (silent) Exec(context.Context, *hutch.Cmd) (hutch.Result, error) { return hutch.Result{}, nil }

// TestSignals: a backend sends the signals that the far side can, and refuses a
// command with signals where that can send none.
func TestSignals(t *testing.T) {
	sb := sandbox(t)
	s, ok := hutch.As[hutch.Signaler](stream(t, sb))
	if ok != (len(sb.Signals()) > 0) || ok && !slices.Equal(s.Signals(), sb.Signals()) {
		t.Errorf("%v, %v; the far side has %q", s, ok, sb.Signals())
	}
	for what, b := range map[string]hutch.Backend{"no commands": state.New(nil), "no signals": silent{state.New(nil)}} {
		if _, ok := hutch.As[hutch.Signaler](stream(t, b)); ok {
			t.Errorf("%s: it has the power to send signals", what)
		}
	}
	x, ok := hutch.As[hutch.Execer](stream(t, silent{state.New(nil)}))
	if !ok {
		t.Fatal("no commands")
	}
	cmd := hutch.Shell("x")
	cmd.Signals = make(chan string)
	if _, err := x.Exec(t.Context(), cmd); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a command with signals that cannot be sent: %v", err)
	}
}
