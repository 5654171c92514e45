package limit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/limit"
	"github.com/hutch-dev/hutch/state"
)

var ctx = context.Background()

func TestBackend(t *testing.T) {
	inner := func(testing.TB) hutch.Backend { return state.New(nil) }
	t.Run("None", func(t *testing.T) {
		backendtest.TestWrapper(t, inner, func(_ testing.TB, b hutch.Backend) hutch.Backend { return limit.New(b, limit.Options{}) })
	})
	t.Run("Wide", func(t *testing.T) {
		const wide = 1 << 40
		backendtest.TestWrapper(t, inner, func(_ testing.TB, b hutch.Backend) hutch.Backend {
			return limit.New(b, limit.Options{wide, wide, wide, wide, wide, wide, wide, wide, wide})
		})
	})
}

// tooLarge fails unless err says that a cap was met, by name.
func tooLarge(t testing.TB, what string, err error, name string) {
	t.Helper()
	var pe *fs.PathError
	if !errors.Is(err, hutch.ErrTooLarge) || !errors.As(err, &pe) || pe.Path != name || !strings.Contains(err.Error(), "at most") {
		t.Errorf("%s: %v", what, err)
	}
}

func put(t testing.TB, b hutch.Backend, name string, n int) {
	t.Helper()
	if err := write(b, name, n); err != nil {
		t.Fatal(err)
	}
}

func write(b hutch.Backend, name string, n int) error {
	_, err := hutch.WriteFile(ctx, b, name, []byte(strings.Repeat("x", n)), nil)
	return err
}

func grow(b hutch.Backend, name string, n int) error {
	_, err := hutch.UpdateFile(ctx, b, name, func(before []byte, _ hutch.Info) ([]byte, error) {
		return append(before[:len(before):len(before)], strings.Repeat("y", n)...), nil
	})
	return err
}

func TestFileBytes(t *testing.T) {
	b := state.New(nil)
	l := limit.New(b, limit.Options{FileBytes: 10})
	put(t, l, "f", 10)
	tooLarge(t, "write", write(l, "f", 11), "f")
	tooLarge(t, "write of a stream", second(l.Write(ctx, "f", io.MultiReader(strings.NewReader("12345"), strings.NewReader("678901")), nil)), "f")
	tooLarge(t, "edit", grow(l, "f", 1), "f")
	if data, _ := hutch.ReadFile(ctx, b, "f"); string(data) != "xxxxxxxxxx" {
		t.Errorf("a write that was refused leaves %q", data)
	}
	put(t, l, "g", 9)
	if err := grow(l, "g", 1); err != nil {
		t.Error(err)
	}
	tooLarge(t, "copy", hutch.Copy(ctx, l, "c", filled(t, 11), "f"), "c")
}

func second[T any](_ T, err error) error { return err }

func filled(t testing.TB, n int) hutch.Backend {
	t.Helper()
	b := state.New(nil)
	put(t, b, "f", n)
	return b
}

func TestWriteBytes(t *testing.T) {
	b := state.New(nil)
	l := limit.New(b, limit.Options{WriteBytes: 100})
	put(t, l, "a", 60)
	tooLarge(t, "write", write(l, "b", 41), "b") // gives back what it took
	boom := errors.New("boom")
	if _, err := l.Write(ctx, "c", io.MultiReader(strings.NewReader("12345"), failing{boom}), nil); !errors.Is(err, boom) {
		t.Error(err)
	}
	if _, err := hutch.WriteFile(ctx, l, "a", []byte("x"), &hutch.WriteOptions{IfRev: hutch.Absent}); !errors.Is(err, hutch.ErrConflict) {
		t.Error(err)
	}
	l.Remove(ctx, "a") // gives back nothing
	put(t, l, "a", 19)
	if err := grow(l, "a", 1); err != nil { // 20 bytes written
		t.Error(err)
	}
	put(t, l, "e", 1)
	tooLarge(t, "edit", grow(l, "a", 1), "a")
	tooLarge(t, "write", write(l, "f", 1), "f")
	if err := write(l, "empty", 0); err != nil {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// An edit counts once, however often it is tried, and not if it fails.
func TestEditsCount(t *testing.T) {
	b := filled(t, 1)
	var fails error
	l := limit.New(backendtest.Faulty(b, func(op, _ string) error {
		if op == "write" {
			return fails
		}
		return nil
	}), limit.Options{WriteBytes: 10})
	fails = errors.New("boom")
	if err := grow(l, "f", 5); !errors.Is(err, fails) {
		t.Error(err)
	}
	fails = nil
	tries := 0
	_, err := hutch.UpdateFile(ctx, l, "f", func(before []byte, _ hutch.Info) ([]byte, error) {
		if tries++; tries < 4 {
			put(t, b, "f", 3)
		}
		return []byte("12345678"), nil
	})
	if err != nil || tries != 4 {
		t.Error(err, tries)
	}
	put(t, l, "g", 2)
	tooLarge(t, "write", write(l, "g", 1), "g")
}

func TestReadBytes(t *testing.T) {
	l := limit.New(filled(t, 60), limit.Options{ReadBytes: 100})
	if data, err := hutch.ReadFile(ctx, l, "f"); len(data) != 60 || err != nil {
		t.Fatal(len(data), err)
	}
	f, err := l.Open(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	tooLarge(t, "read", err, "f")
	if len(data) != 40 {
		t.Errorf("%d bytes were read of 40", len(data))
	}
	n, err := f.(io.ReaderAt).ReadAt(make([]byte, 5), 0)
	tooLarge(t, "ReadAt", err, "f")
	if n != 0 {
		t.Errorf("ReadAt gives %d bytes", n)
	}
	tooLarge(t, "edit", grow(l, "f", 1), "f")
	if _, err := l.Stat(ctx, "f"); err != nil {
		t.Error(err)
	}
}

func TestOperations(t *testing.T) {
	for op, do := range map[string]func(b hutch.Backend) error{
		"open":   func(b hutch.Backend) error { return second(hutch.ReadFile(ctx, b, "f")) },
		"stat":   func(b hutch.Backend) error { return second(b.Stat(ctx, "f")) },
		"write":  func(b hutch.Backend) error { return write(b, "f", 1) },
		"edit":   func(b hutch.Backend) error { return grow(b, "f", 1) },
		"rename": func(b hutch.Backend) error { return hutch.Move(ctx, b, "f", "f") },
		"list":   func(b hutch.Backend) error { return second(hutch.Collect(b.List(ctx, "."))) },
		"walk":   func(b hutch.Backend) error { return second(hutch.Collect(hutch.Walk(ctx, b, "."))) },
		"glob":   func(b hutch.Backend) error { return second(hutch.Collect(hutch.Glob(ctx, b, "**", nil))) },
		"grep": func(b hutch.Backend) error {
			return second(hutch.Collect(hutch.Grep(ctx, b, hutch.Query{Pattern: "x"})))
		},
		"exec": func(b hutch.Backend) error { return run(b, &hutch.Cmd{Args: []string{"x"}}) },
	} {
		s := &sandbox{Backend: filled(t, 3).(*state.Backend)}
		l := limit.New(s, limit.Options{Operations: 3})
		for range 3 {
			if err := do(l); err != nil {
				t.Errorf("%s: %v", op, err)
			}
		}
		err := do(l)
		if name := err.(*fs.PathError).Path; name != "." {
			tooLarge(t, op, err, "f")
		}
		tooLarge(t, "remove", l.Remove(ctx, "f"), "f")
	}
}

func TestEntries(t *testing.T) {
	b := state.New(nil)
	for i := range 6 {
		hutch.WriteFile(ctx, b, fmt.Sprintf("d/%d", i), []byte("x\nx\n"), nil)
	}
	for _, most := range []int64{5, 6, 7} {
		l := limit.New(b, limit.Options{Entries: most, Matches: most})
		for op, seq := range map[string]func(func(hutch.Info, error) bool){
			"list": l.List(ctx, "d"), "walk": hutch.Walk(ctx, l, "."), "glob": hutch.Glob(ctx, l, "d/*", nil),
		} {
			infos, err := hutch.Collect(seq)
			if most < 6 && !errors.Is(err, hutch.ErrTooLarge) || most >= 6 && err != nil || len(infos) != int(min(most, 6)) {
				t.Errorf("%s, at most %d: %d and %v", op, most, len(infos), err)
			}
		}
	}
	l := limit.New(b, limit.Options{Entries: 1, Matches: 11})
	matches, err := hutch.Collect(hutch.Grep(ctx, l, hutch.Query{Pattern: "x"}))
	tooLarge(t, "grep", err, ".")
	if len(matches) != 11 {
		t.Errorf("%d matches", len(matches))
	}
	if matches, err = hutch.Collect(hutch.Grep(ctx, l, hutch.Query{Pattern: "x", Max: 11})); err != nil || len(matches) != 11 {
		t.Errorf("%d matches, %v", len(matches), err)
	}
}

// Side by side exactly as much goes through as one after the other.
func TestParallel(t *testing.T) {
	b := state.New(nil)
	s := &sandbox{Backend: b}
	l := limit.New(s, limit.Options{WriteBytes: 1000, ReadBytes: 777, Operations: 2000, Commands: 100})
	put(t, b, "r", 10)
	var wrote, read, ran, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 40 {
				if write(l, fmt.Sprintf("%d/%d", i, j), 10) == nil {
					wrote.Add(10)
				}
				if f, err := l.Open(ctx, "r"); err == nil {
					data, _ := io.ReadAll(f)
					read.Add(int64(len(data)))
					f.Close()
				}
				if run(l, hutch.Shell("x")) == nil {
					ran.Add(1)
				}
			}
		})
	}
	all.Wait()
	for range 200 {
		if second(l.Stat(ctx, "r")) != nil {
			refused.Add(1)
		}
	}
	if wrote.Load() != 1000 || read.Load() != 777 || ran.Load() != 100 || refused.Load() != 120 {
		t.Errorf("wrote %d, read %d, ran %d, %d refused", wrote.Load(), read.Load(), ran.Load(), refused.Load())
	}
}

// Views on the same backend share its caps.
func TestUnlinked(t *testing.T) {
	l := limit.New(state.New(nil), limit.Options{WriteBytes: 10})
	k, ok := hutch.As[hutch.Linker](l)
	if !ok {
		t.Fatal("no links")
	}
	put(t, k.Unlinked(), "a", 6)
	tooLarge(t, "write", write(l, "b", 5), "b")
	tooLarge(t, "write", write(k.Unlinked(), "b", 5), "b")
}

// To go back is possible when everything is used up.
func TestSnapshot(t *testing.T) {
	l := limit.New(state.New(nil), limit.Options{Operations: 2})
	s, ok := hutch.As[hutch.Snapshotter](l)
	if !ok {
		t.Fatal("no snapshots")
	}
	snap, err := s.TakeSnapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	put(t, l, "a", 1)
	_, err = s.TakeSnapshot(ctx)
	tooLarge(t, "snapshot", err, ".")
	if err := snap.Restore(ctx); err != nil {
		t.Error(err)
	}
}
