package wire

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

const (
	maxSignal  = 16 // the longest name of a signal, in bytes
	maxSignals = 64 // of a far side
)

// isSignal reports whether name can be that of a signal that may be sent.
func isSignal(name string) bool {
	rest, ok := strings.CutPrefix(name, "SIG")
	return ok && rest != "" && rest != "KILL" && len(name) <= maxSignal &&
		strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-") == ""
}

// signalsOf are the signals that commands of b can be sent.
func signalsOf(b hutch.Backend) []string {
	s, ok := hutch.As[hutch.Signaler](b)
	if !ok {
		return nil
	}
	var all []string
	for _, name := range s.Signals() {
		if isSignal(name) && len(all) < maxSignals {
			all = append(all, name)
		}
	}
	return all
}

// possible reports whether a far side can have such signals.
func possible(signals []string) bool {
	return len(signals) <= maxSignals && !slices.ContainsFunc(signals, func(name string) bool { return !isSignal(name) })
}

// signals are those for a command that runs here. The client sends none before
// the command has taken the one before, so there is never more than one.
type signals struct {
	out  *outlet
	busy atomic.Bool // one is not taken yet
	next chan string // has room for one
	to   chan string // to the command
	over chan struct{}
}

func newSignals(out *outlet) *signals {
	return &signals{out: out, next: make(chan string, 1), to: make(chan string), over: make(chan struct{})}
}

// add takes a frame. It does not wait.
func (s *signals) add(p []byte) error {
	name := string(p)
	if s == nil || !isSignal(name) {
		return broken("no signal for a command")
	}
	if !s.busy.CompareAndSwap(false, true) {
		return broken("a signal that there is no room for")
	}
	s.next <- name
	return nil
}

// pass gives the command its signals until it is over.
func (s *signals) pass() {
	for {
		var name string
		select {
		case name = <-s.next:
		case <-s.over:
			return
		}
		select {
		case s.to <- name:
			s.busy.Store(false)
			// An error of the answer is one of everything, and comes out elsewhere.
			_ = s.out.put(kindTaken, nil)
		case <-s.over:
			return
		}
	}
}

// signal sends a signal to the far side, waits until it was taken or over is
// closed, and reports whether there can be more. None is sent before the last one
// was taken.
func (f *feed) signal(name string, over <-chan struct{}) bool {
	f.mu.Lock()
	if f.closed || f.stopped {
		f.mu.Unlock()
		return false
	}
	f.buf = f.snd.add(f.buf, kindSignal, []byte(name))
	f.calling = true
	f.wake.Broadcast()
	f.mu.Unlock()
	select {
	case <-f.called:
		return true
	case <-over:
		return false
	}
}

// took notes that the far side has taken a signal. false says that there was none.
func (f *feed) took() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.calling {
		return false
	}
	f.calling = false
	f.called <- struct{}{} // has room: there was no other
	return true
}
