//go:build linux

package shell

import (
	"os"
	"path"
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
// processes. What a check begins with comes past the shell.
func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	backendtest.TestFilledSandbox(t, func(t testing.TB, files map[string]string) hutch.Sandbox {
		p := newPlace(t, 0)
		p.fill(t, files)
		return p.open(t)
	})
}

// fill writes files past the shell, also under names longer than a path may be.
func (p *place) fill(t testing.TB, files map[string]string) {
	t.Helper()
	root, err := os.OpenRoot(p.opts.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for name, content := range files {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
