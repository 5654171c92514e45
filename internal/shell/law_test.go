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

// TestSandbox is the whole law. The files that a check begins with come past the
// shell, which would need half a minute for a thousand of them.
func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for i, f := range flavours {
		t.Run(f.name, func(t *testing.T) {
			backendtest.TestFilledSandbox(t, func(t testing.TB, files map[string]string) hutch.Sandbox {
				p := newPlace(t, i)
				p.fill(t, files)
				return p.open(t)
			})
		})
	}
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
