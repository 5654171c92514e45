package deepagent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/deepagent"
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
