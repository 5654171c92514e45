package eino

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/cloudwego/eino/schema"
	"github.com/hutch-dev/hutch"
)

// DefaultTimeout is after what time a Shell ends a command where ShellOptions
// name none.
const DefaultTimeout = 2 * time.Minute

// ShellOptions qualifies NewShell. The zero value is good.
type ShellOptions struct {
	// Limits of each command, within those of the sandbox. A Time of 0 is
	// DefaultTimeout: a model that starts what never ends is told so.
	Limits hutch.Limits
	// MaxOutput is how many bytes of output are kept, 0 is
	// [hutch.DefaultCapture]; of more it is the beginning and the end.
	MaxOutput int
	// Dir is the directory that commands start in, as a path; "" is the root.
	Dir string
}

// Shell runs commands in a workspace, as Eino's filesystem.Shell and as its
// filesystem.StreamingShell. It is safe for concurrent use.
//
// Output and errors of a command are one text, in the order of printing. When a
// call ends nothing that the command has started is left; commands in the
// background are refused with an error that matches errors.ErrUnsupported.
type Shell struct {
	b    hutch.Backend
	exec hutch.Execer
	o    ShellOptions
}

var (
	_ filesystem.Shell          = (*Shell)(nil)
	_ filesystem.StreamingShell = (*Shell)(nil)
)

// NewShell gives the commands of b to Eino; o may be nil. A backend that runs no
// commands is an error that matches errors.ErrUnsupported.
func NewShell(b hutch.Backend, o *ShellOptions) (*Shell, error) {
	x, ok := hutch.As[hutch.Execer](b)
	if !ok {
		return nil, fmt.Errorf("the backend runs no commands: %w", errors.ErrUnsupported)
	}
	s := &Shell{b: b, exec: x}
	if o != nil {
		s.o = *o
	}
	s.o.Limits.Time = cmp.Or(s.o.Limits.Time, DefaultTimeout)
	if s.o.MaxOutput <= 0 {
		s.o.MaxOutput = hutch.DefaultCapture
	}
	return s, nil
}

// Execute runs a command line with sh and waits for it. That it has failed, also
// that it took too long, is in the response, not in the error.
func (s *Shell) Execute(ctx context.Context, in *filesystem.ExecuteRequest) (*filesystem.ExecuteResponse, error) {
	cmd, err := s.command(in)
	if err != nil {
		return nil, err
	}
	out := &hutch.Capture{Max: s.o.MaxOutput}
	cmd.Stdout, cmd.Stderr = out, out
	res, err := s.exec.Exec(ctx, cmd)
	if err != nil {
		return nil, s.failed(err)
	}
	return &filesystem.ExecuteResponse{
		Output: out.String() + s.note(res), ExitCode: &res.ExitCode, Truncated: out.Dropped() > 0,
	}, nil
}

// ExecuteStreaming is Execute, with the output as it is printed: the first half
// of what is kept, the rest at the end. The last response has the exit code. Who
// closes the stream before that ends the command.
func (s *Shell) ExecuteStreaming(ctx context.Context, in *filesystem.ExecuteRequest) (*schema.StreamReader[*filesystem.ExecuteResponse], error) {
	cmd, err := s.command(in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	reader, writer := schema.Pipe[*filesystem.ExecuteResponse](16)
	out := &stream{to: writer, stop: cancel, live: s.o.MaxOutput / 2, rest: hutch.Capture{Max: s.o.MaxOutput - s.o.MaxOutput/2}}
	cmd.Stdout, cmd.Stderr = out, out
	go func() {
		defer cancel()
		defer writer.Close()
		res, err := s.exec.Exec(ctx, cmd)
		if err != nil {
			out.end("")
			writer.Send(nil, s.failed(err))
			return
		}
		out.end(s.note(res))
		writer.Send(&filesystem.ExecuteResponse{ExitCode: &res.ExitCode, Truncated: out.rest.Dropped() > 0}, nil)
	}()
	return reader, nil
}

func (s *Shell) command(in *filesystem.ExecuteRequest) (*hutch.Cmd, error) {
	if in.RunInBackendGround {
		return nil, s.failed(fmt.Errorf("commands in the background: %w", errors.ErrUnsupported))
	}
	if strings.IndexByte(in.Command, 0) >= 0 {
		return nil, s.failed(fmt.Errorf("%w: a NUL byte in the command", fs.ErrInvalid))
	}
	dir, err := hutch.Resolve(s.b, ".", s.o.Dir)
	if err != nil {
		return nil, s.failed(err)
	}
	cmd := hutch.Shell(in.Command)
	cmd.Dir, cmd.Limits = dir, s.o.Limits
	return cmd, nil
}

// note says what an exit code does not.
func (s *Shell) note(r hutch.Result) string {
	switch {
	case r.TimedOut:
		return fmt.Sprintf("\n[timed out after %s and was killed with all it had started]", r.Duration.Round(100*time.Millisecond))
	case r.Signal != "":
		return "\n[ended by " + r.Signal + "]"
	}
	return ""
}

func (s *Shell) failed(err error) error { return &failure{err} }

// stream hands on what a command prints.
type stream struct {
	to   *schema.StreamWriter[*filesystem.ExecuteResponse]
	stop func()
	live int    // bytes that are still sent at once
	part []byte // the beginning of a character
	rest hutch.Capture
}

// Write implements io.Writer. Exec calls it from one goroutine at a time.
func (s *stream) Write(p []byte) (int, error) {
	now := p[:min(len(p), s.live)]
	s.live -= len(now)
	_, _ = s.rest.Write(p[len(now):])
	text := append(s.part, now...)
	n := complete(text)
	s.part = append([]byte(nil), text[n:]...)
	s.send(string(text[:n]))
	return len(p), nil
}

// end sends what was held back.
func (s *stream) end(note string) {
	s.send(string(s.part) + string(s.rest.Bytes()) + note)
}

func (s *stream) send(text string) {
	if text == "" {
		return
	}
	if s.to.Send(&filesystem.ExecuteResponse{Output: strings.ToValidUTF8(text, "\ufffd")}, nil) {
		s.stop() // nobody reads any more
	}
}
