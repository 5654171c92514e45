package backendtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

func placeChecks() []check {
	return []check{
		{"Exec/Dir", "a command runs in its Dir, the root by default", these("d/e/f", "x"), execDir},
		{"Exec/DirErrors", "a Dir that is missing, a file or no name is an error with its name", nodes, execDirErrors},
		{"Exec/Env", "Env is added and wins, and nothing of the caller's environment is passed", nil, execEnv},
		{"Exec/Root", "Root is the absolute path under which commands see the files", these("d/f", "x"), execRoot},
	}
}

func endChecks() []check {
	return []check{
		{"Exec/Time", "Limits.Time ends a command, keeps its output and says TimedOut and 124", nil, execTime},
		{"Exec/TimeTree", "when the time is over nothing of the tree runs on", nil, execTimeTree},
		{"Exec/CancelTree", "when ctx ends nothing of the tree runs on, its error is returned and the output is there", nil, execCancelTree},
		{"Exec/Deadline", "when the deadline of ctx is over its error is returned", nil, execDeadline},
		{"Exec/Background", "when a command has ended nothing that it left in the background runs on", nil, execBackground},
	}
}

func execDir(t *env) {
	for _, dir := range []string{"", ".", "d", "d/e"} {
		o := t.run(&hutch.Cmd{Args: []string{"sh", "-c", "printf here > mark"}, Dir: dir})
		name := path.Join(dir, "mark")
		if o.ExitCode != 0 {
			t.Errorf("in %q: %+v", dir, o)
		}
		t.wantContent(name, "here")
		t.remove(name)
	}
	for _, odd := range []string{" ", "-d", "a\nb", "$(x)", "é"} {
		t.write(odd+"/f", "inside")
		if o := t.run(&hutch.Cmd{Args: []string{"cat", "f"}, Dir: odd}); o.out != "inside" {
			t.Errorf("in %q: %+v", odd, o)
		}
	}
}

func execDirErrors(t *env) {
	for dir, want := range map[string]error{
		"nothing": fs.ErrNotExist, "dir/nothing": fs.ErrNotExist, "f": hutch.ErrNotDir, "f/x": hutch.ErrNotDir,
		"..": fs.ErrInvalid, "/": fs.ErrInvalid, "dir/../dir": fs.ErrInvalid, "a\x00b": fs.ErrInvalid,
	} {
		_, err := t.exec(t.ctx, &hutch.Cmd{Args: []string{"true"}, Dir: dir})
		t.wantErr("Exec in ", err, dir, want)
	}
}

func execEnv(t *env) {
	const marker = "HUTCH_TEST_MARKER"
	os.Setenv(marker, "of the caller")
	t.Cleanup(func() { os.Unsetenv(marker) })
	for _, b := range []hutch.Backend{t.b, t.open()} {
		t.b = b
		cmd := &hutch.Cmd{Args: []string{"env"}, Env: []string{"A=1", "B=two words", "C=x=y", "D=é $A '", "EMPTY=", "HOME=/given"}}
		o := t.run(cmd)
		lines := "\n" + o.out
		for _, want := range cmd.Env {
			if !strings.Contains(lines, "\n"+want+"\n") {
				t.Errorf("%s does not arrive in %q", want, o.out)
			}
		}
		if strings.Count(lines, "\nHOME=") != 1 {
			t.Errorf("HOME is there more than once in %q", o.out)
		}
		if strings.Contains(o.out, marker) {
			t.Errorf("the environment of the caller is passed on: %q", o.out)
		}
		if o := t.run(&hutch.Cmd{Args: []string{"env"}}); strings.Contains(o.out, "A=1") || !strings.Contains(o.out, "PATH=") {
			t.Errorf("the environment of a command without Env is %q", o.out)
		}
		cmd = &hutch.Cmd{Args: []string{"sh", "-c", `printf %s "$X"`}, Env: []string{"X=a\nb"}}
		if o := t.run(cmd); o.out != "a\nb" {
			t.Errorf("a value of two lines arrives as %q", o.out)
		}
	}
}

// execRoot has nothing to check where a sandbox is not Rooted.
func execRoot(t *env) {
	r, ok := hutch.As[hutch.Rooted](t.b)
	if !ok {
		return
	}
	root := r.Root()
	if !path.IsAbs(root) || path.Clean(root) != root {
		t.Errorf("Root is %q, want a clean absolute path", root)
	}
	if got := strings.TrimSpace(t.sh("pwd")); got != root {
		t.Errorf("a command starts in %q, Root is %q", got, root)
	}
	if got := t.sh(`cat "$1/d/f"`, root); got != "x" {
		t.Errorf("below Root a command reads %q", got)
	}
	o := t.run(&hutch.Cmd{Args: []string{"sh", "-c", "pwd"}, Dir: "d"})
	name, err := hutch.Resolve(t.b, ".", strings.TrimSpace(o.out))
	if name != "d" || err != nil {
		t.Errorf("the directory that a command shows, %q, is the name %q, %v", o.out, name, err)
	}
}

func execTime(t *env) {
	cmd := hutch.Shell("echo out; echo err >&2; trap '' TERM INT HUP; while :; do sleep 1; done")
	cmd.Limits.Time = time.Second
	o := t.run(cmd)
	if !o.TimedOut || o.ExitCode != hutch.TimeoutExitCode || o.Duration < 900*time.Millisecond {
		t.Errorf("a command that takes too long: %+v", o.Result)
	}
	if o.out != "out\n" || o.err != "err\n" {
		t.Errorf("its output is %q and %q", o.out, o.err)
	}
	cmd = hutch.Shell("exit 124")
	cmd.Limits.Time = time.Minute
	if o := t.run(cmd); o.TimedOut || o.ExitCode != 124 {
		t.Errorf("a command that exits with 124 in time: %+v", o.Result)
	}
}

// hearts starts processes that are hard to find: in a session of their own,
// deaf to signals, orphaned. Each beats into a file for as long as it lives.
const hearts = `
beat='trap "" TERM INT HUP; while :; do printf . >> "$0"; sleep 0.02; done'
$(command -v setsid) sh -c "$beat" beat1 &
(sh -c "$beat" beat2 &)
(sh -c "$(command -v setsid) sh -c '$beat' beat3 >/dev/null 2>&1 </dev/null &")
while [ ! -s beat1 ] || [ ! -s beat2 ] || [ ! -s beat3 ]; do sleep 0.01; done
echo ready
`

// wantStill fails unless the hearts have beaten and beat no more.
func (t *env) wantStill() {
	t.Helper()
	sizes := func() (s [3]int64) {
		for i := range s {
			s[i] = t.stat(fmt.Sprint("beat", i+1)).Size
		}
		return s
	}
	before := sizes()
	t.sh("sleep 0.3")
	if after := sizes(); after != before {
		t.Errorf("processes of the command live on: files of %v bytes grow to %v", before, after)
	}
}

func execTimeTree(t *env) {
	cmd := hutch.Shell(hearts + "while :; do sleep 1; done")
	cmd.Limits.Time = 2 * time.Second
	o := t.run(cmd)
	if !o.TimedOut || o.ExitCode != hutch.TimeoutExitCode || o.out != "ready\n" {
		t.Errorf("a tree that takes too long: %+v", o)
	}
	t.wantStill()
}

func execCancelTree(t *env) {
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	w := watchFor("ready")
	go func() {
		select {
		case <-w.seen:
		case <-t.ctx.Done():
		}
		cancel()
	}()
	cmd := hutch.Shell("echo before; " + hearts + "while :; do sleep 1; done")
	cmd.Stdout = w
	if o, err := t.exec(ctx, cmd); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled command: %+v, %v; want context.Canceled", o, err)
	}
	if w.String() != "before\nready\n" {
		t.Errorf("the output of a canceled command is %q", w.String())
	}
	t.wantStill()
}

func execDeadline(t *env) {
	ctx, cancel := context.WithTimeout(t.ctx, 300*time.Millisecond)
	defer cancel()
	o, err := t.exec(ctx, hutch.Shell("trap '' TERM; while :; do sleep 1; done"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a command past the deadline of its context: %+v, %v", o, err)
	}
}

func execBackground(t *env) {
	o := t.run(hutch.Shell(hearts + "exit 5"))
	if o.ExitCode != 5 || o.out != "ready\n" || o.TimedOut {
		t.Errorf("a command that leaves others in the background: %+v", o)
	}
	t.wantStill()
	o = t.run(hutch.Shell("sleep 600 & echo done"))
	if o.ExitCode != 0 || o.out != "done\n" {
		t.Errorf("a command whose child keeps its streams open: %+v", o)
	}
}
