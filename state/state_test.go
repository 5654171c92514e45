package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

var ctx = context.Background()

func write(t testing.TB, b hutch.Backend, name, text string) hutch.Info {
	t.Helper()
	info, err := hutch.WriteFile(ctx, b, name, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// content is all that is in b, by name.
func content(t testing.TB, b hutch.Backend) map[string]string {
	t.Helper()
	all := map[string]string{}
	for info, err := range hutch.Walk(ctx, b, ".") {
		if err != nil {
			t.Fatal(err)
		}
		data, err := hutch.ReadFile(ctx, b, info.Name)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name] = string(data)
	}
	return all
}

func names(t testing.TB, b hutch.Backend, dir string) []string {
	t.Helper()
	var all []string
	for info, err := range hutch.Walk(ctx, b, dir) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, info.Name)
	}
	return all
}

func TestFS(t *testing.T) {
	var b state.Backend
	for _, name := range []string{"a/x", "a-b", "ab", "a/b/c", "z"} {
		write(t, &b, name, name)
	}
	if err := fstest.TestFS(hutch.FS(ctx, &b), "a/x", "a-b", "ab", "a/b/c", "z"); err != nil {
		t.Fatal(err)
	}
}

// A model: the tree must do what a map does.
func TestModel(t *testing.T) {
	segments := []string{"a", "a-", "a-b", "a.", "a0", "b", "~", "é"}
	rng := rand.New(rand.NewPCG(1, 2))
	name := func() string {
		parts := make([]string, 1+rng.IntN(4))
		for i := range parts {
			parts[i] = segments[rng.IntN(len(segments))]
		}
		return strings.Join(parts, "/")
	}
	var b state.Backend
	model := map[string]string{}
	type kept struct {
		s state.Snapshot
		m map[string]string
	}
	var old []kept
	for i := range 5000 {
		if i%50 == 0 {
			old = append(old, kept{b.Snapshot(), maps.Clone(model)})
		}
		n, to := name(), name()
		switch rng.IntN(4) {
		case 0:
			if err := b.Remove(ctx, n); (err == nil) != has(model, n) {
				t.Fatalf("remove %q: %v", n, err)
			}
			delete(model, n)
		case 1:
			rename(t, &b, model, n, to)
		default:
			_, err := hutch.WriteFile(ctx, &b, n, fmt.Append(nil, i), nil)
			if (err == nil) != free(model, n) {
				t.Fatalf("write %q: %v", n, err)
			}
			if err == nil {
				model[n] = fmt.Sprint(i)
			}
		}
		if got := names(t, &b, "."); !slices.Equal(got, slices.Sorted(maps.Keys(model))) {
			t.Fatalf("step %d: %q, want %q", i, got, slices.Sorted(maps.Keys(model)))
		}
	}
	// Whatever was written since, old versions are what they were.
	for _, k := range append(old, kept{b.Snapshot(), model}) {
		var was state.Backend
		if err := was.Restore(k.s); err != nil {
			t.Fatal(err)
		}
		if got := content(t, &was); !maps.Equal(got, k.m) {
			t.Errorf("%q, want %q", got, k.m)
		}
	}
}

func has(model map[string]string, name string) bool { _, ok := model[name]; return ok }

func isDir(model map[string]string, name string) bool {
	for n := range model {
		if strings.HasPrefix(n, name+"/") {
			return true
		}
	}
	return false
}

// free reports whether a file can be written under name.
func free(model map[string]string, name string) bool {
	for i, c := range name {
		if c == '/' && has(model, name[:i]) {
			return false
		}
	}
	return !isDir(model, name)
}

func rename(t *testing.T, b *state.Backend, model map[string]string, from, to string) {
	t.Helper()
	err := b.Rename(ctx, from, to)
	there := has(model, from) || isDir(model, from)
	ok := there && (from == to || !strings.HasPrefix(to, from+"/") && free(model, to) && !(isDir(model, from) && has(model, to)))
	if (err == nil) != ok {
		t.Fatalf("rename %q to %q: %v", from, to, err)
	}
	if !ok || from == to {
		return
	}
	for n, text := range maps.Clone(model) {
		if n == from || strings.HasPrefix(n, from+"/") {
			delete(model, n)
			model[to+n[len(from):]] = text
		}
	}
}

func TestForksAreIndependent(t *testing.T) {
	b := state.New(nil)
	write(t, b, "a/x", "0")
	before := b.Snapshot()
	f := b.Fork()
	r1 := write(t, b, "a/x", "1").Rev
	r2 := write(t, f, "a/x", "2").Rev
	if r1 == r2 {
		t.Errorf("one revision, %s, for two contents", r1)
	}
	write(t, f, "b", "new")
	if err := b.Remove(ctx, "a/x"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f); !maps.Equal(got, map[string]string{"a/x": "2", "b": "new"}) {
		t.Errorf("fork: %q", got)
	}
	if got := content(t, b); len(got) != 0 {
		t.Errorf("origin: %q", got)
	}
	if err := f.Restore(before); err != nil {
		t.Fatal(err)
	}
	if got := content(t, f); !maps.Equal(got, map[string]string{"a/x": "0"}) {
		t.Errorf("restored: %q", got)
	}
	if err := f.Restore(state.Snapshot{}); err != nil || len(content(t, f)) != 0 {
		t.Errorf("the zero snapshot: %v, %q", err, content(t, f))
	}
}

func TestLimits(t *testing.T) {
	b := state.New(&state.Options{MaxBytes: 10, MaxFiles: 2, MaxFileBytes: 6})
	check := func(name, text string, want error) {
		t.Helper()
		before := content(t, b)
		_, err := hutch.WriteFile(ctx, b, name, []byte(text), nil)
		if !errors.Is(err, want) {
			t.Fatalf("write %s: %v, want %v", name, err, want)
		}
		if want != nil && !maps.Equal(before, content(t, b)) {
			t.Errorf("write %s changed something", name)
		}
	}
	check("a", "1234567", hutch.ErrTooLarge)
	check("a", "123456", nil)
	check("b", "12345", hutch.ErrTooLarge)
	check("b", "1234", nil)
	check("c", "", hutch.ErrTooLarge)
	for range 5 { // what is replaced does not count
		check("a", "123456", nil)
	}
	full := b
	b = b.Fork()
	check("c", "", hutch.ErrTooLarge)
	check("b", "12345", hutch.ErrTooLarge)
	check("b", "123", nil)
	b = full
	check("b", "1234", nil)
	check("a", "1234567", hutch.ErrTooLarge)
	if err := b.Rename(ctx, "b", "a"); err != nil {
		t.Fatal(err)
	}
	check("c", "123456", nil)
	if err := b.Remove(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	check("d", "1234", nil)
	// A reader without an end must not be read to it.
	if _, err := b.Write(ctx, "c", endless{}, nil); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("endless: %v", err)
	}

	wide := state.New(nil)
	write(t, wide, "big", "12345678")
	for _, o := range []state.Options{{MaxBytes: 7}, {MaxFileBytes: 7}} {
		if err := state.New(&o).Restore(wide.Snapshot()); !errors.Is(err, hutch.ErrTooLarge) {
			t.Errorf("restore into %+v: %v", o, err)
		}
	}
	write(t, wide, "two", "")
	if err := state.New(&state.Options{MaxFiles: 1}).Restore(wide.Snapshot()); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("restore: %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Writers of one name race for the revision: each must win once.
func TestSwap64(t *testing.T) {
	var b state.Backend
	write(t, &b, "n", "")
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for {
				f, err := b.Open(ctx, "n")
				if err != nil {
					t.Error(err)
					return
				}
				data, _ := io.ReadAll(f)
				_, err = b.Write(ctx, "n", bytes.NewReader(append(data, 'x')), &hutch.WriteOptions{IfRev: f.Info().Rev})
				if err == nil {
					return
				}
				if !errors.Is(err, hutch.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for range 200 {
			names(t, b.Fork(), ".")
		}
	})
	wg.Wait()
	if got := content(t, &b)["n"]; len(got) != 64 {
		t.Errorf("%d of 64 writes are there", len(got))
	}
}

func TestFile(t *testing.T) {
	var b state.Backend
	write(t, &b, "f", "hello")
	f, err := b.Open(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	write(t, &b, "f", "other")
	p := make([]byte, 3)
	if n, err := f.(io.ReaderAt).ReadAt(p, 1); n != 3 || err != nil || string(p) != "ell" {
		t.Errorf("ReadAt: %d, %v, %q", n, err, p)
	}
	if n, err := f.(io.Seeker).Seek(-2, io.SeekEnd); n != 3 || err != nil {
		t.Errorf("Seek: %d, %v", n, err)
	}
	if data, err := io.ReadAll(f); string(data) != "lo" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.Read(p); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

// plain is a backend without its speeds.
type plain struct{ hutch.Backend }

func (plain) As(any) bool { return false }
