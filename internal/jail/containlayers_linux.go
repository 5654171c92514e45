//go:build amd64 || arm64

package jail

import (
	"fmt"
	"os"
)

// layers says what keeps the promises of Run in a container.
func (e *contained) layers() []Layer {
	return []Layer{
		e.containerLayer(),
		e.privilegesLayer(),
		{Name: "system calls", OK: true, Detail: "a filter keeps commands from their tags and from this process"},
		e.signalsLayer(),
		e.memoryLayer(),
		e.limitsLayer(),
		processesLayer(e.setup, Unconfined, false, false),
	}
}

func (e *contained) containerLayer() Layer {
	l := Layer{Name: "container", OK: os.Getpid() == 1, Detail: "commands can do what the container around this process allows"}
	if !l.OK {
		l.Missing = "this process is not the first one of a container"
		l.Remedy = "start it as the entry point, without an init in front of it"
	}
	return l
}

func (e *contained) privilegesLayer() Layer {
	l := Layer{Name: "privileges", OK: !e.admin, Detail: "no new privileges; otherwise those of the container, without CAP_SYS_PTRACE and CAP_PERFMON"}
	if e.admin {
		l.Detail = "commands can read this process, and hide from it by what they mount"
		l.Missing, l.Remedy = "a container without CAP_SYS_ADMIN", "leave it out (docker run --cap-drop SYS_ADMIN, not --privileged)"
	}
	return l
}

func (e *contained) signalsLayer() Layer {
	l := Layer{Name: "signals", OK: true, Detail: "commands reach no thread of this process"}
	if e.scoped {
		return l
	}
	l.OK, l.Missing, l.Remedy = false, fmt.Sprintf("Landlock ABI %d", scopingLandlock), "Linux 6.12 or later"
	l.Detail = "commands can send signals to threads that this process starts later; it catches them"
	if os.Getpid() != 1 {
		l.Detail = "commands can send signals to threads that this process starts later, and kill it that way"
	}
	return l
}

func (e *contained) memoryLayer() Layer {
	l := Layer{Name: "memory", OK: e.oom != nil, Detail: "commands go before this process when memory runs out"}
	if e.oom == nil {
		l.Detail, l.Missing = "this process may go first when memory runs out", "the right to write /proc/self/oom_score_adj"
	}
	return l
}

func (e *contained) limitsLayer() Layer {
	if e.setup.limits == (limitSet{}) {
		return Layer{Name: "limits", OK: true, Detail: "those of the container; none was asked for"}
	}
	return limitsLayer()
}
