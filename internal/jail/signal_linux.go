//go:build amd64 || arm64

package jail

import (
	"slices"

	"github.com/hutch-dev/hutch/internal/relay"
	"golang.org/x/sys/unix"
)

// sendable are the signals that can be sent to commands.
var sendable = []string{"SIGCONT", "SIGHUP", "SIGINT", "SIGQUIT", "SIGSTOP", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"}

// Signals are the names that Command.Signals can hold.
func Signals() []string { return slices.Clone(sendable) }

// forward sends on the signals for a command until stop returns.
func forward(p post, id int64, signals <-chan string) (stop func()) {
	return relay.Signals(signals, sendable, func(name string, _ <-chan struct{}) bool {
		p.signal(id, unix.SignalNum(name))
		return true
	})
}

func encodeSignal(id int64, sig unix.Signal) []byte {
	e := &encoder{}
	e.int(id)
	e.int(int64(sig))
	return e.b
}

func decodeSignal(b []byte) (id int64, sig unix.Signal, err error) {
	d := &decoder{b: b}
	id, n := d.int(), d.int()
	if n < 1 || n > 64 {
		return 0, 0, errFrame
	}
	return id, unix.Signal(n), d.end()
}

// signal implements post.
func (l *link) signal(id int64, sig unix.Signal) { _ = l.send(kindSignal, encodeSignal(id, sig)) }

// signal sends a signal to the group of a command whose first process lives. That one begins a session, so the group has its
// number; and while mu is held nobody reaps it, so the number is not another's yet.
func (st *starter) signal(id int64, sig unix.Signal) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if r := st.byID[id]; r != nil && r.leader && !st.closed {
		_ = unix.Kill(-r.pid, sig)
	}
}
