package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
)

// Jail is an open jail. Its methods can be called from many goroutines.
type Jail struct {
	level  Level
	root   string
	layers []Layer
	env    []string
	engine engine
	closed atomic.Bool

	confined atomic.Int64 // patterns that Confine was given
}

// engine runs the commands of a jail.
type engine interface {
	protected() []string
	run(ctx context.Context, c *Command, env []string) (Status, error)
	keepFrom(ctx context.Context, c *Confinement, protect []string) error // protect are the names without wildcards
	close() error
}

// Start opens a jail at the highest level that this machine gives and Config.Ceiling allows. If that is less than
// Config.Least, the error is a *LevelError. ctx bounds the opening only. The caller must Close the jail.
func Start(ctx context.Context, c *Config) (*Jail, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errors.New("jail: no configuration")
	}
	own := *c
	if err := own.complete(); err != nil {
		return nil, err
	}
	return startHere(ctx, &own)
}

// Probe finds out what this machine gives by opening a jail around an empty folder.
func Probe() Report {
	dir, err := os.MkdirTemp("", "hutch-probe-")
	if err != nil {
		return Report{Level: Unconfined, Err: bare(err)}
	}
	defer os.RemoveAll(dir)
	j, err := Start(context.Background(), &Config{Dir: dir, Least: Restricted, Protect: []string{"probe"}})
	var le *LevelError
	if errors.As(err, &le) {
		return Report{Level: Unconfined, Layers: le.Missing, Err: err}
	}
	if err != nil {
		return Report{Level: Unconfined, Err: err}
	}
	defer j.Close()
	r := Report{Level: j.Level(), Layers: j.Layers()}
	if err := j.Confine(context.Background(), &Confinement{Hide: []string{"**/probe"}}); j.Level() >= Isolated && err != nil {
		last := &r.Layers[len(r.Layers)-1]
		last.OK, last.Detail, last.Missing = false, "commands that are to be kept from names are refused", bare(err).Error()
	}
	return r
}

// Level is what the jail has.
func (j *Jail) Level() Level { return j.level }

// Root is the absolute path under which commands see the workspace.
func (j *Jail) Root() string { return j.root }

// Layers tells what the confinement consists of, and what it lacks.
func (j *Jail) Layers() []Layer { return append(slices.Clone(j.layers), j.confinedLayer()) }

// Run runs a command and waits until it and everything it started is dead. Its output has been written by then.
//
// An exit code other than 0 is a Status, not an error. A program that is not there is an *fs.PathError that matches
// fs.ErrNotExist and one that cannot be executed one that matches fs.ErrPermission, both with Args[0] as the path; a folder
// that is not there is one with Command.Dir. If ctx ends first, the command is killed and the error is that of ctx. A
// failure to write to Stdout or Stderr kills the command and is returned. If the jail died, the error matches ErrGone, and if
// it was closed, ErrClosed.
func (j *Jail) Run(ctx context.Context, c *Command) (Status, error) {
	if j.closed.Load() {
		return Status{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return Status{}, err
	}
	if err := c.check(); err != nil {
		return Status{}, err
	}
	pwd := j.root
	if c.Dir != "" && c.Dir != "." {
		pwd = filepath.Join(j.root, filepath.FromSlash(c.Dir))
	}
	env := mergeEnv(j.env, []string{"PWD=" + pwd}, c.Env)
	st, err := j.engine.run(ctx, c, env)
	if err != nil && j.closed.Load() && errors.Is(err, ErrGone) {
		err = ErrClosed
	}
	return st, err
}

// Close ends all commands, which then fail with ErrClosed, and removes everything that belongs to the jail. It may be
// called more than once.
func (j *Jail) Close() error {
	j.closed.Store(true)
	return j.engine.close()
}

// complete checks the configuration and fills in defaults. Its errors hold no host paths.
func (c *Config) complete() error {
	if _, ok := levelNames[c.Least]; !ok {
		return fmt.Errorf("jail: %s is not a level", c.Least)
	}
	if c.Ceiling != nil && *c.Ceiling < c.Least {
		return fmt.Errorf("jail: ceiling %s is below the least level %s", *c.Ceiling, c.Least)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil || c.Dir == "" || filepath.Dir(dir) == dir || hasNUL(dir) {
		return errors.New("jail: the workspace must be a folder, and not the root")
	}
	c.Dir = dir
	for _, names := range [][]string{c.Protect, c.Hide} {
		for _, name := range names {
			if !fs.ValidPath(name) || name == "." || hasNUL(name) {
				return &fs.PathError{Op: "protect", Path: name, Err: fs.ErrInvalid}
			}
		}
	}
	for _, kv := range c.Env {
		if !validEnv(kv) {
			return errors.New("jail: an environment entry is not KEY=value")
		}
	}
	c.Limits = c.Limits.withDefaults()
	c.Protect, c.Hide = slices.Clone(c.Protect), slices.Clone(c.Hide)
	c.Env, c.Visible = slices.Clone(c.Env), slices.Clone(c.Visible)
	return nil
}

func (c *Command) check() error {
	if c == nil || len(c.Args) == 0 || c.Args[0] == "" {
		return &fs.PathError{Op: "exec", Path: "", Err: fs.ErrInvalid}
	}
	if c.Dir != "" && !fs.ValidPath(c.Dir) || hasNUL(c.Dir) {
		return &fs.PathError{Op: "chdir", Path: c.Dir, Err: fs.ErrInvalid}
	}
	if slices.ContainsFunc(c.Args, hasNUL) {
		return &fs.PathError{Op: "exec", Path: c.Args[0], Err: fs.ErrInvalid}
	}
	for _, kv := range c.Env {
		if !validEnv(kv) {
			return &fs.PathError{Op: "exec", Path: c.Args[0], Err: fmt.Errorf("environment: %w", fs.ErrInvalid)}
		}
	}
	return nil
}

func hasNUL(s string) bool    { return strings.IndexByte(s, 0) >= 0 }
func validEnv(kv string) bool { return strings.IndexByte(kv, '=') > 0 && !hasNUL(kv) }

// mergeEnv joins environments; of a key that comes twice the last value counts.
func mergeEnv(lists ...[]string) []string {
	var env []string
	at := map[string]int{}
	for _, l := range lists {
		for _, kv := range l {
			key, _, _ := strings.Cut(kv, "=")
			if i, ok := at[key]; ok {
				env[i] = kv
				continue
			}
			at[key] = len(env)
			env = append(env, kv)
		}
	}
	return env
}

// inheritedEnv is what an unconfined command gets of the caller's environment.
func inheritedEnv() []string {
	var env []string
	for _, key := range []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TERM", "TMPDIR", "SHELL",
		"SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", "PATHEXT", "COMSPEC"} {
		if v, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+v)
		}
	}
	return env
}

// bare takes the path out of an error: it may be one of the host.
func bare(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	var se *os.SyscallError
	if errors.As(err, &se) {
		return se.Err
	}
	return err
}
