package main

import (
	"os"
	"path/filepath"
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

// Who waited for a lock whose file was removed meanwhile must see that.
func TestLockOfARemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.lock")
	unlock, err := lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	waiting, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	if ok, err := tryLock(waiting); ok || err != nil {
		t.Fatalf("two hold the lock: %v", err)
	}
	if !stillAt(waiting, path) {
		t.Error("the file is there")
	}
	unlock()
	if ok, err := tryLock(waiting); !ok || err != nil || stillAt(waiting, path) {
		t.Errorf("the lock of a file that is gone: %v, %v", ok, err)
	}
	unlock, err = lock(t.Context(), path) // a new file, a new lock
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if stillAt(waiting, path) {
		t.Error("another file is there")
	}
}
