package main

import (
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
