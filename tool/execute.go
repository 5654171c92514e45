package tool

import (
	"context"
	"fmt"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

type executeIn struct {
	Command string `json:"command" jsonschema:"The command line, for sh."`
	Timeout int    `json:"timeout,omitempty" default:"120" min:"1" max:"3600" jsonschema:"After how many seconds the command is killed."`
	Cwd     string `json:"cwd,omitempty" jsonschema:"The directory to run in. The default is the root of the workspace."`
}

type executeOut struct {
	ExitCode   int    `json:"exit_code" jsonschema:"As a shell reports it: 128+n after signal n, 124 after a timeout."`
	Signal     string `json:"signal,omitempty" jsonschema:"The signal that ended it."`
	TimedOut   bool   `json:"timed_out"`
	DurationMS int64  `json:"duration_ms"`
	Bytes      int64  `json:"bytes" jsonschema:"How much it printed."`
	Truncated  bool   `json:"truncated" jsonschema:"Not all of it is shown."`
	File       string `json:"file,omitempty" jsonschema:"Where all of the output is, if not all is shown."`
}

func (x *commands) executeTool() Tool {
	return newTool(x.console, spec{name: "execute", title: "Run command", op: guard.Execute, destructive: true, openWorld: true}, x.execute)
}

func (x *commands) execute(ctx context.Context, call Call, in executeIn) (answer[executeOut], error) {
	cmd, err := x.command(ctx, in.Command, in.Cwd)
	if err != nil {
		return answer[executeOut]{}, err
	}
	out := x.sinkFor(ctx, call)
	cmd.Stdout, cmd.Stderr = out, out // one writer: in the order of printing
	cmd.Limits.Time = time.Duration(in.Timeout) * time.Second
	res, err := x.exec.Exec(ctx, cmd)
	out.end(err)
	if err != nil {
		return answer[executeOut]{}, noProgram(err)
	}
	text, kept, truncated := out.text(x.console)
	data := &executeOut{
		ExitCode: res.ExitCode, Signal: res.Signal, TimedOut: res.TimedOut, DurationMS: res.Duration.Milliseconds(),
		Bytes: out.shown.Len(), Truncated: truncated,
	}
	if len(kept) > 0 {
		data.File = kept[0].Path
	}
	failed := res.ExitCode != 0 || res.TimedOut
	return answer[executeOut]{text: headline(res, cmd.Limits.Time) + orNothing(text), data: data, kept: kept, failed: failed}, nil
}

// headline is what stands before the output of a command that failed.
func headline(r hutch.Result, most time.Duration) string {
	switch {
	case r.TimedOut:
		if took := r.Duration.Round(100 * time.Millisecond); took > 0 {
			most = min(most, took) // the sandbox may allow less
		}
		return fmt.Sprintf("Command timed out after %s and was killed with all it had started (exit %s). It printed until then:\n", most, ended(r))
	case r.ExitCode != 0:
		return fmt.Sprintf("Command failed (exit %s):\n", ended(r))
	}
	return ""
}

func orNothing(text string) string {
	if text == "" {
		return "(no output)"
	}
	return text
}
