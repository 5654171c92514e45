package local

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
)

// cell holds the jail of a sandbox from its first command on.
type cell struct {
	mu       sync.Mutex
	jail     *jail.Jail
	closed   bool
	confined []hutch.Confinement // what every jail is told before its first command

	confining sync.Mutex // held by Confine
}

func (c *cell) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.drop()
}

// drop ends the jail, if there is one. mu is held.
func (c *cell) drop() error {
	j := c.jail
	c.jail = nil
	if j == nil {
		return nil
	}
	return j.Close()
}

// gone forgets a jail whose helper died, so that the next command gets a new one.
func (c *cell) gone(j *jail.Jail) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jail == j {
		c.jail = nil
		j.Close()
	}
}

// enter returns the jail and starts it if need be.
func (s *Sandbox) enter(ctx context.Context) (*jail.Jail, error) {
	s.cell.mu.Lock()
	defer s.cell.mu.Unlock()
	if s.cell.closed {
		return nil, hutch.ErrClosed
	}
	if s.cell.jail != nil {
		return s.cell.jail, nil
	}
	j, err := jail.Start(ctx, s.jailConfig())
	if err != nil {
		return nil, err
	}
	for _, c := range s.cell.confined {
		if err := s.confine(ctx, j, c); err != nil {
			j.Close()
			return nil, err
		}
	}
	s.cell.jail = j
	return j, nil
}

func (s *Sandbox) jailConfig() *jail.Config {
	c := &jail.Config{
		Dir:     s.dir,
		Least:   jail.Level(s.opts.Isolation),
		Ceiling: s.ceiling,
		Visible: s.opts.Visible,
		Network: s.opts.Network,
		Limits:  jailLimits(s.opts.Limits),
		Protect: slices.Clone(s.guard.names),
		Env:     s.opts.Env,
	}
	// Where the directory cannot be made nothing is staged, so nothing is hidden.
	if _, err := s.locks.ready(); err == nil {
		c.Hide = []string{staging}
	}
	if s.opts.HostPath {
		c.Mount = s.dir
	}
	return c
}

func jailLimits(l hutch.Limits) jail.Limits {
	return jail.Limits{Memory: l.Memory, CPU: l.CPU, Processes: l.Processes, FileSize: l.FileSize, OpenFiles: l.OpenFiles}
}

// Root implements [hutch.Rooted]: /workspace, or the path on the host with
// [Options.HostPath] and at the levels that cannot move it. Where Restricted is
// accepted it depends on the machine, and Root starts the jail to see.
func (s *Sandbox) Root() string {
	switch {
	case s.opts.HostPath || s.opts.Isolation == Unconfined:
		return s.dir
	case s.opts.Isolation == Restricted:
		if j, err := s.enter(context.Background()); err == nil {
			return j.Root()
		}
	}
	return jail.DefaultMount
}

// Isolation is the level that commands get. It starts the jail and fails as
// Exec would.
func (s *Sandbox) Isolation(ctx context.Context) (Isolation, error) {
	j, err := s.enter(ctx)
	if err != nil {
		return 0, fail("exec", ".", err)
	}
	return Isolation(j.Level()), nil
}

// Layers says what the jail of this sandbox is made of. It starts the jail and
// fails as Exec would.
func (s *Sandbox) Layers(ctx context.Context) ([]Layer, error) {
	j, err := s.enter(ctx)
	if err != nil {
		return nil, fail("exec", ".", err)
	}
	return layersOf(j.Layers()), nil
}

// Exec implements [hutch.Execer]. The first command starts the jail.
func (s *Sandbox) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if err := checkCmd(cmd); err != nil {
		return hutch.Result{}, err
	}
	if err := ctx.Err(); err != nil {
		return hutch.Result{}, fail("exec", cmd.Args[0], err)
	}
	if cmd.Dir != "" {
		if err := s.isDir(ctx, cmd.Dir); err != nil {
			return hutch.Result{}, err
		}
	}
	j, err := s.enter(ctx)
	if err != nil {
		return hutch.Result{}, fail("exec", cmd.Args[0], err)
	}
	status, err := j.Run(ctx, &jail.Command{
		Args: cmd.Args, Dir: cmd.Dir, Env: cmd.Env,
		Stdin: cmd.Stdin, Stdout: cmd.Stdout, Stderr: cmd.Stderr, Signals: cmd.Signals,
		Limits: jailLimits(cmd.Limits), Timeout: s.timeout(cmd.Limits.Time),
	})
	res := hutch.Result{ExitCode: status.ExitCode, Signal: status.Signal, TimedOut: status.TimedOut, Duration: status.Duration}
	if errors.Is(err, jail.ErrGone) {
		s.cell.gone(j)
	}
	if errors.Is(err, jail.ErrClosed) {
		err = hutch.ErrClosed
	}
	if err != nil {
		return res, fail("exec", cmd.Args[0], err)
	}
	return res, nil
}

// Signals implements [hutch.Signaler].
func (s *Sandbox) Signals() []string { return jail.Signals() }

func checkCmd(cmd *hutch.Cmd) error {
	if cmd == nil || len(cmd.Args) == 0 || cmd.Args[0] == "" {
		return fail("exec", "", &mappedText{"no program", fs.ErrInvalid})
	}
	for _, a := range cmd.Args {
		if strings.IndexByte(a, 0) >= 0 {
			return fail("exec", cmd.Args[0], &mappedText{"argument with a NUL byte", fs.ErrInvalid})
		}
	}
	for _, e := range cmd.Env {
		if strings.IndexByte(e, '=') < 1 || strings.IndexByte(e, 0) >= 0 {
			return fail("exec", cmd.Args[0], &mappedText{"environment entry is not KEY=value", fs.ErrInvalid})
		}
	}
	if cmd.Signals != nil && len(jail.Signals()) == 0 {
		return fail("exec", cmd.Args[0], &mappedText{"no signals can be sent", errors.ErrUnsupported})
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

// timeout is the shorter of what the command asks for and what is allowed.
func (s *Sandbox) timeout(asked time.Duration) time.Duration {
	most := max(0, s.opts.Limits.Time)
	if asked > 0 && (most == 0 || asked < most) {
		return asked
	}
	return most
}
