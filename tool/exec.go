package tool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/keep"
	"github.com/hutch-dev/hutch/job"
)

// maxCommand is how many bytes a command may have; systems take little more for
// one argument.
const maxCommand = 120_000

// execTools are the tools that run commands; none where the backend runs none,
// or where none will ever be allowed.
func execTools(c *console) []Tool {
	e, ok := hutch.As[hutch.Execer](c.b)
	if f, guarded := hutch.As[guard.Foreseer](c.b); !ok || guarded && f.Outlook(guard.Execute) == guard.Denied {
		return nil
	}
	store := c.o.Keep
	if store == nil {
		store = c.b
	}
	store = keep.Quiet(store)
	x := &commands{console: c, exec: e, store: keep.New(store, nil), jobs: c.o.Jobs, read: map[view]int64{}}
	if x.jobs == nil {
		x.jobs, _ = job.New(c.b, &job.Options{Keep: store}) // it has an Execer, and that is all New wants
	}
	return c.allowed([]Tool{x.executeTool(), x.runTool(), x.outputTool(), x.killTool(), x.listTool()})
}

// commands is what the tools that run commands share.
type commands struct {
	*console
	exec  hutch.Execer
	store *keep.Store
	jobs  *job.Jobs

	mu   sync.Mutex
	read map[view]int64 // how far each was read
}

// view is one way to look at the output of a job.
type view struct {
	id     string
	stream job.Stream
}

// command checks what the model wants to run, and where.
func (x *commands) command(ctx context.Context, script, dir string) (*hutch.Cmd, error) {
	switch {
	case strings.TrimSpace(script) == "":
		return nil, mistakef("`command` is empty.")
	case strings.IndexByte(script, 0) >= 0:
		return nil, mistakef("`command` holds a NUL byte.")
	case len(script) > maxCommand:
		return nil, mistakef("`command` has %d bytes, at most %d can be run. Write it into a file and run that.", len(script), maxCommand)
	}
	cmd := hutch.Shell(script)
	if dir == "" {
		return cmd, nil
	}
	name, err := x.resolve(dir)
	if err != nil {
		return nil, err
	}
	info, err := x.b.Stat(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, x.missing(ctx, "Directory", name)
	case err == nil && !info.IsDir():
		return nil, mistakef("'%s' is a file, not a directory to run a command in.", x.path(name))
	case err != nil:
		return nil, err
	}
	cmd.Dir = name
	return cmd, nil
}

// sinkFor is a sink that keeps in the workspace what is too much.
func (x *commands) sinkFor(ctx context.Context, call Call) *sink {
	return newSink(call.Progress, func(r io.Reader) (hutch.Info, error) { return x.store.Write(ctx, "execute", r) })
}

// noProgram tells a sandbox without a shell from a path that does not exist.
func noProgram(err error) error {
	var pe *fs.PathError
	if errors.Is(err, fs.ErrNotExist) && errors.As(err, &pe) && pe.Path == "sh" {
		return mistakef("There is no sh in this workspace to run commands with.")
	}
	return err
}

// ended says how a command ended, "code 1" or "code 139, SIGSEGV".
func ended(r hutch.Result) string {
	if r.Signal != "" {
		return fmt.Sprintf("code %d, %s", r.ExitCode, r.Signal)
	}
	return fmt.Sprintf("code %d", r.ExitCode)
}
