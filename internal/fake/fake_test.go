package fake

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
)

// TestExec: what ends a command, and what is said then.
func TestExec(t *testing.T) {
	waits := func(ctx context.Context, _ *hutch.Cmd) (hutch.Result, error) {
		<-ctx.Done()
		return hutch.Result{ExitCode: 3}, ctx.Err()
	}
	synctest.Test(t, func(t *testing.T) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		closed := make(chan struct{})
		close(closed)
		for name, c := range map[string]struct {
			ctx    context.Context
			closed chan struct{}
			limit  time.Duration
			p      Program
			want   error
			res    hutch.Result
		}{
			"no program": {t.Context(), nil, 0, nil, fs.ErrNotExist, hutch.Result{}},
			"its end":    {t.Context(), nil, 0, func(context.Context, *hutch.Cmd) (hutch.Result, error) { return hutch.Result{ExitCode: 4}, nil }, nil, hutch.Result{ExitCode: 4}},
			"ctx":        {over, nil, 0, waits, context.Canceled, hutch.Result{ExitCode: 3}},
			"Close":      {t.Context(), closed, 0, waits, hutch.ErrClosed, hutch.Result{ExitCode: 3}},
			"its time":   {t.Context(), nil, time.Minute, waits, nil, hutch.Result{ExitCode: hutch.TimeoutExitCode, TimedOut: true, Duration: time.Minute}},
		} {
			res, err := Exec(c.ctx, &hutch.Cmd{Args: []string{"x"}, Limits: hutch.Limits{Time: c.limit}}, c.closed, c.p)
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || res != c.res {
				t.Errorf("%s: %+v, %v", name, res, err)
			}
		}
	})
}
