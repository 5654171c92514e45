package iofs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/iofs"
)

// linked is a tree with links, as a map and as a directory.
func linked(t *testing.T) map[string]fs.FS {
	t.Helper()
	root := dir(t, map[string]string{"in/d/f": "f", "in/g": "g", "secret": "s"})
	m := fstest.MapFS{"d/f": {Data: []byte("f")}, "g": {Data: []byte("g")}}
	for link, target := range map[string]string{
		"file": "d/f", "up": "d/../g", "dir": "d", "chain": "dir/f", "loop": "loop", "nowhere": "nothing/x", "here": ".",
		"out": "../secret", "abs": "/g", "deep": "dir/../../secret", "below": "g/../d/f", "gone": "nothing/../g",
	} {
		m[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
		if err := os.Symlink(target, filepath.Join(root, "in", link)); err != nil {
			t.Skip(err)
		}
	}
	return map[string]fs.FS{"map": m, "dir": os.DirFS(filepath.Join(root, "in"))}
}

func TestReal(t *testing.T) {
	for kind, fsys := range linked(t) {
		l, ok := hutch.As[hutch.Linker](iofs.New(fsys))
		if !ok {
			t.Fatal("no Linker")
		}
		for name, want := range map[string]string{
			".": ".", "file": "d/f", "up": "g", "dir": "d", "dir/f": "d/f", "chain": "d/f", "here": ".", "here/dir/new": "d/new",
			"nowhere": "nothing/x", "nowhere/y": "nothing/x/y", "dir/none/x": "d/none/x", "g/x": "g/x", "file/x/y": "d/f/x/y",
		} {
			if got, err := l.Real(ctx, name); got != want || err != nil {
				t.Errorf("%s: Real(%s) = %q, %v; want %q", kind, name, got, err, want)
			}
		}
		for name, want := range map[string]error{
			"loop": fs.ErrInvalid, "loop/x": fs.ErrInvalid, "out": fs.ErrPermission, "abs": fs.ErrPermission, "deep": fs.ErrPermission,
			"below": hutch.ErrNotDir, "gone": fs.ErrNotExist, "../x": fs.ErrInvalid,
		} {
			got, err := l.Real(ctx, name)
			var pe *fs.PathError
			if got != "" || !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != name {
				t.Errorf("%s: Real(%s) = %q, %v; want %v", kind, name, got, err, want)
			}
		}
	}
}

func TestUnlinked(t *testing.T) {
	for kind, fsys := range linked(t) {
		l, _ := hutch.As[hutch.Linker](iofs.New(fsys))
		u := l.Unlinked()
		for _, name := range []string{"file", "dir", "dir/f", "chain", "loop", "nowhere", "out", "here/g", "dir/none"} {
			_, err := u.Stat(ctx, name)
			_, open := u.Open(ctx, name)
			_, list := hutch.Collect(u.List(ctx, name))
			for _, err := range []error{err, open, list} {
				if !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s: %s: %v", kind, name, err)
				}
			}
		}
		if data, err := hutch.ReadFile(ctx, u, "d/f"); string(data) != "f" || err != nil {
			t.Errorf("%s: %q, %v", kind, data, err)
		}
		all, err := hutch.Collect(hutch.Walk(ctx, u, "."))
		if len(all) != 14 || err != nil {
			t.Errorf("%s: Walk shows %v, %v", kind, all, err)
		}
	}
}

// TestLinker: only what shows its links, or has none, has the power.
func TestLinker(t *testing.T) {
	for name, open := range kinds {
		fsys := open(t, map[string]string{"f": "f"})
		_, shows := fsys.(fs.ReadLinkFS)
		_, is := hutch.As[hutch.Linker](iofs.New(fsys))
		if want := shows || name == "Zip"; is != want {
			t.Errorf("%s: Linker %v, want %v", name, is, want)
		}
	}
	if _, ok := hutch.As[hutch.Linker](iofs.New(embedded)); !ok {
		t.Error("embedded files have no Linker")
	}
	if _, ok := hutch.As[hutch.Linker](iofs.New(bare{os.DirFS(t.TempDir())})); ok {
		t.Error("what hides its links has a Linker")
	}
}
