package state_test

import (
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/state"
)

func TestBackend(t *testing.T) {
	backendtest.Test(t, func(testing.TB) hutch.Backend { return state.New(nil) })
}

func FuzzBackend(f *testing.F) {
	backendtest.Fuzz(f, func(testing.TB) hutch.Backend { return state.New(nil) })
}
