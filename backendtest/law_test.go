package backendtest

import (
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func memory(testing.TB) hutch.Backend { return state.New(nil) }

func TestState(t *testing.T) { Test(t, memory) }

func TestPlainState(t *testing.T) {
	Test(t, func(testing.TB) hutch.Backend { return Plain(state.New(nil)) })
}
