package main

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// A document is a backend like any other.
func TestStateFile(t *testing.T) {
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		s, err := openStateFile(filepath.Join(t.TempDir(), "ws.json"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.close)
		return s
	})
}

// Never do two have the lock, though its file comes and goes.
func TestLockIsHeldByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	var holders atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				unlock, err := lock(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d hold it", n)
				}
				holders.Add(-1)
				unlock()
			}
		})
	}
	wg.Wait()
}
