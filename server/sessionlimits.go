package server

import (
	"context"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/limit"
	"github.com/hutch-dev/hutch/session"
)

// limitsForm is session.Limits for clients.
type limitsForm struct {
	FileBytes      int64   `json:"file_bytes,omitempty" jsonschema:"Of each file that is written, not by commands."`
	WriteBytes     int64   `json:"write_bytes,omitempty" jsonschema:"Written in all since the session woke, not by commands."`
	OutputBytes    int64   `json:"output_bytes,omitempty" jsonschema:"Printed by each command, which is ended then."`
	Commands       int     `json:"commands,omitempty" jsonschema:"Running at a time; one more is refused."`
	CommandSeconds float64 `json:"command_seconds,omitempty" jsonschema:"After how long each command is killed."`
	MemoryBytes    int64   `json:"memory_bytes,omitempty" jsonschema:"Of commands."`
	Processes      int     `json:"processes,omitempty" jsonschema:"At a time."`
}

// limits are those of a new session: what is asked for, which can only be less than
// those of the service, and these for what is not.
func (s *Service) limits(in *limitsForm) (l session.Limits, err error) {
	most := s.o.Limits.Session
	if in == nil {
		return most, nil
	}
	if !(in.CommandSeconds >= 0 && in.CommandSeconds <= maxSeconds) {
		return l, invalid("limits.command_seconds is from 0 to %d", int64(maxSeconds))
	}
	narrow := func(name string, v, most int64) int64 {
		switch {
		case v < 0:
			err = invalid("limits.%s is below 0", name)
		case most > 0 && v > most:
			err = invalid("limits.%s is more than %d", name, most)
		case v == 0:
			return most
		}
		return v
	}
	l = session.Limits{
		FileBytes:   narrow("file_bytes", in.FileBytes, most.FileBytes),
		WriteBytes:  narrow("write_bytes", in.WriteBytes, most.WriteBytes),
		OutputBytes: narrow("output_bytes", in.OutputBytes, most.OutputBytes),
		Commands:    int(narrow("commands", int64(in.Commands), int64(most.Commands))),
		CommandTime: time.Duration(narrow("command_seconds", int64(in.CommandSeconds*float64(time.Second)), int64(most.CommandTime))),
		Memory:      narrow("memory_bytes", in.MemoryBytes, most.Memory),
		Processes:   int(narrow("processes", int64(in.Processes), int64(most.Processes))),
	}
	return l, err
}

// form is l for clients; nil where nothing is limited.
func form(l session.Limits) *limitsForm {
	if l == (session.Limits{}) {
		return nil
	}
	return &limitsForm{l.FileBytes, l.WriteBytes, l.OutputBytes, l.Commands, l.CommandTime.Seconds(), l.Memory, l.Processes}
}

// limited is b within the limits of its session.
func limited(b hutch.Backend, l session.Limits) hutch.Backend {
	o := limit.Options{FileBytes: l.FileBytes, WriteBytes: l.WriteBytes, OutputBytes: l.OutputBytes, AtOnce: int64(l.Commands)}
	if o == (limit.Options{}) {
		return b
	}
	return limit.New(b, o)
}

// timed narrows the time of commands.
type timed struct {
	hutch.Execer
	most time.Duration
}

// Exec implements [hutch.Execer].
func (t timed) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	if t.most > 0 && cmd != nil && (cmd.Limits.Time <= 0 || cmd.Limits.Time > t.most) {
		c := *cmd
		c.Limits.Time = t.most
		cmd = &c
	}
	return t.Execer.Exec(ctx, cmd)
}
