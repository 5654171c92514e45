package tool_test

import (
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func BenchmarkConsole(b *testing.B) {
	s := state.New(nil)
	for b.Loop() {
		tool.Console(s, nil)
	}
}

// BenchmarkRead is a read of 4 KiB by the tool, next to one by the backend.
func BenchmarkRead(b *testing.B) {
	s := state.New(nil)
	put(b, s, "f", manyLines(450))
	c := console(b, s, nil)
	in := input(b, args{"path": "f"})
	b.Run("tool", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.tools["read_file"].Call(b.Context(), tool.Call{Input: in}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("backend", func(b *testing.B) {
		for b.Loop() {
			if _, err := hutch.ReadFile(b.Context(), s, "f"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEdit(b *testing.B) {
	s := state.New(nil)
	put(b, s, "f", manyLines(450))
	c := console(b, s, nil)
	ins := [][]byte{input(b, edit("f", "line 77\n", "line x\n")), input(b, edit("f", "line x\n", "line 77\n"))}
	i := 0
	for b.Loop() {
		if r, err := c.tools["edit_file"].Call(b.Context(), tool.Call{Input: ins[i%2]}); err != nil || r.Failed {
			b.Fatal(err, r.Text)
		}
		i++
	}
}
