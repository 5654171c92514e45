package helper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
	"github.com/hutch-dev/hutch/local"
)

// workspace is the directory, with commands that this process starts itself.
type workspace struct {
	*local.Sandbox
	jail *jail.Jail
}

var (
	_ hutch.Sandbox  = (*workspace)(nil)
	_ hutch.Signaler = (*workspace)(nil)
)

// Signals implements [hutch.Signaler].
func (w *workspace) Signals() []string { return jail.Signals() }

// Confine implements [hutch.Confiner], in place of that of the directory, whose jail runs nothing here.
func (w *workspace) Confine(_ context.Context, c hutch.Confinement) error {
	if len(c.Hide)+len(c.Protect) == 0 {
		return nil
	}
	return &fs.PathError{Op: "confine", Path: ".", Err: errors.ErrUnsupported}
}

// Exec implements [hutch.Execer].
func (w *workspace) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if cmd == nil || len(cmd.Args) == 0 {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: "", Err: fs.ErrInvalid}
	}
	if cmd.Signals != nil && len(w.Signals()) == 0 {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: cmd.Args[0], Err: fmt.Errorf("%w: no signals can be sent", errors.ErrUnsupported)}
	}
	if cmd.Dir != "" {
		info, err := w.Stat(ctx, cmd.Dir)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "exec", Path: cmd.Dir, Err: hutch.ErrNotDir}
		}
		if err != nil {
			return hutch.Result{}, err
		}
	}
	l := cmd.Limits
	st, err := w.jail.Run(ctx, &jail.Command{
		Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env, Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr, Signals: cmd.Signals,
		Limits: jail.Limits{
			Memory: l.Memory, CPU: l.CPU, Processes: l.Processes, FileSize: l.FileSize, OpenFiles: l.OpenFiles,
		},
		Timeout: max(0, time.Duration(l.Time)),
	})
	switch {
	case errors.Is(err, jail.ErrClosed):
		err = hutch.ErrClosed
	case errors.Is(err, syscall.ENOEXEC):
		err = fmt.Errorf("%w: %w", fs.ErrPermission, syscall.ENOEXEC)
	case errors.Is(err, syscall.E2BIG):
		err = fmt.Errorf("%w: %w", hutch.ErrTooLarge, syscall.E2BIG)
	}
	var pe *fs.PathError
	if err != nil && !errors.As(err, &pe) {
		err = &fs.PathError{Op: "exec", Path: cmd.Args[0], Err: err}
	}
	return hutch.Result{ExitCode: st.ExitCode, Signal: st.Signal, TimedOut: st.TimedOut, Duration: st.Duration}, err
}
