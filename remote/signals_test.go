package remote_test

import (
	"errors"
	"testing"

	"github.com/hutch-dev/hutch"
)

// TestSignals: the wire carries no signals, and says so before anything runs.
func TestSignals(t *testing.T) {
	r := stream(t, sandbox(t))
	if _, ok := hutch.As[hutch.Signaler](r); ok {
		t.Error("it has the power to send signals")
	}
	x, ok := hutch.As[hutch.Execer](r)
	if !ok {
		t.Fatal("no commands")
	}
	cmd := hutch.Shell("echo > ran")
	cmd.Signals = make(chan string)
	if _, err := x.Exec(t.Context(), cmd); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	if _, err := r.Stat(t.Context(), "ran"); err == nil {
		t.Error("the command ran")
	}
}
