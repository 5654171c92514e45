package composite_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

func TestFixed(t *testing.T) {
	c, parts := nested(t)
	before := map[string]state.Snapshot{}
	for at, b := range parts {
		before[at] = b.Snapshot()
	}
	check := func(what, name string, err, want error) {
		t.Helper()
		var pe *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("%s %s: %v, want %v", what, name, err, want)
		}
	}
	for _, name := range []string{"a", "a/m", "a/m/n", "v", "v/w", "v/w/x", "w"} {
		_, err := hutch.WriteFile(ctx, c, name, nil, nil)
		check("write", name, err, hutch.ErrIsDir)
		_, err = c.Open(ctx, name)
		check("open", name, err, hutch.ErrIsDir)
		check("remove", name, c.Remove(ctx, name), fs.ErrPermission)
		check("remove all", name, hutch.RemoveAll(ctx, c, name), fs.ErrPermission)
		check("rename", name, hutch.Move(ctx, c, name, "new"), fs.ErrPermission)
		check("rename a file to", name, hutch.Move(ctx, c, "m", name), hutch.ErrIsDir)
		check("copy a file to", name, hutch.Copy(ctx, c, name, c, "m"), hutch.ErrIsDir)
		check("rename into itself", name+"/x/y", hutch.Move(ctx, c, name, name+"/x/y"), fs.ErrInvalid)
		if err := hutch.Move(ctx, c, name, name); err != nil {
			t.Errorf("rename %s to itself: %v", name, err)
		}
	}
	if err := hutch.RemoveAll(ctx, c, "."); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("remove all: %v", err)
	}
	for at, b := range parts {
		if b.Snapshot() != before[at] {
			t.Errorf("%s has changed", at)
		}
	}
}

func TestMoveAcross(t *testing.T) {
	c, parts := nested(t)
	move := func(from, to string) {
		t.Helper()
		if err := hutch.Move(ctx, c, from, to); err != nil {
			t.Fatal(err)
		}
	}
	move("m", "a/m/n/from-default")
	want(t, "a/m/n", walked(t, parts["a/m/n"], "."), "from-default", "g")
	move("a/m/n/g", "a/m/q") // replaces
	want(t, "a/m", walked(t, parts["a/m"], "."), "f", "n/hidden", "n/p", "o", "q")
	write(t, c, "d/1", "d/e/2")
	move("d", "w/new/d")
	want(t, "w", walked(t, parts["w"], "."), "i", "new/d/1", "new/d/e/2")
	move("w/new/d", "w/d") // within
	want(t, "w", walked(t, parts["w"], "."), "d/1", "d/e/2", "i")
	if data, _ := hutch.ReadFile(ctx, c, "a/m/q"); string(data) != "in g\n" {
		t.Errorf("%q", data)
	}
	if err := hutch.Copy(ctx, c, "everything", c, "a"); err != nil {
		t.Fatal(err)
	}
	want(t, "copy", walked(t, parts["."], "everything"),
		"everything/m-x", "everything/m/f", "everything/m/n/from-default", "everything/m/o", "everything/m/q", "everything/z")
	err := hutch.Move(ctx, c, "w/nothing", "x")
	if pe, ok := err.(*fs.PathError); !ok || pe.Path != "w/nothing" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for from, to := range map[string]string{"w/d": "w/i", "w/i": "w/i/x", "w/d/1": "w/d/e"} {
		err := hutch.Move(ctx, c, from, to)
		if pe, ok := err.(*fs.PathError); !ok || pe.Path != to {
			t.Errorf("move %s to %s: %v", from, to, err)
		}
	}
}

// One backend at two places: a move between them must not eat its own copy.
func TestTwice(t *testing.T) {
	b := backend(t, "d/f")
	c := compose(t, state.New(nil), composite.Routes{"x": b, "y": b})
	if err := hutch.Move(ctx, c, "x/d", "y/d/e"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%v", err)
	}
	want(t, "b", walked(t, b, "."), "d/f")
	if err := hutch.Move(ctx, c, "x/d/f", "y/d/f"); err != nil {
		t.Error(err)
	}
	want(t, "b", walked(t, b, "."), "d/f")
	if err := hutch.Move(ctx, c, "x/d", "y/e"); err != nil {
		t.Error(err)
	}
	want(t, "b", walked(t, b, "."), "e/f")
}

func TestReadOnlyMount(t *testing.T) {
	b := backend(t, "f", "d/g")
	c := compose(t, backend(t, "own"), composite.Routes{"ro": composite.ReadOnly(b)})
	before := b.Snapshot()
	_, err := hutch.WriteFile(ctx, c, "ro/f", nil, nil)
	for what, err := range map[string]error{
		"write": err, "remove": c.Remove(ctx, "ro/f"), "move out": hutch.Move(ctx, c, "ro/f", "taken"), "move in": hutch.Move(ctx, c, "own", "ro/x"),
		"move within": hutch.Move(ctx, c, "ro/f", "ro/x"), "move dir": hutch.Move(ctx, c, "ro/d", "d"), "remove all": hutch.RemoveAll(ctx, c, "ro/d"),
	} {
		var pe *fs.PathError
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || !strings.HasPrefix(pe.Path, "ro/") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if b.Snapshot() != before {
		t.Error("something was written")
	}
	want(t, "all", walked(t, c, "."), "own", "ro/d/g", "ro/f")
	if _, ok := hutch.As[hutch.Renamer](composite.ReadOnly(b)); ok {
		t.Error("a read-only backend renames")
	}
}
