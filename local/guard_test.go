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

func TestProtected(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		protected := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %v, want a refusal", what, err)
			}
		}
		write := func(name string) error {
			_, err := hutch.WriteFile(ctx, s, name, []byte("x"), nil)
			return err
		}
		try := func() {
			t.Helper()
			for _, name := range []string{
				".git/config", ".git/hooks", ".git/hooks/pre-commit", ".gitmodules", ".GIT/config", ".git/Hooks/x", ".git",
				"link/config", "link/hooks/x", "tolink", ".hutch-tmp/x", ".hutch-tmp",
			} {
				protected("write "+name, write(name))
			}
			protected("move away", hutch.Move(ctx, s, ".git", "moved"))
			protected("move in", hutch.Move(ctx, s, "other", ".git"))
			protected("move over", hutch.Move(ctx, s, "other/config", ".git/config"))
			protected("remove", s.Remove(ctx, ".git/config"))
		}
		must(t, os.Symlink(".git", filepath.Join(dir, "link")))
		must(t, os.Symlink("link/config", filepath.Join(dir, "tolink")))
		must(t, write("other/config"))
		try() // while they are absent
		must(t, write(".git/HEAD"))
		must(t, write(".gitignore"))
		must(t, os.MkdirAll(filepath.Join(dir, ".git/hooks"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, ".git/config"), []byte("mine"), 0o644))
		try()
		protected("remove all", hutch.RemoveAll(ctx, s, ".git"))
		if got, err := hutch.ReadFile(ctx, s, ".git/config"); err != nil || string(got) != "mine" {
			t.Errorf(".git/config: %q, %v", got, err)
		}
	})
}

func TestProtectOptions(t *testing.T) {
	ctx := context.Background()
	s := mustOpen(t, t.TempDir(), &Options{Protect: []string{"/ci/deploy.sh"}, Unprotect: []string{".gitmodules"}})
	if _, err := hutch.WriteFile(ctx, s, ".gitmodules", nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := hutch.WriteFile(ctx, s, "ci/deploy.sh", nil, nil); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if _, err := hutch.WriteFile(ctx, s, "ci/other.sh", nil, nil); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"..", "/", ".", "a/../..", "x\x00"} {
		if _, err := Open(t.TempDir(), &Options{Protect: []string{bad}}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("protect %q: %v", bad, err)
		}
	}
}

// TestStagingReplaced: where commands can reach the staging directory, they may
// put a link in its place; nothing outside is written or swept.
func TestStagingReplaced(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		outside := filepath.Join(filepath.Dir(dir), "outside")
		must(t, os.Mkdir(outside, 0o755))
		must(t, os.WriteFile(filepath.Join(outside, "mine"), []byte("mine"), 0o644))
		for _, target := range []string{outside, "../outside", "inside"} {
			if _, err := hutch.WriteFile(ctx, s, "inside/mine", []byte("mine"), nil); err != nil {
				t.Fatal(err)
			}
			must(t, os.RemoveAll(filepath.Join(dir, staging)))
			must(t, os.Symlink(target, filepath.Join(dir, staging)))
			if _, err := hutch.WriteFile(ctx, s, "f", []byte("x"), nil); err == nil {
				t.Errorf("written through a link to %s", target)
			}
			again, err := Open(dir, nil) // sweeps
			must(t, err)
			must(t, again.Close())
			for _, d := range []string{outside, filepath.Join(dir, "inside")} {
				if got := names(t, d); len(got) != 1 {
					t.Errorf("link to %s: %s holds %v", target, d, got)
				}
			}
			must(t, os.Remove(filepath.Join(dir, staging)))
		}
	})
}
