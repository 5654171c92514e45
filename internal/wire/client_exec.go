package wire

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/relay"
)

// Exec implements [hutch.Execer]. What the command prints is written by this
// goroutine, so a writer that is slow slows the command down. If the command ends
// while a Read of Stdin blocks, Exec returns nevertheless, and one goroutine stays
// in that Read until it returns; an error of Stdin is its end to the command.
//
// Where ctx ends, the far side is told to end the command and Exec waits for
// the last of its output; after five seconds without any it gives up.
func (c *Client) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if cmd == nil || len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: "", Err: fmt.Errorf("%w: no program", fs.ErrInvalid)}
	}
	name := cmd.Args[0]
	if cmd.Signals != nil && len(c.sigs) == 0 {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: name, Err: fmt.Errorf("%w: no signals can be sent", errors.ErrUnsupported)}
	}
	if cmd.Dir != "" {
		if err := hutch.CheckName("exec", cmd.Dir); err != nil {
			return hutch.Result{}, err
		}
	}
	if err := c.ready(ctx, "exec"); err != nil {
		return hutch.Result{}, at(err, name)
	}
	q := &request{Name: cmd.Dir, Command: commandOf(cmd)}
	head, err := c.prepare(execRoute, q, name)
	if err != nil {
		return hutch.Result{}, err
	}
	f := newFeed(head)
	defer f.Close()
	defer relay.Signals(cmd.Signals, c.sigs, f.signal)()
	if cmd.Stdin != nil {
		go f.pump(cmd.Stdin)
	}
	x, err := c.send(ctx, execRoute, q, name, f, -1, f.stop)
	if err != nil {
		return hutch.Result{}, err
	}
	defer x.end()
	r := &run{exchange: x, feed: f, cmd: cmd}
	return r.wait()
}

func commandOf(cmd *hutch.Cmd) *command {
	return &command{
		Args: bytesOf(cmd.Args), Env: bytesOf(cmd.Env), Stdin: cmd.Stdin != nil,
		Stdout: cmd.Stdout != nil, Stderr: cmd.Stderr != nil,
		Merge: cmd.Stdout != nil && sameWriter(cmd.Stdout, cmd.Stderr), Limits: limits(cmd.Limits),
		Signals: cmd.Signals != nil,
	}
}

func sameWriter(a, b io.Writer) bool {
	t := reflect.TypeOf(a)
	return a != nil && t == reflect.TypeOf(b) && t.Comparable() && a == b
}

// run is a command that runs on the far side.
type run struct {
	*exchange
	feed   *feed
	cmd    *hutch.Cmd
	res    *hutch.Result
	fault  error
	failed error // the first error of a writer
}

// wait reads the answer to its end.
func (r *run) wait() (hutch.Result, error) {
	for {
		kind, p, err := r.in.frame(maxFrame)
		r.beat.Add(1)
		if err == nil && kind == kindEnd {
			return r.ended()
		}
		if err == nil {
			err = r.take(kind, p)
		}
		if err != nil {
			if r.failed != nil {
				err = r.failed
			}
			return hutch.Result{}, r.exchange.fail(err)
		}
	}
}

// take acts on a frame of the answer.
func (r *run) take(kind byte, p []byte) error {
	switch {
	case r.res != nil || r.fault != nil:
		return broken("goes on after the command has ended")
	case kind == kindOut:
		r.print(r.cmd.Stdout, p)
	case kind == kindErr:
		r.print(r.cmd.Stderr, p)
	case kind == kindCredit && len(p) == 4:
		r.feed.allow(int(binary.BigEndian.Uint32(p)))
	case kind == kindTaken && r.feed.took():
	case kind == kindFault:
		r.fault = decodeFault(p)
	case kind == kindResult:
		var res result
		if err := json.Unmarshal(p, &res); err != nil {
			return broken("no result of a command")
		}
		r.res = (*hutch.Result)(&res)
	default:
		return broken("unexpected frame")
	}
	return nil
}

// print hands on output. A writer that fails ends the command.
func (r *run) print(w io.Writer, p []byte) {
	if w == nil || r.failed != nil {
		return
	}
	r.busy.Store(true)
	n, err := w.Write(p)
	r.busy.Store(false)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		r.failed = err
		r.feed.stop()
	}
}

// ended is what comes of a command whose answer was whole.
func (r *run) ended() (hutch.Result, error) {
	err := r.finished()
	switch {
	case err == nil && r.res == nil && r.fault == nil:
		err = broken("no result of a command")
	case r.failed != nil:
		return hutch.Result{}, &fs.PathError{Op: r.op, Path: r.name, Err: r.failed}
	}
	switch {
	case err != nil:
		return hutch.Result{}, r.exchange.fail(err)
	case r.fault != nil:
		return hutch.Result{}, r.exchange.fault(r.fault)
	}
	return *r.res, nil
}
