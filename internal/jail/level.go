package jail

import (
	"fmt"
	"strings"
)

// Level is how much a jail confines. A greater one includes the lesser ones.
type Level int

const (
	// Unconfined is no confinement at all: commands can do whatever the calling program can. Only their processes are kept
	// track of. It must be asked for.
	Unconfined Level = -2
	// Restricted takes privileges away and confines files, but commands live among the processes of the host: no new
	// privileges, no capabilities, Landlock, a filter of system calls, limits. It needs no namespaces and
	// therefore works in an ordinary container.
	Restricted Level = -1
	// Isolated adds a world of their own: files, processes, network, host name, and protected names in the workspace.
	Isolated Level = 0
	// Capped adds a control group that bounds the memory and the processes of the whole jail.
	Capped Level = 1
)

var levelNames = map[Level]string{Unconfined: "unconfined", Restricted: "restricted", Isolated: "isolated", Capped: "capped"}

// String gives the name that ParseLevel takes.
func (l Level) String() string {
	if s, ok := levelNames[l]; ok {
		return s
	}
	return fmt.Sprintf("level(%d)", int(l))
}

// ParseLevel is the inverse of String. "" is Isolated.
func ParseLevel(s string) (Level, error) {
	if s == "" {
		return Isolated, nil
	}
	for l, name := range levelNames {
		if name == s {
			return l, nil
		}
	}
	return 0, fmt.Errorf("jail: %q is no level: unconfined, restricted, isolated or capped", s)
}

// LevelError says that this machine does not give the level that was demanded.
type LevelError struct {
	Wanted  Level
	Missing []Layer // what is missing for it
}

func (e *LevelError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "jail: this machine does not give level %s", e.Wanted)
	for i, l := range e.Missing {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		fmt.Fprintf(&b, "%s%s: %s", sep, l.Name, l.Missing)
		if l.Remedy != "" {
			fmt.Fprintf(&b, " (%s)", l.Remedy)
		}
	}
	return b.String()
}
