package limit_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/limit"
	"github.com/hutch-dev/hutch/state"
)

// sandbox runs functions.
type sandbox struct {
	*state.Backend
	exec func(ctx context.Context, c *hutch.Cmd) (hutch.Result, error)
}

func (s *sandbox) Exec(ctx context.Context, c *hutch.Cmd) (hutch.Result, error) {
	if s.exec == nil {
		return hutch.Result{}, nil
	}
	return s.exec(ctx, c)
}

func run(b hutch.Backend, c *hutch.Cmd) error {
	x, ok := hutch.As[hutch.Execer](b)
	if !ok {
		return errors.New("no commands")
	}
	_, err := x.Exec(ctx, c)
	return err
}

func TestCommands(t *testing.T) {
	s := &sandbox{Backend: state.New(nil)}
	l := limit.New(s, limit.Options{Commands: 2})
	for range 2 {
		if err := run(l, hutch.Shell("x")); err != nil {
			t.Error(err)
		}
	}
	tooLarge(t, "third", run(l, hutch.Shell("x")), ".")
	tooLarge(t, "third", run(l, &hutch.Cmd{Args: []string{"x"}, Dir: "d"}), "d")
}

func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan bool)
		s := &sandbox{Backend: state.New(nil), exec: func(context.Context, *hutch.Cmd) (hutch.Result, error) {
			<-hold
			return hutch.Result{}, nil
		}}
		l := limit.New(s, limit.Options{AtOnce: 2})
		ended := make(chan error, 2)
		for range 2 {
			go func() { ended <- run(l, hutch.Shell("x")) }()
		}
		synctest.Wait()
		tooLarge(t, "one more", run(l, hutch.Shell("x")), ".")
		hold <- true
		if err := <-ended; err != nil {
			t.Error(err)
		}
		go func() { ended <- run(l, hutch.Shell("x")) }()
		close(hold)
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestOutputBytes(t *testing.T) {
	var both bool
	s := &sandbox{Backend: state.New(nil), exec: func(ctx context.Context, c *hutch.Cmd) (hutch.Result, error) {
		both = c.Stdout != nil && c.Stdout == c.Stderr
		for _, part := range strings.Fields(c.Args[0]) {
			w := c.Stdout
			if part[0] == 'e' {
				w = c.Stderr
			}
			if w == nil {
				continue
			}
			if n, err := io.WriteString(w, part); n != len(part) || err != nil {
				t.Errorf("the command learns of it: %d, %v", n, err)
			}
		}
		if c.Args[0] == "forever forever" {
			<-ctx.Done()
		}
		return hutch.Result{ExitCode: 3}, ctx.Err()
	}}
	l := limit.New(s, limit.Options{OutputBytes: 10})
	for _, test := range []struct {
		print, out, err string
		over            bool
	}{
		{"oooo eeee", "oooo", "eeee", false}, {"oooo eeeeee", "oooo", "eeeeee", false}, {"oooo eeeeeee", "oooo", "eeeeee", true},
		{"oooooooooooo eee ooo", "oooooooooo", "", true},
	} {
		var out, errs strings.Builder
		x, _ := hutch.As[hutch.Execer](l)
		res, err := x.Exec(ctx, &hutch.Cmd{Args: []string{test.print}, Stdout: &out, Stderr: &errs})
		if out.String() != test.out || errs.String() != test.err || errors.Is(err, hutch.ErrTooLarge) != test.over || !test.over && (err != nil || res.ExitCode != 3) {
			t.Errorf("%q: %q, %q, %+v, %v", test.print, out.String(), errs.String(), res, err)
		}
	}
	var out strings.Builder
	if err := run(l, &hutch.Cmd{Args: []string{"ooooo eeeeeeeee"}, Stdout: &out, Stderr: &out}); !errors.Is(err, hutch.ErrTooLarge) || out.String() != "oooooeeeee" || !both {
		t.Errorf("%q, %v, one writer: %v", out.String(), err, both)
	}
	if err := run(l, &hutch.Cmd{Args: []string{"oooooooooooooooooooo"}}); err != nil {
		t.Errorf("what is discarded counts: %v", err)
	}
	if err := run(l, &hutch.Cmd{Args: []string{"forever forever"}, Stdout: &out}); err == nil || !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("one that goes on: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	x, _ := hutch.As[hutch.Execer](l)
	if _, err := x.Exec(ended, &hutch.Cmd{Args: []string{"oooooooooooooooooooo"}, Stdout: &out}); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}
