// Package relay hands on the signals that a command is sent.
package relay

import (
	"slices"
	"sync"
)

// Signals gives send, one by one, the names that come from from and are among
// known, until from is closed, send reports false, or stop is called. Once stop has
// returned nothing is received or sent any more; over, which send gets, is closed when
// stop begins. A nil from has no signals.
func Signals(from <-chan string, known []string, send func(name string, over <-chan struct{}) bool) (stop func()) {
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
				if !more || slices.Contains(known, name) && !send(name, over) {
					return
				}
			}
		}
	})
	return func() { close(over); all.Wait() }
}
