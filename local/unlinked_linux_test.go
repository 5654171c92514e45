package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// TestRootCommands runs the law of commands, links among them, on os.Root.
func TestRootCommands(t *testing.T) {
	backendtest.TestCommands(t, func(t testing.TB) hutch.Sandbox {
		s, err := open(t.TempDir(), &Options{Isolation: Unconfined}, newRootTree)
		must(t, err)
		t.Cleanup(func() { must(t, s.Close()) })
		return s
	})
}

// TestUnlinkedLaw runs the whole law on the view without links.
func TestUnlinkedLaw(t *testing.T) {
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		s := mustOpen(t, t.TempDir(), nil)
		return unlinkedOf{s.Unlinked(), s}
	})
}

// unlinkedOf can be closed, as the checks want it.
type unlinkedOf struct {
	hutch.Backend
	s *Sandbox
}

func (u unlinkedOf) Close() error { return u.s.Close() }

// exchange swaps two names, each time in one step, until the function returned
// is called.
func exchange(t *testing.T, a, b string) (stop func()) {
	t.Helper()
	must(t, unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE))
	end := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
			}
		}
	})
	return func() { close(end); all.Wait() }
}

// TestUnlinkedSwapped: directories and files that trade places with links as fast
// as the kernel lets them are never followed, by no operation that promises it.
func TestUnlinkedSwapped(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		at := func(name string) string { return filepath.Join(dir, name) }
		for _, d := range []string{"d/e", "secret/e"} {
			must(t, os.MkdirAll(at(d), 0o755))
		}
		for name, content := range map[string]string{"d/e/f": "mine", "g": "mine", "secret/e/f": "hidden", "secret/e/only": "hidden"} {
			must(t, os.WriteFile(at(name), []byte(content), 0o644))
		}
		must(t, os.Symlink("secret", at("dl")))
		must(t, os.Symlink("secret/e/f", at("gl")))
		stop1, stop2 := exchange(t, at("d"), at("dl")), exchange(t, at("g"), at("gl"))
		w := &swapWatch{t: t, u: s.Unlinked(), native: native(s)}
		for turn := 0; turn < 3000 || (w.read == 0 || w.refused == 0) && turn < 1_000_000; turn++ {
			w.look()
		}
		stop1()
		stop2()
		if w.read == 0 || w.refused == 0 {
			t.Errorf("read %d times, refused %d times: nothing was tested", w.read, w.refused)
		}
		entries, err := os.ReadDir(at("secret/e"))
		if err != nil || len(entries) != 2 {
			t.Errorf("behind the link there is %v, %v", entries, err)
		}
		if got, err := os.ReadFile(at("secret/e/f")); string(got) != "hidden" {
			t.Errorf("behind the link: %q, %v", got, err)
		}
	})
}

func native(s *Sandbox) bool { _, ok := s.tree.(*fdTree); return ok }

type swapWatch struct {
	t             *testing.T
	u             hutch.Backend
	native        bool // the kernel refuses links also where something is written
	read, refused int
}

func (w *swapWatch) look() {
	ctx := context.Background()
	for _, name := range []string{"d/e/f", "g"} {
		data, err := hutch.ReadFile(ctx, w.u, name)
		switch {
		case err == nil && string(data) != "mine":
			w.t.Fatalf("%s holds %q", name, data)
		case err == nil:
			w.read++
		case errors.Is(err, fs.ErrPermission):
			w.refused++
		default:
			w.t.Fatalf("reading %s: %v", name, err)
		}
		if info, err := w.u.Stat(ctx, name); err == nil && info.Size != 4 {
			w.t.Fatalf("%s is %+v", name, info)
		}
	}
	for info, err := range w.u.List(ctx, "d/e") {
		if err == nil && strings.HasSuffix(info.Name, "only") {
			w.t.Fatalf("List shows %+v", info)
		}
	}
	if err := w.u.Remove(ctx, "d/e/only"); err == nil {
		w.t.Fatal("removed behind the link")
	}
	if w.native {
		hutch.WriteFile(ctx, w.u, "d/e/new", []byte("new"), nil)
		hutch.WriteFile(ctx, w.u, "d/e/f", []byte("mine"), nil)
		w.u.Remove(ctx, "d/e/new")
		hutch.Move(ctx, w.u, "d/e/only", "stolen")
	}
}
