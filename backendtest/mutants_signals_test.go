//go:build unix

package backendtest

import (
	"context"
	"slices"
	"sync"
	"syscall"

	"github.com/hutch-dev/hutch"
)

var dirSignals = map[string]syscall.Signal{
	"SIGCONT": syscall.SIGCONT, "SIGHUP": syscall.SIGHUP, "SIGINT": syscall.SIGINT, "SIGQUIT": syscall.SIGQUIT, "SIGSTOP": syscall.SIGSTOP,
	"SIGTERM": syscall.SIGTERM, "SIGUSR1": syscall.SIGUSR1, "SIGUSR2": syscall.SIGUSR2, "SIGWINCH": syscall.SIGWINCH,
}

// Signals implements [hutch.Signaler].
func (s *dirSandbox) Signals() (names []string) {
	if s.wrong["sends no signals"] {
		return nil
	}
	if s.wrong["offers SIGKILL"] {
		names = append(names, "SIGKILL")
	}
	for name := range dirSignals {
		names = append(names, name)
	}
	return names
}

// forward sends signals to the group of a process until stop returns.
func (s *dirSandbox) forward(from <-chan string, pid int) (stop func()) {
	if from == nil {
		return func() {}
	}
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-over:
				return
			case name, more := <-from:
				if !more && s.wrong["ends a command with its signals"] {
					syscall.Kill(-pid, syscall.SIGTERM)
				}
				if !more {
					return
				}
				s.signal(name, pid)
			}
		}
	})
	if s.wrong["goes on to receive"] {
		return func() {}
	}
	return func() { close(over); all.Wait() }
}

func (s *dirSandbox) signal(name string, pid int) {
	sig, ok := dirSignals[name]
	switch {
	case !ok && s.wrong["takes what it does not know for SIGTERM"]:
		sig = syscall.SIGTERM
	case !ok && s.wrong["can be asked to kill"] && name == "SIGKILL":
		sig = syscall.SIGKILL
	case !ok, s.wrong["forgets SIGUSR2"] && sig == syscall.SIGUSR2, s.wrong["stops nothing"] && sig == syscall.SIGSTOP:
		return
	case s.wrong["kills at SIGINT"] && sig == syscall.SIGINT:
		sig = syscall.SIGKILL
	}
	if s.wrong["sends signals to the first process only"] {
		syscall.Kill(pid, sig)
		return
	}
	if s.wrong["sends signals to all commands"] {
		s.groups.Range(func(other, _ any) bool { syscall.Kill(-other.(int), sig); return true })
		return
	}
	syscall.Kill(-pid, sig)
}

func signalMutants() []mutant {
	return []mutant{
		wrongly("offers SIGKILL", "Signals/Names"),
		wrongly("sends no signals", "Signals/Refused"),
		wrongly("forgets SIGUSR2", "Signals/Each"),
		wrongly("sends signals to the first process only", "Signals/Group"),
		running("takes signals before it can send them", "Signals/Early", func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			<-cmd.Signals
			return s.Exec(ctx, cmd)
		}),
		wrongly("kills at SIGINT", "Signals/Decides"),
		running("lets a signal decide", "Signals/Decides", func(s *dirSandbox, ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
			res, err := s.Exec(ctx, cmd)
			if slices.Contains([]int{130, 143}, res.ExitCode) {
				res.Signal = "SIGINT"
			}
			return res, err
		}),
		wrongly("stops nothing", "Signals/Stop"),
		wrongly("takes what it does not know for SIGTERM", "Signals/Unknown"),
		wrongly("can be asked to kill", "Signals/Unknown"),
		wrongly("ends a command with its signals", "Signals/Closed"),
		wrongly("goes on to receive", "Signals/After"),
		wrongly("sends signals to all commands", "Signals/Own"),
	}
}
