package keep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/state"
)

func put(t *testing.T, s *Store, text string) hutch.Info {
	t.Helper()
	i, err := s.Write(t.Context(), "execute", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// kept is what is in the directory besides the file for git.
func kept(t *testing.T, b hutch.Backend) (names []string) {
	t.Helper()
	for i, err := range b.List(t.Context(), DefaultDir) {
		if err != nil {
			t.Fatal(err)
		}
		if i.Name != DefaultDir+"/.gitignore" {
			names = append(names, i.Name)
		}
	}
	return names
}

func TestWrite(t *testing.T) {
	b := state.New(nil)
	s := New(b, nil)
	one, two := put(t, s, "one"), put(t, s, "two")
	if one.Name == two.Name || !strings.HasPrefix(one.Name, ".hutch/out/execute-") || one.Mode.Perm() != 0o600 {
		t.Errorf("%+v, %+v", one, two)
	}
	if data, err := hutch.ReadFile(t.Context(), b, one.Name); string(data) != "one" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	if data, err := hutch.ReadFile(t.Context(), b, ".hutch/out/.gitignore"); string(data) != "*\n" || err != nil {
		t.Errorf(".gitignore: %q, %v", data, err)
	}
	for _, label := range []string{"", "../x", "A", "a/b", "a-b"} {
		if _, err := s.Write(t.Context(), label, strings.NewReader("x")); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("label %q: %v", label, err)
		}
	}
}

func TestRemove(t *testing.T) {
	b := state.New(nil)
	s := New(b, nil)
	one := put(t, s, "one")
	for _, name := range []string{"a", ".hutch/out/a", ".hutch/out/.gitignore", "src/" + one.Name[len(DefaultDir)+1:], DefaultDir, one.Name + "x"} {
		if err := s.Remove(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Remove(t.Context(), one.Name); err != nil {
		t.Error(err)
	}
}

// TestSweep: what is old goes, then the oldest of what is too much, and never
// what somebody else has put there.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := state.New(nil)
		others := []string{DefaultDir + "/notes.log", DefaultDir + "/execute-1.log", DefaultDir + "/sub/execute-aaaaaaaaaaaaaaaaaaaa.log", DefaultDir + "/EXECUTE-aaaaaaaaaaaaaaaaaaaa.log"}
		for _, name := range others {
			if _, err := hutch.WriteFile(t.Context(), b, name, []byte("mine"), nil); err != nil {
				t.Fatal(err)
			}
		}
		var all []string
		s := New(b, &Options{Files: 16, Size: 1000})
		for i := range 100 {
			time.Sleep(time.Second)
			all = append(all, put(t, s, fmt.Sprint(i)).Name)
			if n := len(kept(t, b)); n > 16+4 {
				t.Fatalf("%d files", n)
			}
		}
		left := kept(t, b)
		for i, name := range all {
			if there := slices.Contains(left, name); there && i < 80 || !there && i >= 90 {
				t.Errorf("file %d: there %v", i, there)
			}
		}
		big := New(b, &Options{Size: 1000})
		for range 10 {
			time.Sleep(time.Second)
			put(t, big, strings.Repeat("x", 300))
		}
		var size int64
		for _, name := range kept(t, b) {
			i, _ := b.Stat(t.Context(), name)
			size += i.Size
		}
		if size > 1000+300 {
			t.Errorf("%d bytes", size)
		}
		time.Sleep(8 * 24 * time.Hour)
		last := put(t, New(b, nil), "last")
		left = kept(t, b)
		for _, name := range others {
			if _, err := b.Stat(t.Context(), name); err != nil {
				t.Errorf("%s of somebody else: %v", name, err)
			}
		}
		if !slices.Contains(left, last.Name) || len(left) != 5 { // three files and a directory of others
			t.Errorf("after a week: %v", left)
		}
	})
}

// TestFull: where nothing can be removed nothing more is kept.
func TestFull(t *testing.T) {
	b := backendtest.Faulty(state.New(nil), func(op, _ string) error {
		if op == "remove" {
			return fs.ErrPermission
		}
		return nil
	})
	s := New(b, &Options{Files: 4})
	for range 4 {
		put(t, s, "x")
	}
	if _, err := s.Write(t.Context(), "execute", strings.NewReader("x")); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("a fifth: %v", err)
	}
	if _, err := New(b, &Options{Files: 4}).Write(t.Context(), "execute", strings.NewReader("x")); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("another store: %v", err)
	}
}

// TestDirectory: a directory with the name of a file is none.
func TestDirectory(t *testing.T) {
	b := state.New(nil)
	if _, err := hutch.WriteFile(t.Context(), b, DefaultDir+"/execute-aaaaaaaaaaaaaaaaaaaa.log/x", []byte("mine"), nil); err != nil {
		t.Fatal(err)
	}
	put(t, New(b, &Options{Files: 1}), "one")
}

func TestDenied(t *testing.T) {
	for _, op := range []string{"write", "list"} {
		b := backendtest.Faulty(state.New(nil), func(o, _ string) error {
			if o == op {
				return fs.ErrPermission
			}
			return nil
		})
		if _, err := New(b, nil).Write(t.Context(), "execute", strings.NewReader("x")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s denied: %v", op, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(state.New(nil), nil).Write(ctx, "execute", strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("ctx: %v", err)
	}
}
