//go:build linux

package shell

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

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
			}
		}
	})
	return func() { close(end); all.Wait() }
}

// swapped is a place with what is mine, what is behind links, and these links.
func swapped(t *testing.T, flavour int) (*place, *Sandbox, func(name string) string) {
	t.Helper()
	p := newPlace(t, flavour)
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
	return p, s, at
}

// untouched fails unless all that is behind the links is as it was.
func untouched(t *testing.T, at func(string) string) {
	t.Helper()
	for dir, want := range map[string]int{"secret": 1, "secret/e": 2} {
		if entries, err := os.ReadDir(at(dir)); err != nil || len(entries) != want {
			t.Errorf("behind the link, in %s, there is %v, %v", dir, entries, err)
		}
	}
	if got, err := os.ReadFile(at("secret/e/f")); string(got) != "hidden" {
		t.Errorf("behind the link: %q, %v", got, err)
	}
}

// TestUnlinkedSwapped: directories and files that trade places with links are
// never followed, by no operation.
func TestUnlinkedSwapped(t *testing.T) {
	for i, f := range flavours {
		if i > 0 && testing.Short() {
			break
		}
		t.Run(f.name, func(t *testing.T) {
			_, s, at := swapped(t, i)
			w := &swapWatch{t: t, u: s.Unlinked()}
			stop := exchange(t, at("g"), at("gl"))
			for turn := 0; turn < 50 && !t.Failed(); turn++ {
				w.file("g")
			}
			stop()
			stop = exchange(t, at("d"), at("dl"))
			for turn := 0; turn < 25 && !t.Failed(); turn++ {
				w.directory("d", turn)
			}
			stop()
			untouched(t, at)
			if w.read == 0 || w.refused == 0 {
				t.Errorf("read %d times, refused %d times: nothing was tested", w.read, w.refused)
			}
		})
	}
}

type swapWatch struct {
	t             *testing.T
	u             hutch.Backend
	read, refused int
}

func (w *swapWatch) file(name string) {
	data, err := hutch.ReadFile(w.t.Context(), w.u, name)
	switch {
	case err == nil && string(data) != "mine":
		w.t.Errorf("%s holds %q", name, data)
	case err == nil:
		w.read++
	case errors.Is(err, fs.ErrPermission):
		w.refused++
	case !errors.Is(err, hutch.ErrConflict):
		w.t.Errorf("reading %s: %v", name, err)
	}
	if info, err := w.u.Stat(w.t.Context(), name); err == nil && info.Size != 4 {
		w.t.Errorf("%s is %+v", name, info)
	}
}

func (w *swapWatch) directory(dir string, turn int) {
	ctx, u := w.t.Context(), w.u
	w.file(dir + "/e/f")
	for info, err := range u.List(ctx, dir+"/e") {
		if err == nil && strings.HasSuffix(info.Name, "only") {
			w.t.Errorf("List shows %+v", info)
		}
	}
	if err := u.Remove(ctx, dir+"/e/only"); err == nil {
		w.t.Error("removed behind the link")
	}
	name := dir + "/new" + strconv.Itoa(turn)
	hutch.WriteFile(ctx, u, name+"/deep", []byte("new"), nil)
	hutch.WriteFile(ctx, u, name+"x", []byte("new"), &hutch.WriteOptions{IfRev: hutch.Absent})
	hutch.WriteFile(ctx, u, dir+"/e/f", []byte("mine"), nil)
	hutch.Move(ctx, u, dir+"/e/only", "stolen")
}

// before puts a script in front of a program of a place: what it does happens
// just before that program does its work, or after it with "$real".
func (p *place) before(t *testing.T, program, script string) {
	t.Helper()
	path := filepath.SplitList(strings.TrimPrefix(p.opts.Env[0], "PATH="))
	real, err := lookup(program, strings.Join(path, ":"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := "#!/bin/sh\nreal=" + quote(real) + "\ncd " + quote(p.opts.Root) + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, program), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	p.opts.Env = append([]string{"PATH=" + dir + ":" + strings.Join(path, ":")}, p.opts.Env[1:]...)
}

// TestSwappedInside exchanges things at the worst moment of an operation.
func TestSwappedInside(t *testing.T) {
	const swap = `here=$OLDPWD; [ -e done ] || { /bin/mv d d.old; /bin/mv dl d; : >done; }; cd "$here"; exec "$real" "$@"`
	t.Run("rename", func(t *testing.T) {
		p, _, at := swapped(t, 0)
		p.before(t, "mv", `[ "$1" = -f ] || exec "$real" "$@"; `+swap)
		if err := hutch.Move(t.Context(), p.open(t).Unlinked(), "d/e/f", "moved"); err != nil {
			t.Error(err)
		}
		if got, err := os.ReadFile(at("moved")); string(got) != "mine" {
			t.Errorf("what is moved holds %q, %v", got, err)
		}
		untouched(t, at)
	})
	t.Run("mkdir", func(t *testing.T) {
		p, _, at := swapped(t, 0)
		p.before(t, "mkdir", `here=$OLDPWD; cd "$here"; "$real" "$@" || exit; case $1 in ./new) rmdir new; ln -s secret new;; esac`)
		err := func() error {
			_, err := hutch.WriteFile(t.Context(), p.open(t).Unlinked(), "new/deep/er", nil, nil)
			return err
		}()
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("written through a link that came late: %v", err)
		}
		untouched(t, at)
	})
	t.Run("ln", func(t *testing.T) {
		p, _, at := swapped(t, 0)
		p.before(t, "ln", `here=$OLDPWD; /bin/ln -s secret new; cd "$here"; exec "$real" "$@"`)
		for _, b := range []hutch.Backend{p.open(t), p.open(t).Unlinked()} {
			_, err := hutch.WriteFile(t.Context(), b, "new", nil, &hutch.WriteOptions{IfRev: hutch.Absent})
			if !errors.Is(err, fs.ErrExist) {
				t.Errorf("written where a link came late: %v", err)
			}
			untouched(t, at)
			os.Remove(at("new"))
		}
	})
}

// TestLooksApart: who may not follow a link is not given what somebody else sees
// behind it at the same time.
func TestLooksApart(t *testing.T) {
	_, s, _ := swapped(t, 0)
	for range 20 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				b, unlinked := hutch.Backend(s), rand.N(2) > 0
				if unlinked {
					b = s.Unlinked()
				}
				data, err := hutch.ReadFile(t.Context(), b, "gl")
				if unlinked != errors.Is(err, fs.ErrPermission) || !unlinked && string(data) != "hidden" {
					t.Errorf("reading a link, unlinked %v: %q, %v", unlinked, data, err)
				}
			})
		}
		all.Wait()
	}
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
		})
	}
}
