package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/local"
	"github.com/spf13/cobra"
)

// The exit statuses of exec besides that of the command, as env(1) has them.
const (
	execFailed   = 125
	notStarted   = 126
	notFound     = 127
	captureBytes = 1 << 20
)

// runner is the verb exec.
type runner struct {
	*cli
	script, dir       string
	env, visible      []string
	isolation         *isolation
	network, hostPath bool
	limits            limits
}

func execCommand(c *cli) *cobra.Command {
	r := &runner{cli: c}
	cmd := &cobra.Command{
		Use:   "exec [flags] {-c SCRIPT | [--] PROGRAM [ARG...]}",
		Short: "Run a command on the files",
		Long: `Run a program, or with -c a script of the shell, in the sandbox of the backend. What
it prints is passed on as it prints it; it reads the standard input where that is
no terminal. SIGINT, SIGTERM and SIGHUP kill it and all that it started, and
nothing that it left in the background lives on when it ends.

Nothing of the environment is passed but what --env names. Flags win over the
config file. --isolation is the least that is accepted; the machine may give more.

With --json, one object when it is over: exit_code, signal, timed_out, stdout and
stderr (beginning and end if they are longer than 1 MiB, with stdout_dropped and
stderr_dropped counting what is left out; if they are no UTF-8 there are
stdout_base64 and stderr_base64, too), duration_ms, isolation.

Exit status: that of the command, 128+N if signal N ended it; 124 timeout; 125
hutch itself failed; 126 the program could not be started; 127 it was not found;
2 wrong usage of hutch; 130, 143, 129 after SIGINT, SIGTERM, SIGHUP.`,
		Example: `  hutch exec --timeout 30s -- go test ./...
  hutch exec -C web --network -c 'npm ci && npm run build'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			what, err := r.command(cmd.Flags().Changed("command"), args)
			if err != nil {
				return usage(err)
			}
			return r.run(cmd.Context(), what)
		},
	}
	r.flags(cmd)
	c.completeDir(cmd, "dir")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (r *runner) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SetInterspersed(false) // what follows the program is the program's
	f.StringVarP(&r.script, "command", "c", "", "run this `SCRIPT` with sh -c")
	f.StringVarP(&r.dir, "dir", "C", "", "run in this `DIR` of the backend")
	f.StringArrayVarP(&r.env, "env", "e", nil, "set a variable `K=V`, or pass K on (may be repeated)")
	f.BoolVar(&r.network, "network", false, "let the command use the network of the host")
	f.BoolVar(&r.hostPath, "host-path", false, "show the workspace at its own path instead of /workspace")
	f.StringArrayVar(&r.visible, "visible", nil, "show this `PATH` of the host, too, read-only (may be repeated)")
	level := isolationFlag{&r.isolation}
	f.Var(level, "isolation", "least isolation: isolated, capped, restricted or unconfined")
	r.limits.flags(f)
	_ = cmd.RegisterFlagCompletionFunc("isolation", cobra.FixedCompletions(
		[]string{"isolated", "capped", "restricted", "unconfined"}, cobra.ShellCompDirectiveNoFileComp))
}

// isolationFlag is a level that may not have been given.
type isolationFlag struct{ to **isolation }

func (f isolationFlag) String() string {
	if f.to == nil || *f.to == nil {
		return ""
	}
	return (*f.to).String()
}
func (f isolationFlag) Type() string { return "LEVEL" }
func (f isolationFlag) Set(s string) error {
	*f.to = new(isolation)
	return (*f.to).Set(s)
}

// adjust lets the flags win over the options of the config file.
func (r *runner) adjust(o *local.Options) {
	if r.isolation != nil {
		o.Isolation = local.Isolation(*r.isolation)
	}
	o.Network = o.Network || r.network
	o.HostPath = o.HostPath || r.hostPath
	o.Visible = append(o.Visible, r.visible...)
	r.limits.apply(&o.Limits)
}

func (r *runner) run(ctx context.Context, cmd *hutch.Cmd) error {
	env, err := environment(r.env)
	if err != nil {
		return usage(err)
	}
	cmd.Env = env
	w, err := r.open(r.adjust)
	if err != nil {
		var f *failure
		if errors.As(err, &f) {
			return err
		}
		return failed(execFailed, err)
	}
	x, ok := hutch.As[hutch.Execer](w.b)
	if _, ruled := hutch.As[guard.Foreseer](w.b); !ok && ruled {
		return failed(notStarted, fmt.Errorf("%s runs no commands, or the policy lets it run none", w.url))
	}
	if !ok {
		return failed(execFailed, fmt.Errorf("%s runs no commands; local:DIR does, and a composite with one in it", w.url))
	}
	if cmd.Dir, err = r.directory(ctx, w.b); err != nil {
		return failed(execFailed, err)
	}
	level := ""
	if w.sandbox != nil {
		l, err := w.sandbox.Isolation(ctx)
		if err != nil {
			return failed(execFailed, err)
		}
		level = l.String()
	}
	r.limitCmd(cmd)
	if r.json {
		return r.capture(ctx, x, cmd, level)
	}
	return r.stream(ctx, x, cmd)
}

// command is what is to be run.
func (r *runner) command(script bool, args []string) (*hutch.Cmd, error) {
	switch {
	case script && len(args) > 0:
		return nil, errors.New("exec: -c SCRIPT and PROGRAM exclude each other")
	case script:
		return hutch.Shell(r.script), nil
	case len(args) == 0 || args[0] == "":
		return nil, errors.New("exec: no program; write hutch exec -- PROGRAM ARG... or hutch exec -c 'SCRIPT'")
	}
	return &hutch.Cmd{Args: args}, nil
}

// environment reads K=V entries; K alone passes on what hutch has.
func environment(list []string) ([]string, error) {
	var env []string
	for _, e := range list {
		key, _, ok := strings.Cut(e, "=")
		if key == "" || strings.IndexByte(e, 0) >= 0 {
			return nil, fmt.Errorf("exec: --env %q is not K=V", e)
		}
		if !ok {
			value, ok := os.LookupEnv(key)
			if !ok {
				return nil, fmt.Errorf("exec: --env %s: there is no such variable to pass on; write %s=VALUE", key, key)
			}
			e = key + "=" + value
		}
		env = append(env, e)
	}
	return env, nil
}

// directory is the name of the directory to run in, which must be one.
func (r *runner) directory(ctx context.Context, b hutch.Backend) (string, error) {
	name, err := hutch.Resolve(b, ".", r.dir)
	if err != nil || name == "." {
		return "", err
	}
	info, err := b.Stat(ctx, name)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "exec", Path: name, Err: hutch.ErrNotDir}
	}
	return name, err
}

// limitCmd asks for the limits of a backend whose options are not ours.
func (r *runner) limitCmd(cmd *hutch.Cmd) {
	var l hutch.Limits
	r.limits.apply(&l)
	cmd.Limits = hutch.Limits{
		Time: max(0, l.Time), CPU: max(0, l.CPU), Memory: max(0, l.Memory),
		Processes: max(0, l.Processes), FileSize: max(0, l.FileSize), OpenFiles: max(0, l.OpenFiles),
	}
}

// stream runs a command on the streams of hutch. Files and pipes are handed on
// as they are; a terminal is not, since whoever holds it can read what is typed.
func (r *runner) stream(ctx context.Context, x hutch.Execer, cmd *hutch.Cmd) error {
	cmd.Stdin = r.stdin()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if isTerminal(os.Stdout) {
		cmd.Stdout = struct{ io.Writer }{os.Stdout}
	}
	if isTerminal(os.Stderr) {
		cmd.Stderr = struct{ io.Writer }{os.Stderr}
		if isTerminal(os.Stdout) {
			cmd.Stdout = cmd.Stderr // one pipe keeps the order
		}
	}
	res, err := x.Exec(ctx, cmd)
	if err != nil {
		return notRun(ctx, err)
	}
	if res.TimedOut {
		r.complain(fmt.Errorf("%s: timed out after %s", cmd.Args[0], shortTime(res.Duration)))
	}
	return status(res)
}

// stdin is what the command reads: nothing where that is a terminal.
func (r *runner) stdin() io.Reader {
	info, err := r.in.file.Stat()
	switch {
	case err != nil || isTerminal(r.in.file) || info.IsDir():
		return nil
	case info.Mode().IsRegular() || info.Mode()&fs.ModeNamedPipe != 0:
		return r.in.file
	}
	return r.in
}

// status is the exit status of a command as an error.
func status(res hutch.Result) error {
	if res.ExitCode == 0 {
		return nil
	}
	return exit(res.ExitCode)
}

// notRun is the failure of a command that has no status.
func notRun(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, fs.ErrNotExist):
		return failed(notFound, err)
	case errors.Is(err, fs.ErrPermission):
		return failed(notStarted, err)
	}
	return failed(execFailed, err)
}
