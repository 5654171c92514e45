package main

import (
	"encoding"
	"fmt"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch/session"
)

// sessionCaps is the flag --session-limit: what may be done in each session.
type sessionCaps struct {
	file, write, output, memory size
	commands, processes         count
	time                        duration
}

// sessionCap is one of them, by its name.
type sessionCap struct {
	name string
	to   encoding.TextUnmarshaler
}

func (c *sessionCaps) named() []sessionCap {
	return []sessionCap{
		{"file", &c.file}, {"write", &c.write}, {"output", &c.output}, {"commands", &c.commands},
		{"time", &c.time}, {"memory", &c.memory}, {"processes", &c.processes},
	}
}

func (c *sessionCaps) Type() string   { return "KEY=N" }
func (c *sessionCaps) String() string { return "" }

// Set takes KEY=N,KEY=N.
func (c *sessionCaps) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, n, ok := strings.Cut(part, "=")
		all := c.named()
		i := slices.IndexFunc(all, func(one sessionCap) bool { return one.name == name })
		if !ok || i < 0 {
			var names []string
			for _, one := range all {
				names = append(names, one.name)
			}
			return fmt.Errorf("%q is no limit; write KEY=N, with one of %s", part, strings.Join(names, ", "))
		}
		if err := all[i].to.UnmarshalText([]byte(n)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// limits are c for sessions; none is no bound.
func (c *sessionCaps) limits() session.Limits {
	return session.Limits{
		FileBytes: max(c.file.n, 0), WriteBytes: max(c.write.n, 0), OutputBytes: max(c.output.n, 0),
		Commands: max(c.commands.n, 0), CommandTime: max(c.time.t, 0),
		Memory: max(c.memory.n, 0), Processes: max(c.processes.n, 0),
	}
}
