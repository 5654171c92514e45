//go:build !linux || !(amd64 || arm64)

package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// startHere knows no confinement on this system. Commands are ended with their process group where there is such a thing, and
// otherwise by themselves alone: what leaves the group, or is started by a command on Windows, outlives it.
func startHere(_ context.Context, c *Config) (*Jail, error) {
	if c.Least != Unconfined {
		return nil, &LevelError{c.Least, []Layer{{
			Name: "confinement", Detail: "commands cannot be confined", Missing: "no confinement is known for " + runtime.GOOS + "/" + runtime.GOARCH,
			Remedy: "use Linux on amd64 or arm64, or ask for level unconfined",
		}}}
	}
	st, err := os.Stat(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("jail: workspace: %w", bare(err))
	}
	if c.Root != nil {
		if other, err := c.Root.Stat(); err != nil || !os.SameFile(st, other) {
			return nil, errors.New("jail: workspace: it is another folder by now")
		}
	}
	p := &plain{dir: c.Dir, cancels: map[*exec.Cmd]context.CancelFunc{}}
	layers := []Layer{{Name: "confinement", Detail: "commands can do whatever this program can", Missing: "it was not asked for"}}
	return &Jail{level: Unconfined, root: c.Dir, layers: layers, env: mergeEnv(inheritedEnv(), c.Env), engine: p}, nil
}

// Release does nothing where there are no placeholders.
func Release(string, string) {}

// containHere knows no container on this system.
func containHere(*Config) (*Jail, error) {
	return nil, fmt.Errorf("jail: no container is known for %s/%s: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

// plain runs commands as children of this program.
type plain struct {
	dir     string
	mu      sync.Mutex
	closed  bool
	cancels map[*exec.Cmd]context.CancelFunc
	wg      sync.WaitGroup
}

// drainTime is how long a pipe may stay open after the command has ended.
const drainTime = 2 * time.Second

func (p *plain) run(ctx context.Context, c *Command, env []string) (Status, error) {
	began := time.Now()
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Timeout > 0 {
		own, cancel = context.WithTimeout(own, c.Timeout)
		defer cancel()
	}
	cmd := exec.CommandContext(own, c.Args[0], c.Args[1:]...)
	cmd.Dir = filepath.Join(p.dir, filepath.FromSlash(c.Dir))
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = drainTime
	ownGroup(cmd)
	if err := p.add(cmd, cancel); err != nil {
		return Status{}, err
	}
	defer p.remove(cmd)
	if st, err := os.Stat(cmd.Dir); err != nil {
		return Status{}, &fs.PathError{Op: "chdir", Path: c.Dir, Err: bare(err)}
	} else if !st.IsDir() {
		return Status{}, &fs.PathError{Op: "chdir", Path: c.Dir, Err: errors.New("not a directory")}
	}
	if err := cmd.Start(); err != nil {
		return Status{}, startError(c, err)
	}
	err := cmd.Wait()
	killGroup(cmd)
	st, err := p.status(ctx, own, cmd, err)
	st.Duration = time.Since(began)
	return st, err
}

func startError(c *Command, err error) error {
	var ee *exec.Error
	if errors.As(err, &ee) {
		err = ee.Err
	}
	if errors.Is(err, exec.ErrNotFound) {
		err = fs.ErrNotExist
	}
	return &fs.PathError{Op: "exec", Path: c.Args[0], Err: bare(err)}
}

func (p *plain) status(ctx, own context.Context, cmd *exec.Cmd, err error) (Status, error) {
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	switch {
	case ctx.Err() != nil && err != nil:
		return Status{}, ctx.Err()
	case errors.Is(own.Err(), context.DeadlineExceeded) && err != nil:
		return Status{ExitCode: 124, TimedOut: true}, nil
	case closed && err != nil:
		return Status{}, ErrClosed
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return Status{}, bare(err)
	}
	if name, n := endedBy(cmd.ProcessState); n > 0 {
		return Status{ExitCode: 128 + n, Signal: name}, nil
	}
	return Status{ExitCode: cmd.ProcessState.ExitCode()}, nil
}

func (p *plain) add(cmd *exec.Cmd, cancel context.CancelFunc) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.cancels[cmd] = cancel
	p.wg.Add(1)
	return nil
}

func (p *plain) remove(cmd *exec.Cmd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.cancels, cmd)
	p.wg.Done()
}

// keepFrom implements engine; nobody gets here at this level.
func (p *plain) keepFrom(context.Context, *Confinement, []string) error { return errors.ErrUnsupported }

func (p *plain) protected() []string { return nil }

func (p *plain) close() error {
	p.mu.Lock()
	p.closed = true
	for _, cancel := range p.cancels {
		cancel()
	}
	p.mu.Unlock()
	p.wg.Wait()
	return nil
}
