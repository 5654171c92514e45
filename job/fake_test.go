package job

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	fakes "github.com/hutch-dev/hutch/internal/fake"
	"github.com/hutch-dev/hutch/state"
)

// fake is a sandbox in memory whose programs are functions.
type fake struct {
	*state.Backend
	programs map[string]program
	closed   chan struct{}
}

type program = fakes.Program

func newFake(programs map[string]program) *fake {
	return &fake{Backend: state.New(nil), programs: programs, closed: make(chan struct{})}
}

func (f *fake) As(target any) bool {
	if e, ok := target.(*hutch.Execer); ok {
		*e = f
		return true
	}
	return false
}

func (f *fake) Close() { close(f.closed) }

func (f *fake) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return fakes.Exec(ctx, cmd, f.closed, f.programs[cmd.Args[0]])
}

// The programs of most tests.
func echo(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	for _, a := range cmd.Args[1:] {
		fmt.Fprint(cmd.Stdout, a)
	}
	return hutch.Result{}, nil
}

func sleep(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	d, _ := time.ParseDuration(cmd.Args[1])
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return hutch.Result{}, nil
}

func cat(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	_, err := io.Copy(cmd.Stdout, cmd.Stdin)
	return hutch.Result{}, err
}

// exits ends with a status.
func exits(code int) program {
	return func(context.Context, *hutch.Cmd) (hutch.Result, error) { return hutch.Result{ExitCode: code}, nil }
}

func prints(write func(out, err io.Writer)) program {
	return func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		write(cmd.Stdout, cmd.Stderr)
		return hutch.Result{}, nil
	}
}

// step prints one piece of a script for every value that comes, an empty one ends.
func step(ch <-chan func(out, err io.Writer)) program {
	return func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		for {
			select {
			case f, ok := <-ch:
				if !ok {
					return hutch.Result{}, nil
				}
				f(cmd.Stdout, cmd.Stderr)
			case <-ctx.Done():
				return hutch.Result{}, ctx.Err()
			}
		}
	}
}

func mustNew(t testing.TB, b hutch.Backend, o *Options) *Jobs {
	t.Helper()
	j, err := New(b, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func start(t testing.TB, j *Jobs, args ...string) string {
	t.Helper()
	id, err := j.Start(t.Context(), &hutch.Cmd{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func wait(t testing.TB, j *Jobs, id string) Status {
	t.Helper()
	s, err := j.Wait(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text is a chunk as "out", with what stderr printed in brackets.
func text(c Chunk) string {
	var s string
	for _, p := range c.Pieces {
		if p.Stream == Stderr {
			s += "[" + string(p.Data) + "]"
		} else {
			s += string(p.Data)
		}
	}
	return s
}

func read(t testing.TB, j *Jobs, id string, o ReadOptions) Chunk {
	t.Helper()
	c, err := j.Read(t.Context(), id, &o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
