package backendtest

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// Bench measures what agents do most, each as a sub-benchmark on a new, empty
// backend.
func Bench(b *testing.B, open func(b testing.TB) hutch.Backend) {
	for _, m := range []struct {
		name string
		run  func(b *testing.B, h hutch.Backend)
	}{
		{"Read4K", benchRead}, {"Write4K", benchWrite}, {"Stat", benchStat}, {"List1000", benchList},
		{"Walk", benchWalk}, {"Grep", benchGrep}, {"Edit", benchEdit},
	} {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			m.run(b, open(b))
		})
	}
}

var block = strings.Repeat("0123456789abcdef", 256)

const benchName = "a/b/c/d/e/file"

func mustWrite(b *testing.B, h hutch.Backend, name, content string) {
	if _, err := hutch.WriteFile(b.Context(), h, name, []byte(content), nil); err != nil {
		b.Fatal(err)
	}
}

func benchRead(b *testing.B, h hutch.Backend) {
	mustWrite(b, h, benchName, block)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		f, err := h.Open(b.Context(), benchName)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, f); err != nil || n != int64(len(block)) {
			b.Fatal(n, err)
		}
		f.Close()
	}
}

func benchWrite(b *testing.B, h hutch.Backend) {
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		mustWrite(b, h, benchName, block)
	}
}

func benchStat(b *testing.B, h hutch.Backend) {
	mustWrite(b, h, benchName, block)
	for b.Loop() {
		if _, err := h.Stat(b.Context(), benchName); err != nil {
			b.Fatal(err)
		}
	}
}

func benchList(b *testing.B, h hutch.Backend) {
	for name := range manyFiles(1000)() {
		mustWrite(b, h, name, "x\n")
	}
	for b.Loop() {
		if all, err := hutch.Collect(h.List(b.Context(), "many")); err != nil || len(all) != 1000 {
			b.Fatal(len(all), err)
		}
	}
}

// sources fills a backend with 500 files of 4 KiB; one line in all holds the
// word needle.
func sources(b *testing.B, h hutch.Backend) {
	for i := range 500 {
		content := strings.Repeat("a line of some words, as in a source\n", 110)
		if i == 250 {
			content += "the needle\n"
		}
		mustWrite(b, h, fmt.Sprintf("src/p%02d/f%03d.go", i%20, i), content)
	}
}

func benchWalk(b *testing.B, h hutch.Backend) {
	sources(b, h)
	for b.Loop() {
		if all, err := hutch.Collect(hutch.Walk(b.Context(), h, ".")); err != nil || len(all) != 500 {
			b.Fatal(len(all), err)
		}
	}
}

func benchGrep(b *testing.B, h hutch.Backend) {
	sources(b, h)
	for b.Loop() {
		all, err := hutch.Collect(hutch.Grep(b.Context(), h, hutch.Query{Pattern: `n[e]+dle`}))
		if err != nil || len(all) != 1 {
			b.Fatal(len(all), err)
		}
	}
}

func benchEdit(b *testing.B, h hutch.Backend) {
	mustWrite(b, h, benchName, block+"\nvalue = 0\n")
	for i := 0; b.Loop(); i++ {
		edit := hutch.Edit{Old: fmt.Sprintf("value = %d\n", i), New: fmt.Sprintf("value = %d\n", i+1)}
		if _, err := hutch.EditFile(b.Context(), h, benchName, []hutch.Edit{edit}); err != nil {
			b.Fatal(err)
		}
	}
}
