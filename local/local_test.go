package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
)

// trees are the ways to the files: all must answer alike.
var trees = map[string]func(string) (tree, error){"native": newTree, "os.Root": newRootTree}

// eachTree runs a test on a fresh sandbox of each kind, together with its
// directory.
func eachTree(t *testing.T, test func(t *testing.T, s *Sandbox, dir string)) {
	for name, newTree := range trees {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "ws")
			must(t, os.Mkdir(dir, 0o755))
			s, err := open(dir, nil, newTree)
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			test(t, s, dir)
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestBackend(t *testing.T) {
	for name, newTree := range trees {
		t.Run(name, func(t *testing.T) {
			backendtest.Test(t, func(t testing.TB) hutch.Backend {
				s, err := open(t.TempDir(), nil, newTree)
				must(t, err)
				t.Cleanup(func() { s.Close() })
				return s
			})
		})
	}
}

func FuzzBackend(f *testing.F) {
	backendtest.Fuzz(f, func(t testing.TB) hutch.Backend { return mustOpen(t, t.TempDir(), nil) })
}

func TestLinks(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		outside := filepath.Join(filepath.Dir(dir), "outside")
		must(t, os.Mkdir(outside, 0o755))
		must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
		must(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "d/f"), []byte("inside"), 0o644))
		for link, target := range map[string]string{
			"rel": "d/f", "up": "d/e/../f", "abs": "/workspace/d/f", "dir": "d", "absdir": "/workspace/d",
			"d/e/back": "../../d/f", "chain": "rel", "root": "/workspace",
			"out": outside + "/secret", "outup": "../outside/secret", "outdir": outside, "etc": "/etc/passwd",
			"host": dir + "/d/f", "loop": "loop", "new": "d/made", "absnew": "/workspace/d/made2",
			"dangling": "../nothing", "sneaky": "/workspace/../outside/secret", "prefix": "/workspace2/d/f",
		} {
			must(t, os.Symlink(target, filepath.Join(dir, link)))
		}
		for _, name := range []string{"rel", "up", "abs", "dir/f", "absdir/f", "d/e/back", "chain", "root/d/f", "root/root/rel"} {
			data, err := hutch.ReadFile(ctx, s, name)
			if err != nil || string(data) != "inside" {
				t.Errorf("read %s: %q, %v", name, data, err)
			}
			if info, err := s.Stat(ctx, name); err != nil || !info.Mode.IsRegular() || info.Name != name {
				t.Errorf("stat %s: %+v, %v", name, info, err)
			}
		}
		for _, name := range []string{"out", "outup", "outdir/secret", "etc", "host", "dangling", "sneaky", "prefix", "outdir/new"} {
			_, err := hutch.ReadFile(ctx, s, name)
			refused(t, "read "+name, err, dir)
			_, err = hutch.WriteFile(ctx, s, name, []byte("x"), nil)
			refused(t, "write "+name, err, dir)
			_, err = s.Stat(ctx, name)
			refused(t, "stat "+name, err, dir)
		}
		if _, err := hutch.ReadFile(ctx, s, "loop"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("loop: %v", err)
		}
		for link, real := range map[string]string{"rel": "d/f", "abs": "d/f", "new": "d/made", "absnew": "d/made2", "dir/g": "d/g", "absdir/h": "d/h"} {
			_, err := hutch.WriteFile(ctx, s, link, []byte(link), nil)
			must(t, err)
			got, err := os.ReadFile(filepath.Join(dir, real))
			if err != nil || string(got) != link {
				t.Errorf("write through %s: %s holds %q, %v", link, real, got, err)
			}
			if !strings.Contains(link, "/") {
				if info, err := os.Lstat(filepath.Join(dir, link)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
					t.Errorf("write through %s replaced the link", link)
				}
			}
		}
		for _, name := range []string{"out", "outdir", "loop", "dangling", "dir"} {
			must(t, s.Remove(ctx, name))
		}
		if got, err := os.ReadFile(filepath.Join(outside, "secret")); err != nil || string(got) != "secret" {
			t.Errorf("outside: %q, %v", got, err)
		}
		if entries, _ := os.ReadDir(outside); len(entries) != 1 {
			t.Errorf("outside holds %v", entries)
		}
	})
}

// refused checks an error about a link that leaves.
func refused(t *testing.T, what string, err error, dir string) {
	t.Helper()
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("%s: %v, want a refusal", what, err)
		return
	}
	if strings.Contains(err.Error(), filepath.Dir(dir)) {
		t.Errorf("%s: a path of the host in the error: %v", what, err)
	}
}

// TestSwappedLinks lets another process swap a directory and a link that
// leaves, as fast as it can, while names below it are read and written.
func TestSwappedLinks(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		outside := filepath.Join(filepath.Dir(dir), "outside")
		must(t, os.Mkdir(outside, 0o755))
		must(t, os.WriteFile(filepath.Join(outside, "f"), []byte("secret"), 0o644))
		at := func(name string) string { return filepath.Join(dir, name) }
		must(t, os.Mkdir(at("d"), 0o755))
		must(t, os.WriteFile(at("d/f"), []byte("inside"), 0o644))
		stop := make(chan struct{})
		var swapper sync.WaitGroup
		swapper.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				os.Rename(at("d"), at("real"))
				os.Symlink(outside, at("d"))
				os.Remove(at("d"))
				os.Rename(at("real"), at("d"))
			}
		})
		end := time.Now().Add(700 * time.Millisecond)
		done := 0
		for time.Now().Before(end) {
			if data, err := hutch.ReadFile(ctx, s, "d/f"); err == nil && string(data) == "secret" {
				t.Fatal("read a file outside")
			} else if err == nil {
				done++
			}
			hutch.WriteFile(ctx, s, "d/f", []byte("inside"), nil)
			hutch.WriteFile(ctx, s, "d/new", []byte("inside"), nil)
			s.Remove(ctx, "d/new")
			s.Rename(ctx, "d/f", "d/g")
			s.Rename(ctx, "d/g", "d/f")
			for info, err := range s.List(ctx, "d") {
				if err == nil && info.Size == int64(len("secret")) && info.Name == "d/f" {
					if got, _ := os.ReadFile(filepath.Join(outside, "f")); string(got) != "secret" {
						t.Fatal("the file outside changed")
					}
				}
			}
		}
		close(stop)
		swapper.Wait()
		if done == 0 {
			t.Error("the race was never won, nothing was tested")
		}
		if got, err := os.ReadFile(filepath.Join(outside, "f")); err != nil || string(got) != "secret" {
			t.Errorf("outside: %q, %v", got, err)
		}
		if entries, _ := os.ReadDir(outside); len(entries) != 1 {
			t.Errorf("outside holds %v", entries)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o644))
	if _, err := Open(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(dir, "f"), nil); !errors.Is(err, hutch.ErrNotDir) {
		t.Error(err)
	}
	for _, o := range []Options{{Isolation: -3}, {Isolation: 7}, {Visible: []string{"rel"}}, {Env: []string{"x"}}, {Env: []string{"=x"}}} {
		if _, err := Open(dir, &o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	s := mustOpen(t, dir, nil)
	must(t, s.Close())
	must(t, s.Close())
	if _, err := s.Stat(context.Background(), "f"); !errors.Is(err, hutch.ErrClosed) {
		t.Error(err)
	}
	if _, err := s.Exec(context.Background(), hutch.Shell("true")); !errors.Is(err, hutch.ErrClosed) {
		t.Error(err)
	}
}

// TestNothingLeft: a workspace that was written and closed holds what was
// written, nothing else.
func TestNothingLeft(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		if _, err := hutch.WriteFile(ctx, s, "f", []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		_, err := s.Write(ctx, "g", &failing{}, nil)
		if err == nil || !errors.Is(err, errFailing) {
			t.Errorf("failing reader: %v", err)
		}
		if got := names(t, filepath.Join(dir, staging)); !slices.Equal(got, []string{"lock"}) {
			t.Errorf("while open: %v", got)
		}
		must(t, s.Close())
		if got := names(t, dir); !slices.Equal(got, []string{"f"}) {
			t.Errorf("after close: %v", got)
		}
	})
}

var errFailing = errors.New("the reader failed")

type failing struct{ done bool }

func (f *failing) Read(p []byte) (int, error) {
	if !f.done {
		f.done = true
		return len(p), nil
	}
	return 0, errFailing
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// TestTwoSandboxes edits one file from two sandboxes, which share no memory in
// their locks, and sweeps only when the last of them closes.
func TestTwoSandboxes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("locks among processes need Linux")
	}
	ctx := context.Background()
	dir := t.TempDir()
	a, b := mustOpen(t, dir, nil), mustOpen(t, dir, nil)
	if _, err := hutch.WriteFile(ctx, a, "n", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, s := range []*Sandbox{a, b, a, b} {
		wg.Go(func() {
			for range 50 {
				if _, err := hutch.EditFile(ctx, s, "n", []hutch.Edit{{Old: "x", New: "xx", All: false}, {Old: "xx", New: "yx"}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got, err := hutch.ReadFile(ctx, a, "n")
	if want := strings.Repeat("y", 200) + "x"; err != nil || string(got) != want {
		t.Errorf("%d of %d edits survived, %v", strings.Count(string(got), "y"), 200, err)
	}
	must(t, a.Close())
	if _, err := os.Stat(filepath.Join(dir, staging)); err != nil {
		t.Errorf("swept while somebody else has the workspace: %v", err)
	}
	must(t, b.Close())
	if _, err := os.Stat(filepath.Join(dir, staging)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not swept by the last: %v", err)
	}
}
