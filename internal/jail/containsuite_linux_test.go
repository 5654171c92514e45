//go:build amd64 || arm64

package jail_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/internal/jail"
	"github.com/hutch-dev/hutch/local"
)

// containedSandbox is a folder of a contained process: its files are those of local, its commands those of the one jail.
type containedSandbox struct {
	hutch.Backend
	jail *jail.Jail
	name string // below the workspace of the jail
}

func (s *containedSandbox) Root() string { return path.Join(s.jail.Root(), s.name) }

func (s *containedSandbox) Exec(ctx context.Context, c *hutch.Cmd) (hutch.Result, error) {
	if len(c.Args) == 0 {
		return hutch.Result{}, &fs.PathError{Op: "exec", Err: fs.ErrInvalid}
	}
	if c.Signals != nil {
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: c.Args[0], Err: errors.ErrUnsupported}
	}
	if c.Dir != "" {
		info, err := s.Stat(ctx, c.Dir)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "exec", Path: c.Dir, Err: hutch.ErrNotDir}
		}
		if err != nil {
			return hutch.Result{}, err
		}
	}
	st, err := s.jail.Run(ctx, &jail.Command{
		Args: c.Args, Dir: path.Join(s.name, c.Dir), Env: c.Env, Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr, Timeout: c.Limits.Time,
	})
	if errors.Is(err, syscall.ENOEXEC) {
		err = &fs.PathError{Op: "exec", Path: c.Args[0], Err: fs.ErrPermission}
	}
	var pe *fs.PathError
	if err != nil && !errors.As(err, &pe) {
		err = &fs.PathError{Op: "exec", Path: c.Args[0], Err: err}
	}
	return hutch.Result{ExitCode: st.ExitCode, Signal: st.Signal, TimedOut: st.TimedOut, Duration: st.Duration}, err
}

// TestContainCommands holds the commands of a contained process to the law.
func TestContainCommands(t *testing.T) {
	if os.Getenv("CONTAINED") == "" {
		t.Skip("it runs in TestContained")
	}
	dir := t.TempDir()
	j, err := jail.Contain(context.Background(), &jail.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox {
		own, err := os.MkdirTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		files, err := local.Open(own, &local.Options{Isolation: local.Unconfined})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { files.Close() })
		return &containedSandbox{files, j, filepath.Base(own)}
	})
}
