package main

import (
	"context"
	"time"

	"github.com/hutch-dev/hutch"
)

// jsonResult is what came of a command, in JSON.
type jsonResult struct {
	ExitCode      int     `json:"exit_code"`
	Signal        string  `json:"signal"`
	TimedOut      bool    `json:"timed_out"`
	Stdout        string  `json:"stdout"`
	StdoutBase64  string  `json:"stdout_base64,omitempty"`
	StdoutDropped int64   `json:"stdout_dropped"`
	Stderr        string  `json:"stderr"`
	StderrBase64  string  `json:"stderr_base64,omitempty"`
	StderrDropped int64   `json:"stderr_dropped"`
	DurationMS    float64 `json:"duration_ms"`
	Isolation     string  `json:"isolation,omitempty"`
}

// capture runs a command and tells all about it when it is over.
func (r *runner) capture(ctx context.Context, x hutch.Execer, cmd *hutch.Cmd, level string) error {
	stdout := &hutch.Capture{Max: captureBytes}
	stderr := &hutch.Capture{Max: captureBytes}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r.stdin(), stdout, stderr
	res, err := x.Exec(ctx, cmd)
	if err != nil {
		return notRun(ctx, err)
	}
	err = r.printJSON(jsonResult{
		ExitCode: res.ExitCode, Signal: res.Signal, TimedOut: res.TimedOut,
		Stdout: stdout.String(), StdoutBase64: exactly(stdout), StdoutDropped: stdout.Dropped(),
		Stderr: stderr.String(), StderrBase64: exactly(stderr), StderrDropped: stderr.Dropped(),
		DurationMS: milliseconds(res.Duration), Isolation: level,
	})
	if err != nil {
		return failed(execFailed, err)
	}
	return status(res)
}

// exactly is the base64 of what was kept, if that is no UTF-8.
func exactly(c *hutch.Capture) string { return base64Of(string(c.Bytes())) }

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

func shortTime(d time.Duration) time.Duration {
	if d > time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}
