package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/job"
)

type runIn struct {
	Command string `json:"command" jsonschema:"The command line, for sh."`
	Cwd     string `json:"cwd,omitempty" jsonschema:"The directory to run in. The default is the root of the workspace."`
}

type runOut struct {
	ShellID string `json:"shell_id"`
}

func (x *commands) runTool() Tool {
	return newTool(x.console, spec{name: "run_in_background", title: "Run in background", op: guard.Execute, destructive: true, openWorld: true}, x.run)
}

func (x *commands) run(ctx context.Context, _ Call, in runIn) (answer[runOut], error) {
	cmd, err := x.command(ctx, in.Command, in.Cwd)
	if err != nil {
		return answer[runOut]{}, err
	}
	id, err := x.begin(ctx, cmd)
	if errors.Is(err, job.ErrTooMany) {
		return answer[runOut]{}, mistakef("As many background shells as there may be are running. End one with kill_shell, or wait for one.")
	}
	if err != nil {
		return answer[runOut]{}, err
	}
	text := fmt.Sprintf("Started background shell %s. See what it prints with read_output(shell_id=%q), end it with kill_shell(shell_id=%q).", id, id, id)
	return answer[runOut]{text: text, data: &runOut{ShellID: id}}, nil
}

// begin starts a command and, behind a guard, waits until it was let through:
// who is asked may take a while, and a refusal belongs into this answer.
func (x *commands) begin(ctx context.Context, cmd *hutch.Cmd) (id string, err error) {
	_, guarded := hutch.As[guard.Foreseer](x.b)
	passed := make(chan struct{})
	pass := sync.OnceFunc(func() { close(passed) })
	if !guarded {
		pass()
	}
	id, err = x.jobs.Start(guard.OnPass(ctx, pass), cmd)
	if err != nil {
		return "", err
	}
	_ = x.jobs.CloseInput(id) // nobody can type anything
	done, err := x.jobs.Done(id)
	if err != nil {
		return "", err
	}
	select {
	case <-passed:
		return id, nil
	case <-ctx.Done():
		_, _ = x.jobs.Kill(context.WithoutCancel(ctx), id)
		return "", ctx.Err()
	case <-done:
	}
	if s, err := x.jobs.Status(id); err == nil && s.Err != nil {
		return "", noProgram(s.Err)
	}
	return id, nil
}

type shellIn struct {
	ShellID string `json:"shell_id" jsonschema:"The id that run_in_background gave."`
}

type killOut struct {
	Killed bool `json:"killed" jsonschema:"false: it had ended before."`
}

func (x *commands) killTool() Tool {
	return newTool(x.console, spec{name: "kill_shell", title: "Kill background shell", destructive: true, idempotent: true}, x.kill)
}

func (x *commands) kill(ctx context.Context, _ Call, in shellIn) (answer[killOut], error) {
	before, err := x.jobs.Status(in.ShellID)
	if err != nil {
		return answer[killOut]{}, x.noShell(in.ShellID, err)
	}
	s, err := x.jobs.Kill(ctx, in.ShellID)
	if err != nil {
		return answer[killOut]{}, x.noShell(in.ShellID, err)
	}
	if !before.Running || !errors.Is(s.Err, job.ErrKilled) {
		return answer[killOut]{text: fmt.Sprintf("Background shell %s had ended already: %s", s.ID, x.state(s)), data: &killOut{}}, nil
	}
	return answer[killOut]{text: "Killed background shell " + s.ID, data: &killOut{Killed: true}}, nil
}

// noShell is the error of a job that is not known, for the model.
func (x *commands) noShell(id string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return mistakef("No such background shell: %s. Use list_shells to see which there are.", cut(printable(id), 80))
	}
	return err
}

type listOut struct {
	Shells []shell `json:"shells"`
}

type shell struct {
	ShellID string `json:"shell_id"`
	Command string `json:"command"`
	Running bool   `json:"running"`
	State   string `json:"state" jsonschema:"running, exited (code N), killed, or what went wrong."`
	Seconds int64  `json:"seconds" jsonschema:"How long it has been running, or ran."`
	Bytes   int64  `json:"bytes" jsonschema:"How much it printed."`
}

func (x *commands) listTool() Tool {
	return newTool(x.console, spec{name: "list_shells", title: "List background shells", readOnly: true, idempotent: true}, x.list)
}

func (x *commands) list(_ context.Context, _ Call, _ struct{}) (answer[listOut], error) {
	out := &listOut{Shells: []shell{}}
	var rows []string
	for _, s := range x.jobs.List() {
		end := s.Ended
		if s.Running {
			end = time.Now()
		}
		sh := shell{
			ShellID: s.ID, Command: s.Args[len(s.Args)-1], Running: s.Running, State: x.state(s),
			Seconds: int64(end.Sub(s.Started).Seconds()), Bytes: s.Stdout + s.Stderr,
		}
		out.Shells = append(out.Shells, sh)
		rows = append(rows, fmt.Sprintf("%s  %s  %ds  %d bytes  %s", sh.ShellID, sh.State, sh.Seconds, sh.Bytes, printable(cut(sh.Command, 200))))
	}
	if len(rows) == 0 {
		return answer[listOut]{text: "No background shells.", data: out}, nil
	}
	return answer[listOut]{text: strings.Join(rows, "\n"), data: out}, nil
}

// state is a job in a few words.
func (x *commands) state(s job.Status) string {
	switch {
	case s.Running:
		return "running"
	case errors.Is(s.Err, job.ErrKilled):
		return "killed"
	case errors.Is(s.Err, hutch.ErrClosed):
		return "ended with the workspace"
	case s.Err != nil:
		text, ok := x.sentence(noProgram(s.Err))
		if !ok {
			text = "it is not known how it ended: " + cut(s.Err.Error(), 200)
		}
		return "failed (" + strings.TrimSuffix(strings.TrimPrefix(text, "Error: "), ".") + ")"
	case s.Result.TimedOut:
		return fmt.Sprintf("timed out (%s)", ended(s.Result))
	}
	return fmt.Sprintf("exited (%s)", ended(s.Result))
}
