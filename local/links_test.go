package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/hutch-dev/hutch"
)

// TestReal is about what only links of this package can be.
func TestReal(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		must(t, os.MkdirAll(filepath.Join(dir, "d/e"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "d/f"), nil, 0o644))
		for link, target := range map[string]string{
			"abs": "/workspace/d/f", "absdir": "/workspace/d", "root": "/workspace", "slash": "/workspace/", "up": "d/e/../f", "absnew": "/workspace/new/x",
			"host": dir + "/d/f", "prefix": "/workspace2/f", "sneaky": "/workspace/../etc", "out": "../x",
			"gone": "nothing/../d/f", "below": "d/f/../f", "odd": "d/\xff", "git": ".git/config", "stage": staging,
		} {
			must(t, os.Symlink(target, filepath.Join(dir, link)))
		}
		for name, want := range map[string]string{
			"abs": "d/f", "absdir/f": "d/f", "root": ".", "slash/d": "d", "root/root/abs": "d/f", "up": "d/f", "absnew": "new/x",
			"git": ".git/config", ".git/config": ".git/config", "stage/x": staging + "/x",
		} {
			if got, err := s.Real(ctx, name); err != nil || got != want {
				t.Errorf("Real(%s) = %q, %v; want %q", name, got, err, want)
			}
		}
		for name, want := range map[string]error{
			"host": fs.ErrPermission, "prefix": fs.ErrPermission, "sneaky": fs.ErrPermission, "out": fs.ErrPermission, "odd": fs.ErrPermission,
			"gone": fs.ErrNotExist, "below": hutch.ErrNotDir,
		} {
			got, err := s.Real(ctx, name)
			_, open := hutch.ReadFile(ctx, s, name)
			if !errors.Is(err, want) || got != "" {
				t.Errorf("Real(%s) = %q, %v; want %v", name, got, err, want)
			}
			if name != "odd" && !errors.Is(open, want) {
				t.Errorf("reading %s: %v; want %v", name, open, want)
			}
		}
		must(t, s.Close())
		if _, err := s.Real(ctx, "d"); !errors.Is(err, hutch.ErrClosed) {
			t.Errorf("Real when it is closed: %v", err)
		}
		if _, err := s.Unlinked().Stat(ctx, "d"); !errors.Is(err, hutch.ErrClosed) {
			t.Errorf("Unlinked when it is closed: %v", err)
		}
	})
}

// TestStaged: what is being written is not there before it is.
func TestStaged(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		_, err := s.Write(ctx, "f", readerFunc(func([]byte) (int, error) {
			for _, b := range []hutch.Backend{s, s.Unlinked()} {
				for _, name := range []string{staging, staging + "/lock", ".Hutch-TMP/lock"} {
					if _, err := b.Open(ctx, name); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("Open(%s): %v", name, err)
					}
					if _, err := b.Stat(ctx, name); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("Stat(%s): %v", name, err)
					}
					if all, err := hutch.Collect(b.List(ctx, name)); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("List(%s): %v, %v", name, all, err)
					}
				}
			}
			return 0, errors.New("enough")
		}), nil)
		if err == nil {
			t.Error("written")
		}
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
