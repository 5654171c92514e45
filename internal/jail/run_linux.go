//go:build amd64 || arm64

package jail

import (
	"context"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stuckTime is how long a helper may take to end a command before the whole jail is given up.
const stuckTime = 2 * killPatience

// post is the way from Run to who starts the commands.
type post interface {
	start(s *start, fds []int) error // the descriptors stay the caller's
	kill(id int64)
	signal(id int64, sig unix.Signal)
	giveUp(id int64) // of a command that does not end: whoever waits for it is told something
}

func runBy(ctx context.Context, p post, w *waiting, c *Command, env []string) (Status, error) {
	began := time.Now()
	s := &start{dir: c.Dir, args: c.Args, env: env, limits: c.Limits.set()}
	if c.Limits == (Limits{}) {
		s.limits = limitSet{}
	}
	streams, err := newStreams(c)
	if err != nil {
		return Status{}, &fs.PathError{Op: "exec", Path: c.Args[0], Err: bare(err)}
	}
	s.streams = streams.bits
	id, ch, err := w.register()
	if err != nil {
		streams.abandon()
		return Status{}, err
	}
	s.id = id
	err = p.start(s, streams.fds)
	streams.sent()
	if err != nil {
		w.forget(id)
		streams.abandon()
		if err == syscall.E2BIG {
			return Status{}, &fs.PathError{Op: "exec", Path: c.Args[0], Err: err}
		}
		return Status{}, ErrGone
	}
	stop := forward(p, id, c.Signals)
	m, timedOut, cause := await(ctx, p, c.Timeout, id, ch, streams)
	stop()
	failed := streams.finish()
	if cause == nil {
		cause = failed
	}
	st, err := status(c, m, timedOut, cause)
	if err == nil || timedOut {
		st.Duration = time.Since(began)
	}
	return st, err
}

// await waits for the end of a command, and brings it about when ctx, the timeout or a failing writer demand it.
func await(ctx context.Context, p post, timeout time.Duration, id int64, ch chan *done, s *streams) (m *done, timedOut bool, cause error) {
	var expired <-chan time.Time
	if timeout > 0 {
		t := time.NewTimer(timeout)
		defer t.Stop()
		expired = t.C
	}
	select {
	case m := <-ch:
		return m, false, nil
	case <-ctx.Done():
		cause = ctx.Err()
	case <-expired:
		timedOut = true
	case cause = <-s.broken:
	}
	p.kill(id)
	t := time.NewTimer(stuckTime)
	defer t.Stop()
	select {
	case m := <-ch:
		return m, timedOut, cause
	case <-t.C:
		p.giveUp(id)
		return <-ch, timedOut, cause
	}
}

// status says how the command ended. What is not known is an error.
func status(c *Command, m *done, timedOut bool, cause error) (Status, error) {
	if m == nil {
		return Status{}, ErrGone
	}
	switch m.what {
	case doneExec:
		return Status{}, &fs.PathError{Op: "exec", Path: c.Args[0], Err: syscall.Errno(m.value)}
	case doneDir:
		return Status{}, &fs.PathError{Op: "chdir", Path: c.Dir, Err: syscall.Errno(m.value)}
	case doneStuck:
		return Status{}, fmt.Errorf("jail: processes of the command could not be killed")
	case doneUnsafe:
		return Status{}, fmt.Errorf("jail: a command could not be confined and was not started")
	}
	if cause != nil {
		return Status{}, cause
	}
	if timedOut {
		return Status{ExitCode: 124, TimedOut: true}, nil
	}
	ws := unix.WaitStatus(m.value)
	switch {
	case ws.Exited():
		return Status{ExitCode: ws.ExitStatus()}, nil
	case ws.Signaled():
		return Status{ExitCode: 128 + int(ws.Signal()), Signal: unix.SignalName(ws.Signal())}, nil
	}
	return Status{}, fmt.Errorf("jail: the status of the command is not understood")
}
