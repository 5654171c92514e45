package shell

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

var (
	errNoDir   = &means{"the directory cannot be entered", fs.ErrNotExist}
	errNoLimit = &means{"the shell cannot set the limits asked for", errors.ErrUnsupported}
)

// drain is how long the streams of a command may stay open after its tree is
// dead.
const drain = 2 * time.Second

// run is one command.
type run struct {
	s         *Sandbox
	cmd       *hutch.Cmd
	lim       hutch.Limits
	p         Process
	out, errs *sink
	ended     chan verdict  // what the wrapper says
	broken    chan struct{} // a writer has failed
	over      chan struct{} // closed when both outputs are at their end
	exited    chan struct{} // closed when the wrapper is known to have ended
}

func (r *run) run(ctx context.Context) (hutch.Result, error) {
	tag := r.s.tags.take()
	defer r.s.tags.drop(tag)
	began := time.Now()
	mark := "//:" + rand.Text()
	p, err := r.s.pool.host.Start(ctx, r.args(mark, tag), StartOptions{Dir: "/", Env: servingEnv(r.s.opts.Env), Stdin: r.cmd.Stdin != nil})
	if err != nil {
		return hutch.Result{}, err
	}
	defer p.Close()
	r.p = p
	r.streams([]byte(mark + " "))
	watch, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		if _, err := p.Wait(watch); err == nil {
			close(r.exited)
		}
	}()
	v, why := r.wait(ctx)
	took := time.Since(began)
	if err := r.bury(tag, &v); err != nil && why == nil {
		why = err
	}
	select {
	case <-r.over:
	case <-time.After(drain):
		p.Close() // something else holds them
		<-r.over
	}
	if v.word == "" {
		v = r.said()
	}
	for _, s := range []*sink{r.out, r.errs} {
		if *s.err != nil && (why == nil || why == errBroken) {
			why = *s.err
		}
	}
	switch {
	case why == errTime:
		return hutch.Result{ExitCode: hutch.TimeoutExitCode, TimedOut: true, Duration: took}, nil
	case why != nil:
		return hutch.Result{}, why
	}
	res, err := v.result()
	res.Duration = took
	return res, err
}

// streams moves what goes in and out.
func (r *run) streams(mark []byte) {
	r.out, r.errs = sinks(r.cmd.Stdout, r.cmd.Stderr, func() { r.broken <- struct{}{} })
	var both sync.WaitGroup
	both.Go(func() { io.Copy(onlyWriter{r.out}, r.p) })
	both.Go(func() {
		f := &filter{w: r.errs, mark: mark, said: func(v verdict) { r.ended <- v }}
		io.Copy(onlyWriter{f}, r.p.Stderr())
		f.flush()
	})
	go func() { both.Wait(); close(r.over) }()
	if r.cmd.Stdin == nil {
		return
	}
	go func() {
		io.Copy(onlyWriter{r.p}, struct{ io.Reader }{r.cmd.Stdin})
		r.p.CloseWrite()
	}()
}

// onlyWriter hides other ways to write.
type onlyWriter struct{ io.Writer }

var (
	errTime   = errors.New("out of time")
	errBroken = errors.New("a writer has failed")
)

// wait waits for the end of the command, or for what ends it: why.
func (r *run) wait(ctx context.Context) (v verdict, why error) {
	var late <-chan time.Time
	if r.lim.Time > 0 {
		t := time.NewTimer(r.lim.Time)
		defer t.Stop()
		late = t.C
	}
	select {
	case v = <-r.ended:
	case <-r.over: // perhaps without a word, as when the command has killed it
	case <-r.exited:
	case <-late:
		why = errTime
	case <-ctx.Done():
		why = ctx.Err()
	case <-r.s.over.Done():
		why = hutch.ErrClosed
	case <-r.broken:
		why = errBroken
	}
	return v, why
}

// said is what the wrapper has said, if it has.
func (r *run) said() verdict {
	select {
	case v := <-r.ended:
		return v
	default:
		return verdict{}
	}
}

// bury ends what is left of the command. It comes back when nothing is, and the
// wrapper has said its word or gone: one that has not started the command yet
// would start it afterwards.
func (r *run) bury(tag int64, v *verdict) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ended, over, exited := r.ended, r.over, r.exited
	gone := v.word != ""
	for wait, clean := time.Millisecond, 0; ; wait = min(2*wait, 50*time.Millisecond) {
		n, err := r.s.kill(ctx, strconv.FormatInt(tag*1024, 10))
		switch {
		case ctx.Err() != nil:
			return errStuck
		case err != nil && err != errGone: // the command may have killed the shell: ask another
			return err
		case err == nil && n == 0 && gone && clean == 0:
			return r.s.strays(ctx, tag)
		case err == nil && n == 0 && gone:
			clean--
			continue
		case err == nil && n > 0:
			clean = 1 // what was found may have left a child that was not
		}
		t := time.NewTimer(wait)
		select {
		case w := <-ended:
			gone = true
			if v.word == "" {
				*v = w
			}
		case <-over:
			gone, over = true, nil
		case <-exited:
			gone, exited = true, nil
		case <-t.C:
		}
		t.Stop()
	}
}

// kill ends the processes with a tag and says how many there were.
func (s *Sandbox) kill(ctx context.Context, tag string) (int, error) {
	a, err := s.pool.ask(ctx, false, "kill", tag)
	if err != nil {
		return 0, err
	}
	if a.word != "ok" {
		return 0, a.err()
	}
	n, err := strconv.Atoi(a.rest)
	if err != nil {
		return 0, errGarbled
	}
	return n, nil
}

// result is what a verdict means.
func (v verdict) result() (hutch.Result, error) {
	switch v.word {
	case "nofile":
		return hutch.Result{}, fs.ErrNotExist
	case "noexec":
		return hutch.Result{}, &means{"no program that can be started", fs.ErrPermission}
	case "nodir":
		return hutch.Result{}, errNoDir
	case "nolimit":
		return hutch.Result{}, errNoLimit
	case "end":
	default:
		return hutch.Result{}, errNoStatus
	}
	text, signal, _ := strings.Cut(v.rest, " ")
	code, err := strconv.Atoi(text)
	if err != nil || code < 0 || code > 255 {
		return hutch.Result{}, errNoStatus
	}
	res := hutch.Result{ExitCode: code}
	if signal == "signal" && code > 128 {
		res.Signal = signalName(code - 128)
	}
	return res, nil
}
