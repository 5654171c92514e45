package iofs_test

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/iofs"
)

var ctx = context.Background()

func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return m
}

func zipFS(t testing.TB, files map[string]string) *zip.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, files[name])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// dir makes a directory of the host with files in it.
func dir(t testing.TB, files map[string]string) string {
	t.Helper()
	host := t.TempDir()
	root := openRoot(t, host)
	for name, text := range files {
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := root.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return host
}

func openRoot(t testing.TB, host string) *os.Root {
	t.Helper()
	r, err := os.OpenRoot(host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// kinds makes an fs.FS of each kind from files. Where a kind cannot hold a name
// (no zip.Reader has one with a backslash, and os.DirFS none that is too long
// for one system call), another stands in.
var kinds = map[string]func(testing.TB, map[string]string) fs.FS{
	"Map":  func(_ testing.TB, files map[string]string) fs.FS { return mapFS(files) },
	"Bare": func(_ testing.TB, files map[string]string) fs.FS { return bare{mapFS(files)} },
	"Root": func(t testing.TB, files map[string]string) fs.FS { return openRoot(t, dir(t, files)).FS() },
	"Dir": func(t testing.TB, files map[string]string) fs.FS {
		host := dir(t, files)
		if some(files, func(name string) bool { return len(host)+len(name) >= hutch.MaxName }) {
			return openRoot(t, host).FS()
		}
		return os.DirFS(host)
	},
	"Zip": func(t testing.TB, files map[string]string) fs.FS {
		if some(files, func(name string) bool { return strings.Contains(name, `\`) }) {
			return mapFS(files)
		}
		return zipFS(t, files)
	},
}

func some(files map[string]string, is func(string) bool) bool {
	return slices.ContainsFunc(slices.Collect(maps.Keys(files)), is)
}

func TestBackend(t *testing.T) {
	for name, open := range kinds {
		t.Run(name, func(t *testing.T) {
			backendtest.TestReadOnly(t, func(t testing.TB, files map[string]string) hutch.Backend {
				return iofs.New(open(t, files))
			})
		})
	}
}

// bare is an fs.FS with no more than it must have.
type bare struct{ fsys fs.FS }

func (b bare) Open(name string) (fs.File, error) { return b.fsys.Open(name) }

//go:embed testdata
var embedded embed.FS

func TestEmbedded(t *testing.T) {
	b := iofs.New(embedded)
	for range 2 { // the second time the revisions are remembered
		files, err := hutch.Collect(hutch.Walk(ctx, b, "testdata"))
		if err != nil || len(files) != 2 || files[0].Name != "testdata/dir/inner.txt" || files[0].Rev == files[1].Rev {
			t.Fatalf("%+v, %v", files, err)
		}
		f, err := b.Open(ctx, files[1].Name)
		if err != nil || f.Info() != files[1] {
			t.Fatalf("%+v, %v", f, err)
		}
		if data, err := io.ReadAll(f); string(data) != "hello\n" || err != nil {
			t.Errorf("%q, %v", data, err)
		}
		f.Close()
	}
	if err := fstest.TestFS(hutch.FS(ctx, b), "testdata/hello.txt", "testdata/dir/inner.txt"); err != nil {
		t.Error(err)
	}
	if _, err := b.Stat(ctx, "testdata/hello.txt/x"); !errors.Is(err, hutch.ErrNotDir) {
		t.Errorf("below a file: %v", err)
	}
}

func rev(t *testing.T, b hutch.Backend, name string) string {
	t.Helper()
	i, err := b.Stat(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.Open(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l, err := hutch.Collect(b.List(ctx, "."))
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(l, func(i hutch.Info) bool { return i.Name == name })
	if i.Rev != f.Info().Rev || i.Rev != l[at].Rev {
		t.Errorf("revisions %q of Stat, %q of Open, %q of List", i.Rev, f.Info().Rev, l[at].Rev)
	}
	return i.Rev
}

// Neither size nor time tells these contents apart.
func TestRevOfChanges(t *testing.T) {
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	root := t.TempDir()
	m := fstest.MapFS{}
	in := map[string]hutch.Backend{"map": iofs.New(m), "dir": iofs.New(os.DirFS(root))}
	seen := map[string]bool{}
	for n := range 100 { // some of them within one tick of the clock
		text := fmt.Sprintf("%04d", n)
		m["f"] = &fstest.MapFile{Data: []byte(text), ModTime: when}
		file := filepath.Join(root, "f")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
		for name, b := range in {
			r := name + rev(t, b, "f")
			if seen[r] {
				t.Errorf("%s: revision %s of an older content", name, r)
			}
			seen[r] = true
		}
	}
}

func TestLinks(t *testing.T) {
	root := dir(t, map[string]string{"in/d/f": "f", "in/g": "g", "secret": "s"})
	for link, target := range map[string]string{
		"file": "d/f", "up": "d/../g", "dir": "d", "chain": "dir/f", "loop": "loop", "dangling": "nothing",
		"out": "../secret", "back": "../in/g", "abs": root + "/in/g", "deep": "dir/../../secret", "d/sub": "../..", "slash": "d/",
	} {
		if err := os.Symlink(target, filepath.Join(root, "in", link)); err != nil {
			t.Skip(err)
		}
	}
	b := iofs.New(os.DirFS(filepath.Join(root, "in")))
	for name, want := range map[string]string{"file": "f", "up": "g", "dir/f": "f", "chain": "f", "slash/f": "f"} {
		if data, err := hutch.ReadFile(ctx, b, name); string(data) != want || err != nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for name, want := range map[string]error{
		"out": fs.ErrPermission, "back": fs.ErrPermission, "abs": fs.ErrPermission, "deep": fs.ErrPermission,
		"d/sub/secret": fs.ErrPermission, "loop": fs.ErrInvalid, "dangling": fs.ErrNotExist, "file/x": hutch.ErrNotDir, "dir": hutch.ErrIsDir,
	} {
		f, err := b.Open(ctx, name)
		var pe *fs.PathError
		if !errors.Is(err, want) || f != nil || !errors.As(err, &pe) || pe.Path != name || errors.As(pe.Err, &pe) {
			t.Errorf("open %s: %v", name, err)
		}
		if _, err := b.Stat(ctx, name); !errors.Is(err, want) && want != hutch.ErrIsDir {
			t.Errorf("stat %s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), root) {
			t.Errorf("%s: a path of the host in %q", name, err)
		}
	}
	l, err := hutch.Collect(b.List(ctx, "dir"))
	if err != nil || len(l) != 2 || l[0].Name != "dir/f" || l[1].Mode.Type() != fs.ModeSymlink || l[1].Rev == "" {
		t.Errorf("%+v, %v", l, err)
	}
}

// Names that hutch does not know must not end a list.
func TestForeignNames(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs a file system without a character set")
	}
	root := dir(t, map[string]string{"a": "a", "\xff": "bad", "z": "z"})
	l, err := hutch.Collect(iofs.New(os.DirFS(root)).List(ctx, "."))
	if err != nil || len(l) != 2 || l[1].Name != "z" {
		t.Errorf("%+v, %v", l, err)
	}
}
