package shell

import (
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

func TestSandbox(t *testing.T) {
	for i, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
			backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox { return sandbox(t, i) })
		})
	}
}

func TestPlain(t *testing.T) {
	backendtest.Test(t, func(t testing.TB) hutch.Backend { return backendtest.Plain(sandbox(t, 0)) })
}
