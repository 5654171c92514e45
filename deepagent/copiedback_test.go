package deepagent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/iofs"
)

// Where one file cannot be written all stay as they were.
func TestCopiedAllOrNothing(t *testing.T) {
	mem := memory("a", "1", "b", "2", "c", "3", "d/e", "4")
	c := &counted{Backend: mem}
	snap := snapshot(t, deepagent.Copied(c, nil))
	for _, n := range []string{"a", "b", "c", "new/x"} {
		put(t, mem, n, "second")
	}
	remove(t, mem, "d")
	want := world(t, mem)
	full := errors.New("disk full")
	for at := range 4 {
		n := 0
		c.write = func(string) error {
			if n++; n == at+1 {
				return full
			}
			return nil
		}
		if err := snap.Restore(t.Context()); !errors.Is(err, full) {
			t.Errorf("write %d: %v", at, err)
		}
		sameWorld(t, mem, want)
	}
}

// Another one who writes while it goes back, and the end of the context, undo it.
func TestCopiedInterrupted(t *testing.T) {
	mem := memory("a", "1", "b", "2", "c", "3", "d/e", "4")
	c := &counted{Backend: mem}
	snap := snapshot(t, deepagent.Copied(c, nil))
	for _, n := range []string{"a", "b", "c", "new/x"} {
		put(t, mem, n, "second")
	}
	remove(t, mem, "d")
	want := world(t, mem)
	n := 0
	c.write = func(string) error {
		if n++; n == 2 {
			put(t, mem, "c", "third")
		}
		return nil
	}
	if err := snap.Restore(t.Context()); !errors.Is(err, hutch.ErrConflict) {
		t.Errorf("%v", err)
	}
	want["c"] = "644 third"
	sameWorld(t, mem, want)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n = 0
	c.write = func(string) error {
		if n++; n == 2 {
			cancel()
			return ctx.Err()
		}
		return nil
	}
	if err := snap.Restore(ctx); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "not undone") {
		t.Errorf("%v", err)
	}
	sameWorld(t, mem, want)
}

// What was changed after it was looked at is an error before the first write.
func TestCopiedMeanwhile(t *testing.T) {
	mem := memory("a", "1", "b", "2")
	c := &counted{Backend: mem}
	snap := snapshot(t, deepagent.Copied(c, nil))
	meddle := map[string]func(){
		"changed": func() { put(t, mem, "b", "third") },
		"removed": func() { remove(t, mem, "b") },
		"made":    func() { put(t, mem, "a", "third") },
	}
	for name, do := range meddle {
		put(t, mem, "b", "second")
		remove(t, mem, "a")
		c.stat = func() { c.stat = nil; do() }
		c.write = func(string) error { t.Errorf("%s: something was written", name); return nil }
		if err := snap.Restore(t.Context()); !errors.Is(err, hutch.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is to be removed is looked at again just before.
func TestCopiedRemovesWhatItSaw(t *testing.T) {
	mem := memory()
	c := &counted{Backend: mem}
	snap := snapshot(t, deepagent.Copied(c, nil))
	put(t, mem, "new", "second")
	looked := 0
	c.stat = func() {
		if looked++; looked == 2 {
			put(t, mem, "new", "third")
		}
	}
	if err := snap.Restore(t.Context()); !errors.Is(err, hutch.ErrConflict) || get(t, mem, "new") != "third" {
		t.Errorf("%v", err)
	}
}

// A link that has come is removed, and nothing is written through it; one that is
// gone, or leads elsewhere, is an error and nothing is touched.
func TestCopiedLinks(t *testing.T) {
	b, dir := directory(t)
	for _, n := range []string{"a", "dir/x", "other/x"} {
		put(t, b, n, "first "+n)
	}
	link := func(to, name string) {
		os.RemoveAll(filepath.Join(dir, name))
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	link("other", "old")
	want := world(t, b)
	snap := snapshot(t, deepagent.Copied(b, nil))
	link("other/x", "a")
	link("other", "dir")
	link("a", "new")
	link("/etc", "out")
	if err := snap.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	sameWorld(t, b, want)
	put(t, b, "a", "second")
	link("dir", "old")
	if err := snap.Restore(t.Context()); !errors.Is(err, errors.ErrUnsupported) || get(t, b, "a") != "second" {
		t.Errorf("a link that leads elsewhere: %v", err)
	}
	remove(t, b, "old")
	if err := snap.Restore(t.Context()); !errors.Is(err, errors.ErrUnsupported) || get(t, b, "a") != "second" {
		t.Errorf("a link that is gone: %v", err)
	}
}

// What has no Linker, or cannot be written, is an error and not a half.
func TestCopiedOfOthers(t *testing.T) {
	plain := struct{ hutch.Backend }{memory("a", "1")}
	if _, err := deepagent.Copied(plain, nil).TakeSnapshot(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("1"), 0o644); err != nil {
		t.Fatal(err)
	}
	snap := snapshot(t, deepagent.Copied(iofs.New(os.DirFS(dir)), nil))
	if err := snap.Restore(t.Context()); err != nil {
		t.Errorf("nothing is to be done: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("22"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := snap.Restore(t.Context()); err == nil {
		t.Error("it was not written")
	}
}
