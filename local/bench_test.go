package local

import (
	"bytes"
	"context"
	"go/build"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/hutch-dev/hutch"
)

// BenchmarkRead reads a 4 KiB file five directories deep, next to os.ReadFile.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	name := "a/b/c/d/e/file"
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, 4096), 0o644); err != nil {
		b.Fatal(err)
	}
	s := mustOpen(b, dir, nil)
	ctx := context.Background()
	b.Run("local", func(b *testing.B) {
		for b.Loop() {
			if _, err := hutch.ReadFile(ctx, s, name); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("os.ReadFile", func(b *testing.B) {
		for b.Loop() {
			if _, err := os.ReadFile(path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWrite replaces a 4 KiB file in one step, next to the same by hand.
func BenchmarkWrite(b *testing.B) {
	dir := b.TempDir()
	data := make([]byte, 4096)
	s := mustOpen(b, dir, nil)
	ctx := context.Background()
	b.Run("local", func(b *testing.B) {
		for b.Loop() {
			if _, err := hutch.WriteFile(ctx, s, "file", data, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by hand", func(b *testing.B) {
		path := filepath.Join(dir, "byhand")
		for i := 0; b.Loop(); i++ {
			tmp := path + strconv.Itoa(i)
			if err := os.WriteFile(tmp, data, 0o644); err != nil {
				b.Fatal(err)
			}
			if err := os.Rename(tmp, path); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func mustOpen(t testing.TB, dir string, opts *Options) *Sandbox {
	t.Helper()
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// BenchmarkGrep searches the Go source tree, next to ripgrep on the same files
// with the same options. Both count what they find.
func BenchmarkGrep(b *testing.B) {
	dir := filepath.Join(build.Default.GOROOT, "src")
	s := mustOpen(b, dir, nil)
	ctx := context.Background()
	rg, _ := exec.LookPath("rg")
	for _, p := range []struct{ name, pattern string }{
		{"literal", "ErrNotExist"},
		{"regexp", `func \w+\(ctx context\.Context`},
		{"fold", "(?i)errnotexist"},
		{"noliteral", `[A-Z][a-z]+Error\b`},
		{"alternatives", `ErrNotExist|fs\.SkipDir|bazqux`},
	} {
		found := 0
		b.Run(p.name+"/local", func(b *testing.B) {
			for b.Loop() {
				found = 0
				for _, err := range hutch.Grep(ctx, s, hutch.Query{Pattern: p.pattern}) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
			}
		})
		if rg == "" {
			continue
		}
		b.Run(p.name+"/rg", func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(rg, "--no-ignore", "--no-config", "-n", "--no-heading", p.pattern, ".")
				cmd.Dir = dir
				out, err := cmd.Output()
				if err != nil {
					b.Fatal(err)
				}
				if n := bytes.Count(out, []byte("\n")); n != found {
					b.Fatalf("rg finds %d lines, hutch %d", n, found)
				}
			}
		})
	}
}
