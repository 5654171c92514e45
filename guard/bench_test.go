package guard_test

import (
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// BenchmarkRead compares reading 4 KiB from a workspace with reading it through
// a guard, where nobody may be asked and where somebody may.
func BenchmarkRead(b *testing.B) {
	s, _ := workspace(b)
	const name = "internal/search/testdata/f.txt"
	if _, err := hutch.WriteFile(ctx, s, name, []byte(strings.Repeat("x", 4096)), nil); err != nil {
		b.Fatal(err)
	}
	for what, from := range map[string]hutch.Backend{
		"plain": s, "guarded": guarded(b, s, &rules{}), "asking": guarded(b, s, asking(nil)),
	} {
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				if _, err := hutch.ReadFile(ctx, from, name); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGrep compares searching a tree with searching it through a guard that
// hides a file.
func BenchmarkGrep(b *testing.B) {
	s, _ := workspace(b)
	for _, dir := range strings.Split("abcdefghijklmnopqrst", "") {
		for _, f := range strings.Split("abcdefghijklmnopqrst", "") {
			if _, err := hutch.WriteFile(ctx, s, dir+"/"+f+".go", []byte(strings.Repeat("some line of text\n", 200)), nil); err != nil {
				b.Fatal(err)
			}
		}
	}
	for what, from := range map[string]hutch.Backend{"plain": s, "guarded": guarded(b, s, deny(all, "a/a.go"))} {
		b.Run(what, func(b *testing.B) {
			for b.Loop() {
				if _, err := hutch.Collect(hutch.Grep(ctx, from, hutch.Query{Pattern: "nothing"})); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
