package eino_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/internal/fake"
	"github.com/hutch-dev/hutch/internal/testroom"
	"github.com/hutch-dev/hutch/state"
)

// box is a sandbox whose commands are a function.
type box struct {
	*state.Backend
	run fake.Program
}

func (b box) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return fake.Exec(ctx, cmd, nil, b.run)
}

func shell(t testing.TB, o *eino.ShellOptions, run fake.Program) *eino.Shell {
	t.Helper()
	s, err := eino.NewShell(box{state.New(nil), run}, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// both runs a command in both ways.
func both(t *testing.T, s *eino.Shell, f func(r *filesystem.ExecuteResponse, err error)) {
	t.Helper()
	f(s.Execute(t.Context(), &filesystem.ExecuteRequest{Command: "x"}))
	r, err := s.ExecuteStreaming(t.Context(), &filesystem.ExecuteRequest{Command: "x"})
	if err != nil {
		t.Fatal(err)
	}
	f(drain(r.Recv))
}

func drain(recv func() (*filesystem.ExecuteResponse, error)) (*filesystem.ExecuteResponse, error) {
	all := &filesystem.ExecuteResponse{}
	for {
		r, err := recv()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all.Output += r.Output
		all.Truncated = all.Truncated || r.Truncated
		if r.ExitCode != nil {
			all.ExitCode = r.ExitCode
		}
	}
}

func TestNoCommands(t *testing.T) {
	if _, err := eino.NewShell(state.New(nil), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	s := shell(t, nil, nil)
	for _, in := range []filesystem.ExecuteRequest{{Command: "sleep 9", RunInBackendGround: true}} {
		if _, err := s.Execute(t.Context(), &in); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		if _, err := s.ExecuteStreaming(t.Context(), &in); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	}
}

func TestOutput(t *testing.T) {
	s := shell(t, nil, func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for _, b := range []byte("größe\n") { // characters in halves
			_, _ = cmd.Stdout.Write([]byte{b})
		}
		_, _ = cmd.Stderr.Write([]byte("wrong \xff\n"))
		return hutch.Result{ExitCode: 3}, nil
	})
	both(t, s, func(r *filesystem.ExecuteResponse, err error) {
		if err != nil || r.Output != "größe\nwrong \ufffd\n" || *r.ExitCode != 3 || r.Truncated {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

// The beginning and the end are kept, and that there is more is said.
func TestMuchOutput(t *testing.T) {
	s := shell(t, &eino.ShellOptions{MaxOutput: 100}, func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for i := range 1000 {
			fmt.Fprintf(cmd.Stdout, "%d\n", i)
		}
		return hutch.Result{}, nil
	})
	both(t, s, func(r *filesystem.ExecuteResponse, err error) {
		if err != nil || !r.Truncated || *r.ExitCode != 0 || len(r.Output) > 200 {
			t.Fatalf("%+v, %v", r, err)
		}
		if !strings.HasPrefix(r.Output, "0\n1\n2\n") || !strings.HasSuffix(r.Output, "998\n999\n") || !strings.Contains(r.Output, "dropped") {
			t.Errorf("%q", r.Output)
		}
	})
}

func TestTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := shell(t, nil, func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			fmt.Fprintln(cmd.Stdout, "so far")
			<-ctx.Done()
			return hutch.Result{}, ctx.Err()
		})
		both(t, s, func(r *filesystem.ExecuteResponse, err error) {
			if err != nil || *r.ExitCode != 124 || !strings.HasPrefix(r.Output, "so far\n") || !strings.Contains(r.Output, "timed out after 2m0s") {
				t.Errorf("%+v, %v", r, err)
			}
		})
	})
}

// What is printed is seen at once, and who stops reading ends the command.
func TestStreamClosed(t *testing.T) {
	over := make(chan struct{})
	s := shell(t, nil, func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		defer close(over)
		for ctx.Err() == nil {
			fmt.Fprintln(cmd.Stdout, "tick")
		}
		return hutch.Result{}, ctx.Err()
	})
	r, err := s.ExecuteStreaming(t.Context(), &filesystem.ExecuteRequest{Command: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if first, err := r.Recv(); err != nil || first.Output != "tick\n" || first.ExitCode != nil {
		t.Errorf("%+v, %v", first, err)
	}
	r.Close()
	select {
	case <-over:
	case <-time.After(time.Minute):
		t.Error("the command goes on")
	}
}

// A status that is not known is an error, never a 0.
func TestUnknownStatus(t *testing.T) {
	s := shell(t, nil, func(context.Context, *hutch.Cmd) (hutch.Result, error) { return hutch.Result{}, testroom.ErrGone })
	both(t, s, func(r *filesystem.ExecuteResponse, err error) {
		if !errors.Is(err, testroom.ErrGone) || r != nil {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
