package job

import (
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch/internal/wire"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/remote"
)

func TestSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := mustNew(t, newFake(map[string]program{"sleep": sleep}), nil)
		id := start(t, j, "sleep", "1h")
		if err := j.Signal(t.Context(), id, "SIGTERM"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a signal that cannot be sent: %v", err)
		}
		synctest.Wait()
		if s, _ := j.Status(id); !s.Running {
			t.Fatalf("it has ended: %+v", s)
		}
		if err := j.Signal(t.Context(), id, "SIGKILL"); err != nil {
			t.Fatal(err)
		}
		if s := wait(t, j, id); !errors.Is(s.Err, ErrKilled) {
			t.Errorf("%+v", s)
		}
	})
}

// TestJailedSignals: a job gets the signals that are sent to it, with its group.
func TestJailedSignals(t *testing.T) {
	s, j := jailed(t, nil)
	getSignals(t, s, j)
}

// TestRemoteSignals: so does a job on a sandbox behind a server.
func TestRemoteSignals(t *testing.T) {
	s, _ := jailed(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv, served := wire.NewServer(wire.NewHandler(s, nil)), make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-served })
	far, err := remote.Dial(t.Context(), "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	getSignals(t, s, mustNew(t, far, nil))
}

// getSignals has j send signals to commands in s.
func getSignals(t *testing.T, s *local.Sandbox, j *Jobs) {
	id := startShell(t, j, `trap 'echo usr1' USR1; trap 'echo int; exit 5' INT; echo ready; while :; do sleep 0.05; done`)
	until(t, j, id, "ready")
	send := func(id, name string) {
		t.Helper()
		if err := j.Signal(t.Context(), id, name); err != nil {
			t.Fatal(err)
		}
	}
	send(id, "SIGUSR1")
	until(t, j, id, "usr1")
	send(id, "SIGINT")
	if st := wait(t, j, id); st.Err != nil || st.Result.ExitCode != 5 {
		t.Errorf("%+v", st)
	}
	for _, name := range []string{"SIGTERM", "SIGKILL"} {
		if err := j.Signal(t.Context(), id, name); !errors.Is(err, ErrEnded) {
			t.Errorf("%s for a job that has ended: %v", name, err)
		}
	}
	// A shell that waits for its child: both are sent the signal.
	id = startShell(t, j, `trap 'echo parent' USR1; sh -c 'trap "echo child; exit" USR1; echo ready; while :; do sleep 0.05; done'`)
	until(t, j, id, "ready")
	send(id, "SIGUSR1")
	wait(t, j, id)
	if c := read(t, j, id, ReadOptions{}); !strings.Contains(text(c), "child\n") || !strings.Contains(text(c), "parent\n") {
		t.Errorf("%q", text(c))
	}
	id = startShell(t, j, "echo ready; sleep 98766; echo never")
	until(t, j, id, "ready")
	send(id, "SIGTERM")
	if st := wait(t, j, id); st.Err != nil || st.Result.Signal != "SIGTERM" || st.Result.ExitCode != 143 {
		t.Errorf("%+v", st)
	}
	other := startShell(t, j, "trap '' TERM; echo ready; sleep 98766; echo done")
	until(t, j, other, "ready")
	send(other, "SIGTERM")
	if err := j.Signal(t.Context(), other, "SIGNONE"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("no such signal: %v", err)
	}
	if n := processes(t, s, "98766"); n != "1" {
		t.Errorf("%s processes, want the one that ignores it", n)
	}
}
