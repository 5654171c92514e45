package shell

import (
	"context"
	_ "embed"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

var (
	//go:embed run.sh
	runScript string
	//go:embed between.sh
	betweenScript string
)

var errNoStatus = errors.New("the status of the command is not known")

// Exec implements [hutch.Execer]. Where cmd.Stdin waits in a Read when the
// command has ended, that Read is left behind.
func (s *Sandbox) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if err := checkCmd(cmd); err != nil {
		return hutch.Result{}, err
	}
	program := cmd.Args[0]
	if err := ctx.Err(); err != nil {
		return hutch.Result{}, fail("exec", program, err)
	}
	lim, err := s.limits(&cmd.Limits)
	if err != nil {
		return hutch.Result{}, fail("exec", program, err)
	}
	if cmd.Dir != "" && cmd.Dir != "." {
		if err := s.isDir(ctx, cmd.Dir); err != nil {
			return hutch.Result{}, err
		}
	}
	if !s.enter() {
		return hutch.Result{}, fail("exec", program, hutch.ErrClosed)
	}
	defer s.runs.Done()
	r := &run{s: s, cmd: cmd, lim: lim, ended: make(chan verdict, 1), broken: make(chan struct{}, 2)}
	r.over, r.exited = make(chan struct{}), make(chan struct{})
	res, err := r.run(ctx)
	if err == errNoDir {
		return hutch.Result{}, fail("exec", cmd.Dir, err)
	}
	if err != nil {
		return hutch.Result{}, fail("exec", program, err)
	}
	return res, nil
}

// enter counts a command, unless the Sandbox is closed.
func (s *Sandbox) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false
	}
	s.runs.Add(1)
	return true
}

func checkCmd(cmd *hutch.Cmd) error {
	if cmd == nil || len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return fail("exec", "", &means{"no program", fs.ErrInvalid})
	}
	for _, a := range cmd.Args {
		if strings.IndexByte(a, 0) >= 0 {
			return fail("exec", cmd.Args[0], &means{"argument with a NUL byte", fs.ErrInvalid})
		}
	}
	if err := checkEnv(cmd.Env); err != nil {
		return fail("exec", cmd.Args[0], err)
	}
	if cmd.Signals != nil {
		return fail("exec", cmd.Args[0], &means{"no signals can be sent", errors.ErrUnsupported})
	}
	return nil
}

// isDir names the directory, not the program, in the error.
func (s *Sandbox) isDir(ctx context.Context, dir string) error {
	info, err := s.Stat(ctx, dir)
	if err == nil && !info.IsDir() {
		return fail("exec", dir, hutch.ErrNotDir)
	}
	return err
}

// limits are those of a command, within those of the sandbox.
func (s *Sandbox) limits(asked *hutch.Limits) (hutch.Limits, error) {
	most := &s.opts.Limits
	l := hutch.Limits{
		Time: least(most.Time, asked.Time), CPU: least(most.CPU, asked.CPU), Memory: least(most.Memory, asked.Memory),
		Processes: least(most.Processes, asked.Processes), FileSize: least(most.FileSize, asked.FileSize),
		OpenFiles: least(most.OpenFiles, asked.OpenFiles),
	}
	if l.Processes > 0 && s.opts.UID == 0 {
		return l, errProcesses
	}
	return l, nil
}

// least is the smaller of two limits, of which those that are not positive are
// none.
func least[T int | int64 | time.Duration](a, b T) T {
	switch {
	case a <= 0:
		return max(b, 0)
	case b <= 0:
		return a
	}
	return min(a, b)
}

// elfs are the beginnings of ELF files: 32 and 64 bits, both byte orders.
var elfs = []string{"\x7fELF\x01\x01\x01", "\x7fELF\x02\x01\x01", "\x7fELF\x01\x02\x01", "\x7fELF\x02\x02\x01"}

// args is the wrapper with what it is told.
func (r *run) args(mark string, tag int64) []string {
	env := mergeEnv(r.s.opts.Env, r.cmd.Env)
	args := []string{"sh", "-c", runScript, "sh", mark, path.Join(r.s.opts.Root, r.cmd.Dir), pathOf(env)}
	args = append(args, elfs...)
	l := &r.lim
	args = append(args, betweenScript)
	for _, n := range []int64{
		tag, int64((l.CPU + time.Second - 1) / time.Second), units(l.Memory, 1024), int64(l.Processes), units(l.FileSize, 512),
		int64(l.OpenFiles), int64(len(env)),
	} {
		args = append(args, strconv.FormatInt(n, 10))
	}
	args = append(args, env...)
	return append(args, r.cmd.Args...)
}

// units is n in units of a shell, rounded down, but never 0, which is no limit.
func units(n, unit int64) int64 {
	if n <= 0 {
		return 0
	}
	return max(1, n/unit)
}

// mergeEnv is base with the entries of more, which win.
func mergeEnv(base, more []string) []string {
	var env []string
	at := map[string]int{}
	for _, list := range [][]string{base, more} {
		for _, e := range list {
			key, _, _ := strings.Cut(e, "=")
			if i, ok := at[key]; ok {
				env[i] = e
				continue
			}
			at[key] = len(env)
			env = append(env, e)
		}
	}
	return env
}
