package backendtest

import (
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func memory(testing.TB) hutch.Backend { return state.New(nil) }

func TestState(t *testing.T) { Test(t, memory) }

func TestSub(t *testing.T) {
	TestWrapper(t, memory, func(t testing.TB, b hutch.Backend) hutch.Backend {
		sub, err := hutch.Sub(b, "some/dir")
		if err != nil {
			t.Fatal(err)
		}
		return sub
	})
}

func TestPlain(t *testing.T) {
	TestWrapper(t, memory, func(_ testing.TB, b hutch.Backend) hutch.Backend { return Plain(b) })
}

func FuzzState(f *testing.F) { Fuzz(f, memory) }

func FuzzPlainState(f *testing.F) {
	Fuzz(f, func(testing.TB) hutch.Backend { return Plain(state.New(nil)) })
}

func BenchmarkState(b *testing.B) { Bench(b, memory) }
