package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// execRoutes run commands while the client waits.
func execRoutes() []Route {
	return []Route{{
		Method: "POST", Path: "/exec", Name: "exec", Large: true, Streams: true, Replays: true,
		Doc: "Runs a command and waits for it. Whatever its status, the answer is 200; where the status is not known it is a problem. When the client goes, the command is killed with all its processes. " +
			"As a stream of events: stdout and stderr as they come, each a piece, then result or error. With detach it is a job instead, with the status 201, see startJob.",
		In: execIn{}, Out: execOut{}, Serve: serveExec,
	}}
}

// commandIn is a command to run.
type commandIn struct {
	Args           []string          `json:"args,omitempty" jsonschema:"The program and its arguments; no shell is involved."`
	Script         string            `json:"script,omitempty" jsonschema:"Instead of args: a script for sh."`
	Dir            string            `json:"dir,omitempty" jsonschema:"Where to run; the root of the workspace if it is not there."`
	Env            map[string]string `json:"env,omitempty" jsonschema:"Added to the environment of the workspace."`
	Stdin          string            `json:"stdin,omitempty" jsonschema:"All that the command reads."`
	TimeoutSeconds float64           `json:"timeout_seconds,omitempty" jsonschema:"After how long the command is killed; never if it is not there."`
}

type execIn struct {
	commandIn
	MaxOutput int  `json:"max_output,omitempty" jsonschema:"How many bytes of each stream are given: head and tail. 100000 if it is not there, at most 1048576; in a stream of events everything if it is not there."`
	Detach    bool `json:"detach,omitempty" jsonschema:"Start a job."`
}

// resultOut is how a command ended.
type resultOut struct {
	ExitCode      int     `json:"exit_code" jsonschema:"As a shell reports it: 128+n after signal n, 124 after a timeout."`
	Signal        string  `json:"signal,omitempty" jsonschema:"That ended the command, such as SIGSEGV."`
	TimedOut      bool    `json:"timed_out"`
	DurationMS    float64 `json:"duration_ms"`
	StdoutBytes   int64   `json:"stdout_bytes" jsonschema:"How many were printed in all."`
	StderrBytes   int64   `json:"stderr_bytes"`
	StdoutDropped int64   `json:"stdout_dropped,omitempty" jsonschema:"How many of them are not given. A line in the text says where they were."`
	StderrDropped int64   `json:"stderr_dropped,omitempty"`
	Truncated     bool    `json:"truncated" jsonschema:"Something was dropped."`
}

type execOut struct {
	resultOut
	Stdout    string `json:"stdout" jsonschema:"Bytes that are no UTF-8 are replaced."`
	Stderr    string `json:"stderr"`
	StdoutB64 []byte `json:"stdout_b64,omitempty" jsonschema:"The bytes of stdout, where they are no UTF-8."`
	StderrB64 []byte `json:"stderr_b64,omitempty" jsonschema:"The bytes of stderr, where they are no UTF-8."`
}

// Bounds of commands.
const (
	maxArg     = 120_000 // bytes of one argument; systems take little more
	maxOutput  = 1 << 20
	maxTimeout = 7 * 24 * time.Hour
)

// command is what a client wants to run, without its streams.
func (c *Call) command(in *commandIn) (*hutch.Cmd, error) {
	cmd := &hutch.Cmd{Args: in.Args}
	if (in.Script == "") == (len(in.Args) == 0) {
		return nil, invalid("either args or a script is needed")
	}
	if in.Script != "" {
		cmd = hutch.Shell(in.Script)
	}
	for _, a := range cmd.Args {
		if len(a) > maxArg || strings.IndexByte(a, 0) >= 0 {
			return nil, invalid("an argument has at most %d bytes, and no NUL; a longer script goes into a file", maxArg)
		}
	}
	if cmd.Args[0] == "" {
		return nil, invalid("the program has no name")
	}
	var err error
	if cmd.Env, err = environment(in.Env); err != nil {
		return nil, err
	}
	if in.Dir != "" {
		if cmd.Dir, err = c.name(in.Dir); err != nil {
			return nil, err
		}
	}
	most := maxTimeout.Seconds()
	if !(in.TimeoutSeconds >= 0 && in.TimeoutSeconds <= most) {
		return nil, invalid("timeout_seconds is more than 0, and at most %.0f", most)
	}
	if in.TimeoutSeconds > 0 {
		cmd.Limits.Time = max(time.Duration(in.TimeoutSeconds*float64(time.Second)), 1)
	}
	return cmd, nil
}

// environment is env as a command has it.
func environment(env map[string]string) (all []string, err error) {
	for k, v := range env {
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.IndexByte(v, 0) >= 0 {
			return nil, invalid("a name in env is not empty and has no = in it, and nothing there has a NUL")
		}
		all = append(all, k+"="+v)
	}
	slices.Sort(all)
	return all, nil
}

func serveExec(c *Call) (any, error) {
	in := c.In.(*execIn)
	if in.MaxOutput < 0 || in.MaxOutput > maxOutput {
		return nil, invalid("max_output is 1 to %d", maxOutput)
	}
	cmd, err := c.command(&in.commandIn)
	if err != nil {
		return nil, err
	}
	if in.Detach {
		return c.start(cmd, in.Stdin)
	}
	e, ok := hutch.As[hutch.Execer](c.Backend)
	if !ok {
		return nil, errNoCommands
	}
	if in.Stdin != "" {
		cmd.Stdin = strings.NewReader(in.Stdin)
	}
	if c.WantsEvents() {
		return nil, c.stream(e, cmd, in.MaxOutput)
	}
	stdout, stderr := &hutch.Capture{Max: in.MaxOutput}, &hutch.Capture{Max: in.MaxOutput}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	res, err := e.Exec(c.Ctx, cmd)
	if err != nil {
		return nil, execProblem(err, cmd)
	}
	out := execOut{resultOut: resultOf(res)}
	out.Stdout, out.StdoutB64 = textOf(stdout)
	out.Stderr, out.StderrB64 = textOf(stderr)
	out.StdoutBytes, out.StderrBytes = stdout.Len(), stderr.Len()
	out.StdoutDropped, out.StderrDropped = stdout.Dropped(), stderr.Dropped()
	out.Truncated = out.StdoutDropped+out.StderrDropped > 0
	return out, nil
}

func resultOf(r hutch.Result) resultOut {
	return resultOut{ExitCode: r.ExitCode, Signal: r.Signal, TimedOut: r.TimedOut, DurationMS: milliseconds(r.Duration)}
}

// textOf is what was captured, and its bytes where they are no text.
func textOf(k *hutch.Capture) (text string, b64 []byte) {
	b := k.Bytes()
	if text = strings.ToValidUTF8(string(b), "\ufffd"); text != string(b) {
		b64 = b
	}
	return text, b64
}

var errNoCommands = &problem{status: http.StatusUnprocessableEntity, code: "unsupported", detail: "the workspace runs no commands"}

// execProblem tells a missing program from a missing directory.
func execProblem(err error, cmd *hutch.Cmd) error {
	var pe *fs.PathError
	if errors.Is(err, fs.ErrNotExist) && errors.As(err, &pe) && pe.Path == cmd.Args[0] {
		return Problem(http.StatusUnprocessableEntity, "no_program", fmt.Sprintf("there is no program %q", cmd.Args[0]))
	}
	return err
}
