package main

import (
	"github.com/hutch-dev/hutch/session"
)

// sessionCaps is the flag --session-limit: what may be done in each session.
type sessionCaps struct {
	file, write, output, memory size
	commands, processes         count
	time                        duration
}

func (c *sessionCaps) named() []capNamed {
	return []capNamed{
		{"file", &c.file}, {"write", &c.write}, {"output", &c.output}, {"commands", &c.commands},
		{"time", &c.time}, {"memory", &c.memory}, {"processes", &c.processes},
	}
}

func (c *sessionCaps) Type() string   { return "KEY=N" }
func (c *sessionCaps) String() string { return "" }

// Set takes KEY=N,KEY=N.
func (c *sessionCaps) Set(text string) error { return setCaps(text, c.named()) }

// limits are c for sessions; none is no bound.
func (c *sessionCaps) limits() session.Limits {
	return session.Limits{
		FileBytes: max(c.file.n, 0), WriteBytes: max(c.write.n, 0), OutputBytes: max(c.output.n, 0),
		Commands: max(c.commands.n, 0), CommandTime: max(c.time.t, 0),
		Memory: max(c.memory.n, 0), Processes: max(c.processes.n, 0),
	}
}
