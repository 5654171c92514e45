package limit

import (
	"sync"
	"sync/atomic"
	"testing"
)

// What many take at the same time adds up to the cap.
func TestTake(t *testing.T) {
	const most = 6_000_000
	for what, f := range map[string]func(*atomic.Int64) int64{
		"take": func(c *atomic.Int64) int64 {
			if take(c, most, 4) {
				return 4
			}
			return 0
		},
		"takeSome": func(c *atomic.Int64) int64 { return takeSome(c, most, 3) },
	} {
		var counter, sum atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for n := f(&counter); n > 0; n = f(&counter) {
					sum.Add(n)
				}
			})
		}
		all.Wait()
		if sum.Load() != most || counter.Load() != most {
			t.Errorf("%s: %d taken, %d counted, of %d", what, sum.Load(), counter.Load(), most)
		}
	}
}
