package hutch_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

func TestClean(t *testing.T) {
	for _, c := range []struct{ dir, path, want string }{
		{".", "a", "a"},
		{"", "", "."},
		{".", "/", "."},
		{".", ".", "."},
		{".", "./", "."},
		{".", "/.", "."},
		{"a/b", "", "a/b"},
		{"a/b", "c", "a/b/c"},
		{"a/b", "/c", "c"},
		{"a/b", "..", "a"},
		{"a/b", "../..", "."},
		{"a/b", "../../..", "!"},
		{".", "..", "!"},
		{".", "/..", "!"},
		{".", "a/../../b", "!"},
		{".", "a//b/./c/", "a/b/c"},
		{".", "a..b", "a..b"},
		{".", "...", "..."},
		{".", "[...slug]/x", "[...slug]/x"},
		{".", "~", "~"},
		{".", `a\..\..\b`, `a\..\..\b`},
		{".", "a\x00b", "!"},
		{".", "a\xffb", "!"},
		{".", strings.Repeat("x", 255), strings.Repeat("x", 255)},
		{".", strings.Repeat("x", 256), "!"},
		{".", strings.Repeat("x/", 2049), "!"},
		{"../x", "a", "!"},
		{"a\x00", "a", "!"},
	} {
		got, err := hutch.Clean(c.dir, c.path)
		if c.want == "!" {
			var pe *fs.PathError
			if !errors.Is(err, fs.ErrInvalid) || !errors.As(err, &pe) || got != "" {
				t.Errorf("Clean(%q, %q) = %q, %v; want a refusal", c.dir, c.path, got, err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("Clean(%q, %q) = %q, %v; want %q", c.dir, c.path, got, err, c.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "/", "a/../b", "../x", "a//b", "a\x00", "\xff", "...", "/workspace/../etc/passwd"} {
		f.Add("sub/dir", s)
	}
	f.Fuzz(func(t *testing.T, dir, p string) {
		name, err := hutch.Clean(dir, p)
		if err != nil {
			if !errors.Is(err, fs.ErrInvalid) || name != "" {
				t.Fatalf("Clean(%q, %q) = %q, %v", dir, p, name, err)
			}
			return
		}
		if err := hutch.CheckName("x", name); err != nil {
			t.Fatalf("Clean(%q, %q) = %q, which is no name: %v", dir, p, name, err)
		}
		again, err := hutch.Clean(dir, "/"+name)
		if err != nil || again != name {
			t.Fatalf("Clean is not stable: %q became %q, %v", name, again, err)
		}
	})
}

// rooted is a backend whose commands see it at a path.
type rooted struct {
	hutch.Backend
	root string
}

func (r rooted) Root() string { return r.root }

func TestResolve(t *testing.T) {
	b := rooted{root: "/workspace"}
	for _, c := range []struct{ path, want string }{
		{"/workspace", "."},
		{"/workspace/", "."},
		{"/workspace/a/b", "a/b"},
		{"/workspace//a/../b", "b"},
		{"/workspace2/a", "!"},
		{"/work", "!"},
		{"/workspace/../etc/passwd", "!"},
		{"/etc/passwd", "!"},
		{"/", "!"},
		{"x", "dir/x"},
		{"../x", "x"},
		{"../../x", "!"},
	} {
		got, err := hutch.Resolve(b, "dir", c.path)
		switch {
		case c.want == "!" && !errors.Is(err, fs.ErrInvalid), c.want != "!" && (err != nil || got != c.want):
			t.Errorf("Resolve(%q) = %q, %v; want %q", c.path, got, err, c.want)
		case err == nil:
			if back, err := hutch.Resolve(b, ".", hutch.PathOf(b, got)); err != nil || back != got {
				t.Errorf("PathOf(%q) leads to %q, %v", got, back, err)
			}
		}
	}
	_, err := hutch.Resolve(b, ".", "/etc/passwd")
	if err == nil || !strings.Contains(err.Error(), "/workspace") {
		t.Errorf("the error does not say where the workspace is: %v", err)
	}
	if got, err := hutch.Resolve(rooted{root: "/"}, ".", "/a"); got != "a" || err != nil {
		t.Errorf("root at /: %q, %v", got, err)
	}
}
