//go:build linux

package shell

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hutch-dev/hutch"
)

// exchange swaps two names, each time in one step, until the function returned
// is called.
func exchange(t *testing.T, a, b string) (stop func()) {
	t.Helper()
	end := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
				unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE)
				time.Sleep(100 * time.Microsecond) // or it takes all of a processor
			}
		}
	})
	return func() { close(end); all.Wait() }
}

// TestUnlinkedSwapped: directories and files that trade places with links are
// never followed, by no operation.
func TestUnlinkedSwapped(t *testing.T) {
	for i, f := range flavours {
		if i > 0 && testing.Short() {
			break
		}
		t.Run(f.name, func(t *testing.T) {
			p := newPlace(t, i)
			s := p.open(t)
			at := func(name string) string { return filepath.Join(p.opts.Root, name) }
			for name, content := range map[string]string{"d/e/f": "mine", "g": "mine", "secret/e/f": "hidden", "secret/e/only": "hidden"} {
				write(t, s, name, content)
			}
			for link, target := range map[string]string{"dl": "secret", "gl": "secret/e/f"} {
				if err := os.Symlink(target, at(link)); err != nil {
					t.Fatal(err)
				}
			}
			stop1, stop2 := exchange(t, at("d"), at("dl")), exchange(t, at("g"), at("gl"))
			w := &swapWatch{t: t, u: s.Unlinked()}
			for turn := 0; turn < 25 && !t.Failed(); turn++ {
				w.look()
			}
			stop1()
			stop2()
			entries, err := os.ReadDir(at("secret/e"))
			if err != nil || len(entries) != 2 {
				t.Errorf("behind the link there is %v, %v", entries, err)
			}
			if got, err := os.ReadFile(at("secret/e/f")); string(got) != "hidden" {
				t.Errorf("behind the link: %q, %v", got, err)
			}
			if w.read == 0 {
				t.Error("nothing was ever read")
			}
		})
	}
}

type swapWatch struct {
	t    *testing.T
	u    hutch.Backend
	read int
}

func (w *swapWatch) look() {
	ctx := context.Background()
	for _, name := range []string{"d/e/f", "g"} {
		data, err := hutch.ReadFile(ctx, w.u, name)
		switch {
		case err == nil && string(data) != "mine":
			w.t.Errorf("%s holds %q", name, data)
		case err == nil:
			w.read++
		case !errors.Is(err, fs.ErrPermission) && !errors.Is(err, hutch.ErrConflict):
			w.t.Errorf("reading %s: %v", name, err)
		}
		if info, err := w.u.Stat(ctx, name); err == nil && info.Size != 4 {
			w.t.Errorf("%s is %+v", name, info)
		}
	}
	for info, err := range w.u.List(ctx, "d/e") {
		if err == nil && strings.HasSuffix(info.Name, "only") {
			w.t.Errorf("List shows %+v", info)
		}
	}
	if err := w.u.Remove(ctx, "d/e/only"); err == nil {
		w.t.Error("removed behind the link")
	}
	hutch.WriteFile(ctx, w.u, "d/e/new/deep", []byte("new"), nil)
	hutch.WriteFile(ctx, w.u, "d/e/new2", []byte("new"), &hutch.WriteOptions{IfRev: hutch.Absent})
	hutch.WriteFile(ctx, w.u, "d/e/f", []byte("mine"), nil)
	w.u.Remove(ctx, "d/e/new2")
	hutch.Move(ctx, w.u, "d/e/only", "stolen")
}

// TestReal is about links as only this package has to look at them.
func TestReal(t *testing.T) {
	for i, f := range flavours {
		if i > 0 && testing.Short() {
			break
		}
		t.Run(f.name, func(t *testing.T) {
			p := newPlace(t, i)
			s := p.open(t)
			write(t, s, "d/e/f", "f")
			write(t, s, "d/\n", "odd")
			for link, target := range map[string]string{
				"abs": p.opts.Root + "/d/e/f", "root": p.opts.Root, "slash": p.opts.Root + "/d/", "new": "d/new/", "gone": "nothing/../d", "below": "d/e/f/../f",
				"odd": "d/\n", "stage": staging, "bad": "d/\xff", "dots": "./d/././e/",
			} {
				if err := os.Symlink(target, filepath.Join(p.opts.Root, link)); err != nil {
					t.Fatal(err)
				}
			}
			for name, want := range map[string]string{
				"abs": "d/e/f", "root": ".", "root/root/d": "d", "slash/e": "d/e", "new": "d/new", "new/x": "d/new/x", "odd": "d/\n",
				"stage/x": staging + "/x", staging: staging, "dots": "d/e", "d/\n": "d/\n", "d/\n/x": "d/\n/x",
			} {
				if got, err := s.Real(t.Context(), name); err != nil || got != want {
					t.Errorf("Real(%q) = %q, %v; want %q", name, got, err, want)
				}
			}
			for name, want := range map[string]error{"gone": fs.ErrNotExist, "below": hutch.ErrNotDir, "bad": fs.ErrPermission} {
				if got, err := s.Real(t.Context(), name); got != "" || !errors.Is(err, want) {
					t.Errorf("Real(%q) = %q, %v; want %v", name, got, err, want)
				}
			}
			for _, b := range []hutch.Backend{s, s.Unlinked()} { // each knows what it has seen itself
				for range 2 {
					_, err := hutch.ReadFile(t.Context(), b, "abs")
					if _, unlinked := b.(view); unlinked != errors.Is(err, fs.ErrPermission) {
						t.Errorf("reading a link, unlinked %v: %v", unlinked, err)
					}
				}
			}
		})
	}
}
