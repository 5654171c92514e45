package local

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

func confine(t *testing.T, s *Sandbox, c hutch.Confinement) {
	t.Helper()
	if err := s.Confine(context.Background(), c); err != nil {
		t.Fatal(err)
	}
}

// works reports whether a script ends with status 0.
func works(t *testing.T, s *Sandbox, script string) bool {
	t.Helper()
	res, err := s.Exec(context.Background(), hutch.Shell(script))
	if err != nil {
		t.Fatal(err)
	}
	return res.ExitCode == 0
}

// TestConfineInNextJail: the helper dies, and what was confined still is.
func TestConfineInNextJail(t *testing.T) {
	needJail(t, Isolated)
	ctx := context.Background()
	s := openLevel(t, Options{}, Capped)
	for _, name := range []string{"a/.env", "b.key", "free"} {
		if _, err := hutch.WriteFile(ctx, s, name, []byte(name), nil); err != nil {
			t.Fatal(err)
		}
	}
	confine(t, s, hutch.Confinement{Hide: []string{"**/.env"}})
	confine(t, s, hutch.Confinement{Protect: []string{"*.key"}})
	for range 2 {
		if works(t, s, "cat a/.env") || works(t, s, "echo x > b.key") || !works(t, s, "cat free") {
			t.Error("not confined")
		}
		j, err := s.enter(ctx)
		if err != nil {
			t.Fatal(err)
		}
		s.cell.gone(j)
	}
	if b, err := hutch.ReadFile(ctx, s, "a/.env"); err != nil || string(b) != "a/.env" {
		t.Errorf("file operations are confined too: %q %v", b, err)
	}
	for _, bad := range []string{"[", "", "!", "/x"} {
		if err := s.Confine(ctx, hutch.Confinement{Protect: []string{bad}}); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	s.Close()
	if err := s.Confine(ctx, hutch.Confinement{Protect: []string{"x"}}); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// TestHideOption holds from the first command on, or there is none.
func TestHideOption(t *testing.T) {
	needJail(t, Isolated)
	ctx := context.Background()
	s := openLevel(t, Options{Hide: []string{"**/.env"}}, Capped)
	if _, err := hutch.WriteFile(ctx, s, "a/.env", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if works(t, s, "cat a/.env") || !works(t, s, "echo y > a/free") {
		t.Error("not confined")
	}
	s = openLevel(t, Options{Isolation: Restricted, Hide: []string{"x"}}, Restricted)
	if _, err := s.Exec(ctx, hutch.Shell("true")); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("at a level that cannot hide: %v", err)
	}
	if _, err := Open(t.TempDir(), &Options{Hide: []string{"["}}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a bad pattern: %v", err)
	}
}

// TestConfineLesser: what cannot be kept is not promised.
func TestConfineLesser(t *testing.T) {
	needJail(t, Restricted)
	ctx := context.Background()
	for _, level := range []Isolation{Restricted, Unconfined} {
		s := openLevel(t, Options{Isolation: level}, level)
		confine(t, s, hutch.Confinement{})
		err := s.Confine(ctx, hutch.Confinement{Hide: []string{"x"}})
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), level.String()) {
			t.Errorf("%v: %v", level, err)
		}
		if !works(t, s, "echo x > x && cat x") {
			t.Errorf("%v: something has changed", level)
		}
	}
}

// TestConfinedNameIsFree: commands cannot make what file operations can, and what stands in its place is not there for these.
func TestConfinedNameIsFree(t *testing.T) {
	needJail(t, Isolated)
	ctx := context.Background()
	s := openLevel(t, Options{}, Capped)
	confine(t, s, hutch.Confinement{Protect: []string{"conf/a", "top", "gone", "full/a"}})
	for _, script := range []string{"mkdir -p conf && echo x > conf/a", "echo x > top", "mkdir top", "echo x > gone"} {
		if works(t, s, script) {
			t.Errorf("%q worked", script)
		}
	}
	for _, name := range []string{"conf", "conf/a", "top"} {
		if _, err := s.Stat(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v", name, err)
		}
		if f, err := s.Open(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %s: %v %v", name, f, err)
		}
		if err := s.Remove(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("remove %s: %v", name, err)
		}
		if err := hutch.Move(ctx, s, name, "x"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("move %s: %v", name, err)
		}
	}
	for _, err := range s.List(ctx, "conf") {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("list: %v", err)
		}
	}
	for i := range s.List(ctx, ".") {
		t.Errorf("%s is listed", i.Name)
	}
	for _, name := range []string{"conf/b", "conf/a", "top", "full/b"} {
		if _, err := hutch.WriteFile(ctx, s, name, []byte("x"), &hutch.WriteOptions{IfRev: hutch.Absent}); err != nil {
			t.Errorf("write %s: %v", name, err)
		}
	}
	if err := hutch.Move(ctx, s, "conf/b", "gone"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"conf/a", "top", "gone", "full/a"} {
		if works(t, s, "echo y >> "+name) {
			t.Errorf("%s can be written", name)
		}
	}
	if !works(t, s, "echo x > conf/c && echo y > full/b && rm full/b") {
		t.Error("what is beside is not free")
	}
	if err := hutch.RemoveAll(ctx, s, "full"); err != nil {
		t.Error(err)
	}
	if !works(t, s, "true") {
		t.Error("true")
	}
}
