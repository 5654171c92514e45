package deepagent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
	"github.com/hutch-dev/hutch/iofs"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/state"
)

// world is all files and their contents and modes.
func world(t testing.TB, b hutch.Backend) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, err := range hutch.Walk(t.Context(), b, ".") {
		if err != nil {
			t.Fatal(err)
		}
		if all[i.Name] = "link"; i.Mode.IsRegular() {
			all[i.Name] = fmt.Sprintf("%o %s", i.Mode.Perm(), get(t, b, i.Name))
		}
	}
	return all
}

func sameWorld(t testing.TB, b hutch.Backend, want map[string]string) {
	t.Helper()
	if got := world(t, b); !maps.Equal(got, want) {
		t.Errorf("there is %v, want %v", got, want)
	}
}

func snapshot(t testing.TB, s hutch.Snapshotter) hutch.Snapshot {
	t.Helper()
	snap, err := s.TakeSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func remove(t testing.TB, b hutch.Backend, names ...string) {
	t.Helper()
	for _, n := range names {
		if err := hutch.RemoveAll(t.Context(), b, n); err != nil {
			t.Fatal(err)
		}
	}
}

// directory is a backend in a directory, which needs no jail.
func directory(t testing.TB) (*local.Sandbox, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// What was changed, removed, added, made a directory or a file goes back, any
// number of times.
func TestCopied(t *testing.T) {
	onDisk, _ := directory(t)
	for name, b := range map[string]hutch.Backend{"local": onDisk, "state": state.New(nil)} {
		t.Run(name, func(t *testing.T) { copiedGoesBack(t, b) })
	}
}

func copiedGoesBack(t *testing.T, b hutch.Backend) {
	for _, n := range []string{"same", "changed", "gone/deep/file", "file", "dir/a", "dir/b", "twice", "left/x"} {
		put(t, b, n, "first "+n)
	}
	put(t, b, "twice2", "first twice")
	if _, err := hutch.WriteFile(t.Context(), b, "run.sh", []byte("#!/bin/sh\n"), &hutch.WriteOptions{Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	want := world(t, b)
	snap := snapshot(t, deepagent.Copied(b, &deepagent.CopyOptions{Leave: []string{"left"}}))
	for range 2 {
		put(t, b, "changed", "second")
		put(t, b, "new/deep/file", "second")
		put(t, b, "left/x", "second")
		remove(t, b, "gone", "file", "dir", "twice")
		put(t, b, "file/now/a/directory", "second")
		put(t, b, "dir", "now a file")
		if _, err := hutch.WriteFile(t.Context(), b, "run.sh", []byte("#!/bin/sh\n"), &hutch.WriteOptions{Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if err := snap.Restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		want["left/x"] = "644 second"
		sameWorld(t, b, want)
		if _, err := b.Stat(t.Context(), "new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an empty directory stays: %v", err)
		}
	}
	if err := errors.Join(snap.Close(), snap.Close()); err != nil {
		t.Error(err)
	}
	if err := snap.Restore(t.Context()); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// counted counts what is read, and lets a test come between.
type counted struct {
	hutch.Backend
	opened int
	write  func(name string) error
	stat   func()
}

func (c *counted) As(target any) bool {
	l, ok := target.(*hutch.Linker)
	if ok {
		*l = selfLinker{c}
	}
	return ok
}

// selfLinker is a backend without links.
type selfLinker struct{ b hutch.Backend }

func (selfLinker) Real(_ context.Context, name string) (string, error) { return name, nil }
func (l selfLinker) Unlinked() hutch.Backend                           { return l.b }

func (c *counted) Open(ctx context.Context, name string) (hutch.File, error) {
	c.opened++
	return c.Backend.Open(ctx, name)
}

func (c *counted) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if c.stat != nil {
		c.stat()
	}
	return c.Backend.Stat(ctx, name)
}

func (c *counted) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	if c.write != nil {
		if err := c.write(name); err != nil {
			return hutch.Info{}, err
		}
	}
	return c.Backend.Write(ctx, name, r, o)
}

func TestCopiedReadsNothingTwice(t *testing.T) {
	c := &counted{Backend: memory("a", "1", "b", "2", "c", "3")}
	s := deepagent.Copied(c, nil)
	first := snapshot(t, s)
	put(t, c, "b", "22")
	defer snapshot(t, s).Close()
	if c.opened != 4 {
		t.Errorf("%d files were read", c.opened)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	defer snapshot(t, s).Close()
	if c.opened != 4 {
		t.Errorf("after the first one was let go %d", c.opened)
	}
}

func TestCopiedIsBounded(t *testing.T) {
	b := memory("a", strings.Repeat("a", 60), "b", strings.Repeat("a", 60))
	s := deepagent.Copied(b, &deepagent.CopyOptions{MaxBytes: 100, MaxFiles: 2})
	first := snapshot(t, s) // the same content counts once
	put(t, b, "a", strings.Repeat("x", 60))
	if _, err := s.TakeSnapshot(t.Context()); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("bytes: %v", err)
	}
	if err := first.Restore(t.Context()); !errors.Is(err, hutch.ErrTooLarge) || get(t, b, "a") != strings.Repeat("x", 60) {
		t.Errorf("going back could not be undone: %v", err)
	}
	first.Close()
	remove(t, b, "b")
	snapshot(t, s).Close()
	put(t, b, "c", "")
	put(t, b, "d", "")
	if _, err := s.TakeSnapshot(t.Context()); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("files: %v", err)
	}
	if _, err := deepagent.Copied(b, &deepagent.CopyOptions{Leave: []string{"/c"}}).TakeSnapshot(t.Context()); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a bad name: %v", err)
	}
}

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
