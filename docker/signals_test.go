package docker

import (
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
	"github.com/hutch-dev/hutch/job"
)

// TestSignals: a helper sends signals, also on a second connection; a container
// without one refuses a command with signals before it runs.
func TestSignals(t *testing.T) {
	s := openTest(t, nil)
	if s.Plain() != "" {
		t.Fatal("no helper: " + s.Plain())
	}
	for _, connection := range []string{"the first", "a second"} {
		g, ok := hutch.As[hutch.Signaler](s)
		if !ok || !slices.Equal(g.Signals(), jail.Signals()) {
			t.Fatalf("%s connection: %v", connection, ok)
		}
		j, err := job.New(s, nil)
		if err != nil {
			t.Fatal(err)
		}
		id, err := j.Start(t.Context(), hutch.Shell("trap 'exit 5' INT; while :; do sleep 0.02; done"))
		if err == nil {
			err = sendAndWait(t, j, id, "SIGINT")
		}
		if err != nil {
			t.Errorf("%s connection: %v", connection, err)
		}
		j.Close()
		s.client.Close()
		<-s.client.Lost()
	}
	plain := openTest(t, &Options{Plain: true})
	if _, ok := hutch.As[hutch.Signaler](plain); ok {
		t.Error("a container without a helper sends signals")
	}
	cmd := hutch.Shell("echo > ran")
	cmd.Signals, cmd.Stdout = make(chan string), io.Discard
	if _, err := plain.Exec(t.Context(), cmd); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a command with signals that cannot be sent: %v", err)
	}
	if _, err := plain.Stat(t.Context(), "ran"); err == nil {
		t.Error("the command ran")
	}
}

// sendAndWait ends a job with a signal, which may come before the shell has its trap.
func sendAndWait(t *testing.T, j *job.Jobs, id, name string) error {
	t.Helper()
	if err := j.Signal(t.Context(), id, name); err != nil {
		return err
	}
	st, err := j.Wait(t.Context(), id)
	if err != nil {
		return err
	}
	if c := st.Result.ExitCode; st.Err != nil || c != 5 && c != 130 {
		t.Errorf("%+v", st)
	}
	return nil
}
