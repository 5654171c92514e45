package docker

import "github.com/hutch-dev/hutch"

// signals is the power of the helper to send them, whichever connection it is on.
type signals struct{ s *Sandbox }

// Signals implements [hutch.Signaler].
func (v signals) Signals() []string {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if far, ok := hutch.As[hutch.Signaler](v.s.client); ok {
		return far.Signals()
	}
	return nil
}
