package audit

import (
	"context"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

type execer struct{ a *Backend }

// Exec implements [hutch.Execer].
func (x execer) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	run, dir := hutch.Cmd{}, "."
	if cmd != nil {
		run = *cmd
	}
	if run.Dir != "" {
		dir = run.Dir
	}
	e, err := x.a.begin(ctx, "exec", dir)
	if err != nil {
		return hutch.Result{}, err
	}
	inner := power[hutch.Execer](x.a.b)
	if cmd == nil {
		res, err := inner.Exec(ctx, nil)
		e.end(err)
		return res, err
	}
	e.add(x.a.command(cmd)...)
	var printed atomic.Int64
	run.Stdout = counting(cmd.Stdout, &printed)
	run.Stderr = counting(cmd.Stderr, &printed)
	if one(cmd.Stdout, cmd.Stderr) {
		run.Stderr = run.Stdout
	}
	res, err := inner.Exec(ctx, &run)
	e.add(slog.Int64("bytes", printed.Load()))
	if err == nil {
		e.add(slog.Int("exit", res.ExitCode))
		if res.Signal != "" {
			e.add(slog.String("signal", res.Signal))
		}
		if res.TimedOut {
			e.add(slog.Bool("timeout", true))
		}
	}
	e.end(err)
	return res, err
}

// command describes a command without its secrets.
func (a *Backend) command(cmd *hutch.Cmd) []slog.Attr {
	args := cmd.Args
	if a.o.NoArgs {
		args = args[:min(1, len(args))]
	}
	secrets := a.o.Secrets
	var names []string
	for _, kv := range cmd.Env {
		name, value, _ := strings.Cut(kv, "=")
		names = append(names, name)
		if len(value) >= 6 {
			secrets = append(secrets[:len(secrets):len(secrets)], value)
		}
	}
	attrs := []slog.Attr{slog.Any("args", masked(args, secrets))}
	if len(names) > 0 {
		attrs = append(attrs, slog.Any("env", names))
	}
	return attrs
}

// counting is w with its bytes counted; nil stays nil.
func counting(w io.Writer, n *atomic.Int64) io.Writer {
	if w == nil {
		return nil
	}
	return &counter{w, n}
}

type counter struct {
	w io.Writer
	n *atomic.Int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n.Add(int64(max(n, 0)))
	return n, err
}

// one reports whether two writers are the same.
func one(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.TypeOf(a).Comparable() && reflect.TypeOf(a) == reflect.TypeOf(b) &&
		reflect.ValueOf(a).Comparable() && a == b
}
