//go:build linux

package shell

import (
	"os"
	"path/filepath"
	"testing"

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

// TestSandbox is the whole law, on one shell: it starts some ten thousand
// processes. Where a check begins with many files they come past the shell.
func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	backendtest.TestFilledSandbox(t, func(t testing.TB, files map[string]string) hutch.Sandbox {
		p := newPlace(t, 0)
		if len(files) > 20 {
			p.fill(t, files)
			return p.open(t)
		}
		s := p.open(t)
		for name, content := range files {
			if _, err := hutch.WriteFile(t.Context(), s, name, []byte(content), nil); err != nil {
				t.Fatal(err)
			}
		}
		return s
	})
}

// fill writes files past the shell.
func (p *place) fill(t testing.TB, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(p.opts.Root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
