// Package fake runs functions as if they were commands, for tests.
package fake

import (
	"context"
	"io/fs"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// Program is what a command does. ctx ends when it must; its error does not count
// then.
type Program func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error)

// Exec is what a [hutch.Execer] that closed closes does with cmd, with p in place
// of a process: it keeps the promises about time, the end of ctx and Close. A nil
// p is a program that is not there.
func Exec(ctx context.Context, cmd *hutch.Cmd, closed <-chan struct{}, p Program) (hutch.Result, error) {
	failed := func(err error) error { return &fs.PathError{Op: "exec", Path: cmd.Args[0], Err: err} }
	began := time.Now()
	if p == nil {
		return hutch.Result{}, failed(fs.ErrNotExist)
	}
	own, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if cmd.Limits.Time > 0 {
		t := time.AfterFunc(cmd.Limits.Time, func() { cancel(context.DeadlineExceeded) })
		defer t.Stop()
	}
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-closed:
			cancel(hutch.ErrClosed)
		case <-ended:
		}
	})
	res, err := p(own, cmd)
	close(ended)
	watch.Wait()
	res.Duration = time.Since(began)
	switch cause := context.Cause(own); {
	case ctx.Err() != nil:
		return res, failed(ctx.Err())
	case cause == hutch.ErrClosed:
		return res, failed(hutch.ErrClosed)
	case cause == context.DeadlineExceeded:
		res.TimedOut, res.ExitCode, err = true, hutch.TimeoutExitCode, nil
	}
	return res, err
}
