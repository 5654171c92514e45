package backendtest

import (
	"context"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// talk is a command under way that is sent signals.
type talk struct {
	t    *env
	sigs chan string
	out  buffer
	end  context.CancelFunc
	done chan struct{} // closed when Exec has returned; then:
	res  hutch.Result
	err  error
}

func (t *env) talk(script string) *talk {
	t.Helper()
	x := t.execer()
	c := &talk{t: t, sigs: make(chan string), done: make(chan struct{})}
	var ctx context.Context
	ctx, c.end = context.WithCancel(t.ctx)
	cmd := hutch.Shell(script)
	cmd.Stdout, cmd.Stderr, cmd.Signals = &c.out, &c.out, c.sigs
	go func() {
		defer close(c.done)
		c.res, c.err = x.Exec(ctx, cmd)
	}()
	return c
}

// send sends a signal, which the command must take.
func (c *talk) send(name string) {
	c.t.Helper()
	late := time.NewTimer(c.t.patience)
	defer late.Stop()
	select {
	case c.sigs <- name:
	case <-c.done:
		c.t.Fatalf("the command ends before it takes %s: %+v, %v; it has printed %s", quote(name), c.res, c.err, short(c.out.String()))
	case <-late.C:
		c.t.Fatalf("nobody takes %s", quote(name))
	}
}

// until waits until the command has printed text.
func (c *talk) until(text string) {
	c.t.Helper()
	if !c.t.eventually(func() bool { return strings.Contains(c.out.String(), text) }) {
		c.t.Fatalf("the command prints %s, want %s in it", short(c.out.String()), quote(text))
	}
}

// wait waits for the Result, which must be that code and signal.
func (c *talk) wait(code int, signal string) {
	c.t.Helper()
	c.t.within("a command that was sent signals", func() { <-c.done })
	if c.err != nil || c.res.ExitCode != code || c.res.Signal != signal || c.res.TimedOut {
		c.t.Errorf("the command ends with %+v, %v; want %d %q; it has printed %s", c.res, c.err, code, signal, short(c.out.String()))
	}
}
