//go:build linux

package shell

import (
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// TestCommands is the part of the law that each shell could break its own way.
func TestCommands(t *testing.T) {
	for i, f := range flavours {
		if i > 0 && testing.Short() {
			break
		}
		t.Run(f.name, func(t *testing.T) {
			backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox { return sandbox(t, i) })
		})
	}
}

// patient skips what takes longer than "go test" waits unless it is told to:
// some ten thousand processes are started.
func patient(t *testing.T) {
	t.Helper()
	if d, ok := t.Deadline(); ok && time.Until(d) < 25*time.Minute {
		t.Skip("needs -timeout 1h")
	}
}

func TestSandbox(t *testing.T) {
	patient(t)
	for i, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
			backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox { return sandbox(t, i) })
		})
	}
}

func TestPlain(t *testing.T) {
	patient(t)
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(sandbox(t, 0)) })
}
