package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// cli is one run of the program: its streams, and the flags of all verbs.
type cli struct {
	in  *input
	out *stream
	err io.Writer

	ctx                     context.Context // of the whole run
	backend, config, policy string
	audit                   string   // a file
	limit                   []string // KEY=N,...
	json                    bool
	color                   colorMode
	accept                  []string

	signals *signals
	opened  *workspace
	temp    string // a directory that is removed at the end
}

func newCLI(ctx context.Context) *cli {
	return &cli{ctx: ctx, in: newInput(ctx, os.Stdin), out: newStream(os.Stdout), err: os.Stderr}
}

// failure is an error that decides the exit status. Without a cause nothing is
// printed.
type failure struct {
	status int
	cause  error
}

func (f *failure) Error() string {
	if f.cause == nil {
		return fmt.Sprintf("exit status %d", f.status)
	}
	return f.cause.Error()
}

func (f *failure) Unwrap() error { return f.cause }

func exit(status int) error            { return &failure{status: status} }
func usage(err error) error            { return &failure{2, err} }
func usagef(s string, a ...any) error  { return usage(fmt.Errorf(s, a...)) }
func failed(status int, e error) error { return &failure{status, e} }

// interrupted is the cause of a context that a signal ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return i.signal.String() }

// signalGrace is how long a run may take to end after a signal.
const signalGrace = 20 * time.Second

// signals are what ends a run from outside.
type signals struct {
	ch     chan os.Signal
	cancel context.CancelCauseFunc

	mu   sync.Mutex
	take func()
}

// withSignals ends ctx at the first signal; the second one kills as usual. A
// signal that is ignored, as under nohup, stays ignored. A broken pipe becomes
// the error of a write, so that what was opened is closed.
func withSignals(ctx context.Context) (context.Context, *signals) {
	ctx, cancel := context.WithCancelCause(ctx)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	s := &signals{ch: make(chan os.Signal, 1), cancel: cancel}
	for _, sig := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(sig) {
			signal.Notify(s.ch, sig)
		}
	}
	go s.await(ctx)
	return ctx, s
}

func (s *signals) await(ctx context.Context) {
	for {
		select {
		case sig := <-s.ch:
			if sig == os.Interrupt && s.taken() {
				continue
			}
			signal.Stop(s.ch)
			if sig, ok := sig.(syscall.Signal); ok {
				s.cancel(interrupted{sig})
				time.AfterFunc(signalGrace, func() { os.Exit(128 + int(sig)) })
			}
		case <-ctx.Done():
		}
		return
	}
}

// instead has the next SIGINT call take, once, and end nothing; nil is as before.
func (s *signals) instead(take func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take = take
}

func (s *signals) taken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	take := s.take
	s.take = nil
	if take != nil {
		take()
	}
	return take != nil
}

func (s *signals) stop() { signal.Stop(s.ch); s.cancel(nil) }

// finish closes what was opened, reports err, and says the exit status.
func (c *cli) finish(ctx context.Context, err error) int {
	if e := c.opened.close(); err == nil {
		err = e
	}
	if c.temp != "" {
		os.RemoveAll(c.temp)
	}
	if e := c.out.Close(); e != nil && (err == nil || errors.Is(err, e)) {
		if errors.Is(e, syscall.EPIPE) {
			return 128 + int(syscall.SIGPIPE) // who read has left, and wants to hear nothing
		}
		err = fmt.Errorf("standard output: %w", e)
	}
	var sig interrupted
	if errors.As(context.Cause(ctx), &sig) && err != nil {
		return 128 + int(sig.signal)
	}
	if err == nil {
		return 0
	}
	status := 1
	var f *failure
	if errors.As(err, &f) {
		status = f.status
		if f.cause == nil {
			return status
		}
	}
	c.complain(err)
	return status
}

// complain prints an error as one line. Only the text that an edit almost
// matched follows on lines of its own.
func (c *cli) complain(err error) {
	c.out.Flush()
	text := err.Error()
	var ee *hutch.EditError
	if errors.As(err, &ee) && ee.Near != nil {
		if head, found := strings.CutSuffix(text, ":\n"+ee.Near.Text); found {
			near := strings.Split(show.Visible(ee.Near.Text, true), "\n")
			fmt.Fprintf(c.err, "hutch: %s:\n  | %s\n", show.Visible(head, false), strings.Join(near, "\n  | "))
			return
		}
	}
	fmt.Fprintf(c.err, "hutch: %s\n", show.Visible(text, false))
}

// args accepts from least to most arguments; most < 0 is any number.
func args(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, a []string) error {
		switch {
		case len(a) < least:
			return usagef("%s: argument missing; usage: %s", cmd.Name(), cmd.UseLine())
		case most >= 0 && len(a) > most:
			return usagef("%s: unexpected argument %q; usage: %s", cmd.Name(), a[most], cmd.UseLine())
		}
		return nil
	}
}

// each does one thing to every argument. Where there are several, an error is
// printed at once, the rest still done, and the exit status is 1.
func (c *cli) each(ctx context.Context, args []string, do func(arg string) error) error {
	var status error
	for _, a := range args {
		err := do(a)
		if err == nil {
			continue
		}
		if len(args) == 1 || ctx.Err() != nil || c.out.Err() != nil {
			return err
		}
		c.complain(err)
		status = exit(1)
	}
	return status
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
