package docker

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func TestQueue(t *testing.T) {
	var q queue
	var inside, most int
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				done, err := q.enter(t.Context(), "a")
				if err != nil {
					t.Error(err)
					return
				}
				inside++ // of one at a time, or the race detector says so
				most = max(most, inside)
				inside--
				done()
			}
		})
	}
	wg.Wait()
	if most != 1 || len(q.at) > 0 {
		t.Errorf("%d at a time, %d left", most, len(q.at))
	}
	done, _ := q.enter(t.Context(), "a")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.enter(ended, "a"); !errors.Is(err, context.Canceled) {
		t.Errorf("waited: %v", err)
	}
	other, err := q.enter(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	other()
	done()
	if len(q.at) > 0 {
		t.Errorf("%d left", len(q.at))
	}
}
