package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func TestNew(t *testing.T) {
	if _, err := New(state.New(nil), nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a backend without commands: %v", err)
	}
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{
			"sleep": sleep, "three": exits(3),
			"lost": func(context.Context, *hutch.Cmd) (hutch.Result, error) {
				return hutch.Result{ExitCode: 7}, errors.New("the status is not known")
			},
			"given up": func(context.Context, *hutch.Cmd) (hutch.Result, error) {
				return hutch.Result{}, fmt.Errorf("the connection ended: %w", context.Canceled)
			},
			"crash": func(context.Context, *hutch.Cmd) (hutch.Result, error) {
				return hutch.Result{ExitCode: 139, Signal: "SIGSEGV"}, nil
			},
		})
		j := mustNew(t, f, &Options{Limits: hutch.Limits{Time: time.Minute}})
		started := time.Now()
		ids := []string{start(t, j, "three"), start(t, j, "lost"), start(t, j, "crash"), start(t, j, "none"), start(t, j, "sleep", "10s"), start(t, j, "sleep", "2m")}
		if want := []string{"bg_1", "bg_2", "bg_3", "bg_4", "bg_5", "bg_6"}; !slices.Equal(ids, want) {
			t.Errorf("ids %v", ids)
		}
		synctest.Wait()
		if s, _ := j.Status("bg_5"); !s.Running || !s.Ended.IsZero() || !s.Started.Equal(started) {
			t.Errorf("while it runs: %+v", s)
		}
		if s := wait(t, j, "bg_1"); s.Running || s.Err != nil || s.Result.ExitCode != 3 {
			t.Errorf("exit 3: %+v", s)
		}
		if s := wait(t, j, "bg_2"); s.Err == nil || s.Result != (hutch.Result{}) {
			t.Errorf("an unknown status: %+v", s)
		}
		if s := wait(t, j, "bg_3"); s.Result.Signal != "SIGSEGV" || s.Result.ExitCode != 139 {
			t.Errorf("a signal: %+v", s)
		}
		if s := wait(t, j, "bg_4"); !errors.Is(s.Err, fs.ErrNotExist) {
			t.Errorf("no such program: %+v", s)
		}
		if s := wait(t, j, start(t, j, "given up")); s.Err == nil || errors.Is(s.Err, ErrKilled) {
			t.Errorf("given up, and not killed: %+v", s)
		}
		if s := wait(t, j, "bg_5"); s.Err != nil || s.Ended.Sub(s.Started) != 10*time.Second || s.Result.Duration != 10*time.Second {
			t.Errorf("ten seconds: %+v", s)
		}
		if s := wait(t, j, "bg_6"); s.Err != nil || !s.Result.TimedOut || s.Result.ExitCode != hutch.TimeoutExitCode || s.Ended.Sub(s.Started) != time.Minute {
			t.Errorf("out of time: %+v", s)
		}
	})
}

func TestLimits(t *testing.T) {
	var got hutch.Limits
	f := newFake(map[string]program{"x": func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		got = cmd.Limits
		return hutch.Result{}, nil
	}})
	j := mustNew(t, f, &Options{Limits: hutch.Limits{Time: time.Minute, Memory: 100, OpenFiles: 5}})
	id, err := j.Start(t.Context(), &hutch.Cmd{Args: []string{"x"}, Limits: hutch.Limits{Time: time.Hour, Memory: 50, Processes: 7, CPU: -1}})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, j, id)
	if want := (hutch.Limits{Time: time.Minute, Memory: 50, Processes: 7, OpenFiles: 5}); got != want {
		t.Errorf("limits %+v, want %+v", got, want)
	}
}

// TestContext: a job has the values of the context it was started with, and
// does not end with it.
func TestContext(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"x": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			fmt.Fprint(cmd.Stdout, ctx.Value(key{}))
			return sleep(ctx, &hutch.Cmd{Args: []string{"", "1h"}})
		}})
		j := mustNew(t, f, nil)
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "me"))
		id, err := j.Start(ctx, &hutch.Cmd{Args: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if s := wait(t, j, id); s.Err != nil || s.Result.Duration != time.Hour {
			t.Errorf("it ended with its context: %+v", s)
		}
		if c := read(t, j, id, ReadOptions{}); text(c) != "me" {
			t.Errorf("it has another context: %q", text(c))
		}
		if _, err := j.Start(ctx, &hutch.Cmd{Args: []string{"x"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("started with a context that has ended: %v", err)
		}
	})
}

func TestKill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"sleep": sleep, "three": exits(3),
			"slow": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				<-ctx.Done()
				time.Sleep(time.Second) // the tree takes its time to die
				fmt.Fprint(cmd.Stdout, "last words")
				return hutch.Result{}, ctx.Err()
			},
			"deaf": func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
				time.Sleep(time.Minute)
				return hutch.Result{}, nil
			}})
		j := mustNew(t, f, nil)
		slow, three, deaf := start(t, j, "slow"), start(t, j, "three"), start(t, j, "deaf")
		s, err := j.Kill(t.Context(), slow)
		if err != nil || s.Running || !errors.Is(s.Err, ErrKilled) || s.Ended.Sub(s.Started) != time.Second {
			t.Errorf("killed: %+v, %v", s, err)
		}
		if c := read(t, j, slow, ReadOptions{}); text(c) != "last words" || !c.End {
			t.Errorf("what it printed at the end: %+v", c)
		}
		if s, err := j.Kill(t.Context(), three); err != nil || s.Err != nil || s.Result.ExitCode != 3 {
			t.Errorf("killed after its end: %+v, %v", s, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s, err := j.Kill(ctx, deaf); !errors.Is(err, context.DeadlineExceeded) || !s.Running {
			t.Errorf("one that does not end: %+v, %v", s, err)
		}
		if _, err := j.Kill(t.Context(), "bg_99"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("one that is not there: %v", err)
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := mustNew(t, newFake(map[string]program{"sleep": sleep}), &Options{Running: 3, Finished: 2})
		for _, d := range []string{"3s", "1s", "2s"} {
			start(t, j, "sleep", d)
		}
		if _, err := j.Start(t.Context(), &hutch.Cmd{Args: []string{"sleep", "1s"}}); !errors.Is(err, ErrTooMany) {
			t.Errorf("a fourth: %v", err)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := ids(j); !slices.Equal(got, []string{"bg_1", "bg_3"}) {
			t.Errorf("remembered: %v, want the two that ended last", got)
		}
		if _, err := j.Status("bg_2"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("forgotten: %v", err)
		}
		if id := start(t, j, "sleep", "1s"); id != "bg_4" {
			t.Errorf("id %s: that of a job that could not be started, or of a forgotten one", id)
		}
		none := mustNew(t, newFake(map[string]program{"sleep": sleep}), &Options{Finished: -1})
		start(t, none, "sleep", "1s")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := ids(none); len(got) > 0 {
			t.Errorf("remembered: %v, want none", got)
		}
	})
}

func ids(j *Jobs) (all []string) {
	for _, s := range j.List() {
		all = append(all, s.ID)
	}
	return all
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"sleep": sleep, "echo": echo})
		j := mustNew(t, f, nil)
		done := start(t, j, "echo", "hello")
		wait(t, j, done)
		running := start(t, j, "sleep", "1h")
		var waited Status
		var all sync.WaitGroup
		all.Go(func() { waited, _ = j.Wait(t.Context(), running) })
		synctest.Wait()
		j.Close()
		all.Wait()
		if waited.Running || !errors.Is(waited.Err, ErrKilled) {
			t.Errorf("after Close: %+v", waited)
		}
		if _, err := j.Start(t.Context(), &hutch.Cmd{Args: []string{"echo"}}); !errors.Is(err, hutch.ErrClosed) {
			t.Errorf("Start after Close: %v", err)
		}
		if c := read(t, j, done, ReadOptions{}); text(c) != "hello" {
			t.Errorf("after Close: %+v", c)
		}
		j.Close()
	})
}

// TestCloseWaits: when Close returns nothing runs any more.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := false
		j := mustNew(t, newFake(map[string]program{"slow": func(ctx context.Context, _ *hutch.Cmd) (hutch.Result, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			dead = true
			return hutch.Result{}, ctx.Err()
		}}), nil)
		start(t, j, "slow")
		synctest.Wait()
		if j.Close(); !dead {
			t.Error("Close has returned before the command was dead")
		}
	})
}

// TestSandboxCloses: the job says why it has ended.
func TestSandboxCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(map[string]program{"sleep": sleep})
		j := mustNew(t, f, nil)
		id := start(t, j, "sleep", "1h")
		synctest.Wait()
		f.Close()
		if s := wait(t, j, id); !errors.Is(s.Err, hutch.ErrClosed) {
			t.Errorf("%+v", s)
		}
	})
}

// TestHundred: many at a time, each with its own output.
func TestHundred(t *testing.T) {
	f := newFake(map[string]program{"echo": echo, "cat": cat})
	j := mustNew(t, f, &Options{Running: 100, Finished: 100})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			id := start(t, j, "cat")
			want := fmt.Sprintf("number %d", i)
			if _, err := io.WriteString(jobWriter{t, j, id}, want); err != nil {
				t.Error(err)
			}
			j.CloseInput(id)
			if s := wait(t, j, id); s.Err != nil {
				t.Error(s.Err)
			}
			if c := read(t, j, id, ReadOptions{}); text(c) != want {
				t.Errorf("%q, want %q", text(c), want)
			}
		})
	}
	all.Wait()
	if n := len(j.List()); n != 100 {
		t.Errorf("%d jobs", n)
	}
}

type jobWriter struct {
	t  testing.TB
	j  *Jobs
	id string
}

func (w jobWriter) Write(p []byte) (int, error) { return w.j.Write(w.t.Context(), w.id, p) }
