package limit

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

type execer struct{ l *Backend }

// Exec implements [hutch.Execer].
func (x execer) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	dir := "."
	if cmd != nil && cmd.Dir != "" {
		dir = cmd.Dir
	}
	if err := x.l.begin("exec", dir); err != nil {
		return hutch.Result{}, err
	}
	n, o := x.l.n, x.l.o
	if !take(&n.running, o.AtOnce, 1) {
		return hutch.Result{}, tooMany("exec", dir, o.AtOnce, "commands at a time")
	}
	if o.AtOnce > 0 {
		defer n.running.Add(-1)
	}
	if !take(&n.commands, o.Commands, 1) {
		return hutch.Result{}, tooMany("exec", dir, o.Commands, "commands in all")
	}
	inner := power[hutch.Execer](x.l.b)
	if cmd == nil || o.OutputBytes <= 0 {
		return inner.Exec(ctx, cmd)
	}
	return x.metered(ctx, inner, cmd, dir)
}

// metered runs a command until it prints too much.
func (x execer) metered(ctx context.Context, inner hutch.Execer, cmd *hutch.Cmd, dir string) (hutch.Result, error) {
	within, end := context.WithCancel(ctx)
	defer end()
	out := &output{limit: x.l.o.OutputBytes, end: end}
	run := *cmd
	run.Stdout, run.Stderr = out.to(cmd.Stdout), out.to(cmd.Stderr)
	if one(cmd.Stdout, cmd.Stderr) {
		run.Stderr = run.Stdout
	}
	res, err := inner.Exec(within, &run)
	if !out.over.Load() || ctx.Err() != nil {
		return res, err
	}
	return hutch.Result{}, &fs.PathError{Op: "exec", Path: dir, Err: fmt.Errorf("%w: the command printed more than %d bytes and was ended", hutch.ErrTooLarge, out.limit)}
}

// output counts what a command prints.
type output struct {
	limit int64
	n     atomic.Int64
	over  atomic.Bool
	end   func()
}

// to is w as long as there is not too much; nil stays nil.
func (o *output) to(w io.Writer) io.Writer {
	if w == nil {
		return nil
	}
	return &printer{o, w}
}

type printer struct {
	o *output
	w io.Writer
}

// Write passes on what is allowed, and takes the rest while the command dies.
func (p *printer) Write(data []byte) (int, error) {
	some := takeSome(&p.o.n, p.o.limit, int64(len(data)))
	if some < int64(len(data)) {
		p.o.over.Store(true)
		defer p.o.end()
	}
	if some > 0 || len(data) == 0 {
		if n, err := p.w.Write(data[:some]); err != nil {
			return n, err
		}
	}
	return len(data), nil
}

// one reports whether two writers are the same.
func one(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && a == b
}
