package backendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
)

// sandboxChecks are the promises of commands.
func sandboxChecks() []check {
	return slices.Concat(execChecks(), streamChecks(), stdinChecks(), placeChecks(), endChecks(), sameFileChecks(), linkChecks(), linkerLinkChecks(), confineChecks(), signalChecks())
}

func execChecks() []check {
	return []check{
		{"Exec/ExitCode", "the status of a command is its ExitCode, and no error", nil, execExitCode},
		{"Exec/Signal", "a command that a signal ended has 128+n and the name of the signal", nil, execSignal},
		{"Exec/Missing", "a program that cannot be found is fs.ErrNotExist", nil, execMissing},
		{"Exec/NotStarted", "a program that cannot be started is fs.ErrPermission", nil, execNotStarted},
		{"Exec/NoProgram", "a command without a program is an error", nil, execNoProgram},
		{"Exec/Args", "arguments arrive as they are, and no shell reads them", nil, execArgs},
		{"Exec/Many", "many commands at once have results and output of their own", nil, execMany},
		{"Exec/Canceled", "with a context that has ended nothing runs, and its error is returned", nil, execCanceled},
	}
}

// outcome is how a command ended and what it printed.
type outcome struct {
	hutch.Result
	out, err string
}

func (t *env) execer() hutch.Execer {
	t.Helper()
	x, ok := hutch.As[hutch.Execer](t.b)
	if !ok {
		t.Fatal("the sandbox runs no commands")
	}
	return x
}

// exec runs cmd, with Stdout and Stderr kept where cmd names none.
func (t *env) exec(ctx context.Context, cmd *hutch.Cmd) (o outcome, err error) {
	t.Helper()
	x := t.execer()
	var out, errs buffer
	if cmd.Stdout == nil {
		cmd.Stdout = &out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = &errs
	}
	t.within(fmt.Sprintf("Exec(%s)", short(strings.Join(cmd.Args, " "))), func() { o.Result, err = x.Exec(ctx, cmd) })
	o.out, o.err = out.String(), errs.String()
	return o, err
}

// run runs cmd, which must have a Result.
func (t *env) run(cmd *hutch.Cmd) outcome {
	t.Helper()
	o, err := t.exec(t.ctx, cmd)
	if err != nil {
		t.Fatalf("Exec(%s): %v", short(strings.Join(cmd.Args, " ")), err)
	}
	return o
}

// sh runs a script with arguments, which must succeed, and returns its output.
func (t *env) sh(script string, args ...string) string {
	t.Helper()
	o := t.run(&hutch.Cmd{Args: append([]string{"sh", "-c", script, "sh"}, args...)})
	if o.ExitCode != 0 || o.Signal != "" || o.TimedOut {
		t.Fatalf("%s: %+v", short(script), o)
	}
	return o.out
}

// path is how a command in the root of the backend names a file.
func (t *env) path(name string) string {
	if r, ok := hutch.As[hutch.Rooted](t.b); ok && r.Root() != "" {
		return hutch.PathOf(t.b, name)
	}
	return "./" + name
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func execExitCode(t *env) {
	for _, code := range []int{0, 1, 2, 42, 126, 127, 128, 255} {
		o := t.run(hutch.Shell(fmt.Sprintf("exit %d", code)))
		if o.ExitCode != code || o.Signal != "" || o.TimedOut || o.Duration <= 0 {
			t.Errorf("exit %d is %+v", code, o.Result)
		}
	}
	o := t.run(hutch.Shell("sh -c 'kill -KILL $$'; exit 137"))
	if o.ExitCode != 137 || o.Signal != "" {
		t.Errorf("a command that exits with 137 by itself is %+v", o.Result)
	}
	if o := t.run(&hutch.Cmd{Args: []string{"false"}}); o.ExitCode != 1 {
		t.Errorf("false is %+v", o.Result)
	}
}

func execSignal(t *env) {
	for name, n := range map[string]int{"TERM": 15, "KILL": 9, "SEGV": 11, "ABRT": 6, "INT": 2} {
		o := t.run(hutch.Shell("kill -" + name + " $$; sleep 20"))
		if o.ExitCode != 128+n || o.Signal != "SIG"+name || o.TimedOut {
			t.Errorf("a command ended by SIG%s is %+v, want the status %d", name, o.Result, 128+n)
		}
	}
}

func execMissing(t *env) {
	t.write("d/f", "x")
	for _, program := range []string{"no-such-program-anywhere", "./missing", "/no/such/program", t.path("d/missing"), "d/missing"} {
		for _, dir := range []string{"", "d"} {
			o, err := t.exec(t.ctx, &hutch.Cmd{Args: []string{program, "x"}, Dir: dir})
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the missing program %s in %q: %+v, %v; want fs.ErrNotExist", program, dir, o, err)
				continue
			}
			t.noHostPath("Exec", err, program)
		}
	}
}

func execNotStarted(t *env) {
	t.writeWith("d/plain", "#!/bin/sh\nexit 0\n", hutch.WriteOptions{Mode: 0o644})
	t.writeWith("d/garbage", "\x7fELF garbage\x00\x01", hutch.WriteOptions{Mode: 0o755})
	for _, name := range []string{"d/plain", "d/garbage", "d"} {
		o, err := t.exec(t.ctx, &hutch.Cmd{Args: []string{t.path(name)}})
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s as a program: %+v, %v; want fs.ErrPermission", name, o, err)
			continue
		}
		t.noHostPath("Exec", err, t.path(name))
	}
}

func execNoProgram(t *env) {
	for _, args := range [][]string{nil, {}, {""}, {"", "x"}, {"sh\x00", "-c", "exit 0"}, {"echo", "a\x00b"}} {
		if o, err := t.exec(t.ctx, &hutch.Cmd{Args: args}); err == nil {
			t.Errorf("Exec of %q: %+v, want an error", args, o)
		}
	}
}

func execArgs(t *env) {
	args := []string{"", " ", "a b", "\n", "-x", "--", "$(x)", "`x`", "$HOME", "*", "?", "'", `"`, `\`, `\n`, "~", ";", "é",
		"\xff\xfe", "\x01", "#", "a=b", "&", "|", strings.Repeat("long ", 10_000)}
	o := t.run(&hutch.Cmd{Args: append([]string{"sh", "-c", `printf '%s\000' "$@"`, "sh"}, args...)})
	if want := strings.Join(args, "\x00") + "\x00"; o.out != want {
		t.Errorf("the arguments arrive as %s\nwant %s", short(o.out), short(want))
	}
	o = t.run(&hutch.Cmd{Args: []string{"printf", "%s|%s", "$(echo x) $HOME > f", "*"}})
	if o.out != "$(echo x) $HOME > f|*" {
		t.Errorf("without a shell printf prints %q", o.out)
	}
}

func execMany(t *env) {
	x := t.execer()
	t.together(16, func(i int) {
		for range 2 {
			var out, errs buffer
			cmd := &hutch.Cmd{Stdout: &out, Stderr: &errs, Stdin: strings.NewReader(fmt.Sprint("in ", i)), Env: []string{fmt.Sprint("N=", i)},
				Args: []string{"sh", "-c", `echo "out $1 $N"; echo "err $1" >&2; cat; exit $1`, "sh", fmt.Sprint(i)}}
			res, err := x.Exec(t.ctx, cmd)
			if err != nil || res.ExitCode != i {
				t.Errorf("command %d of many: %+v, %v", i, res, err)
			}
			if want := fmt.Sprintf("out %d %d\nin %d", i, i, i); out.String() != want || errs.String() != fmt.Sprintf("err %d\n", i) {
				t.Errorf("command %d of many prints %q and %q", i, out.String(), errs.String())
			}
		}
	})
}

func execCanceled(t *env) {
	o, err := t.exec(t.over(), hutch.Shell("echo ran; echo ran > trace"))
	if !errors.Is(err, context.Canceled) || o.out != "" {
		t.Errorf("with a canceled context: %+v, %v; want context.Canceled", o, err)
	}
	t.wantAbsent("trace")
}
