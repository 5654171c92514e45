package state_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// filled is a backend with n small files, a hundred in a directory.
func filled(tb testing.TB, n int) *state.Backend {
	b := state.New(nil)
	for i := range n {
		write(tb, b, fmt.Sprintf("d%04d/f%02d.txt", i/100, i%100), "one\ntwo\nthree "+strconv.Itoa(i)+"\n")
	}
	return b
}

// The cost of a fork must not depend on the number of files.
func BenchmarkFork(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		from := filled(b, n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				from.Fork()
			}
		})
	}
}

// A fork that is written to copies one path of its tree, not the tree.
func BenchmarkForkAndWrite(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		from := filled(b, n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				write(b, from.Fork(), "d0000/f00.txt", "changed")
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	from := filled(b, 100_000)
	for name, w := range map[string]hutch.Backend{"speed": from, "plain": plain{from}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				names(b, w, ".")
			}
		})
	}
}

func BenchmarkGrep(b *testing.B) {
	from := filled(b, 100_000)
	for b.Loop() {
		if m, err := hutch.Collect(hutch.Grep(b.Context(), from, hutch.Query{Pattern: "three 99999"})); len(m) != 1 || err != nil {
			b.Fatal(m, err)
		}
	}
}

func BenchmarkRenameDir(b *testing.B) {
	from := filled(b, 100_000)
	for b.Loop() {
		if err := from.Rename(ctx, "d0000", "x"); err != nil {
			b.Fatal(err)
		}
		if err := from.Rename(ctx, "x", "d0000"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	from := filled(b, 100_000)
	doc, err := from.MarshalJSON()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("save", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			from.MarshalJSON()
		}
	})
	b.Run("load", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if err := new(state.Backend).UnmarshalJSON(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}
