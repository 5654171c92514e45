package composite_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

// fragile is a backend whose snapshots fail when told so, and are counted.
type fragile struct {
	*state.Backend
	take, restore error
	open          int
}

func (f *fragile) TakeSnapshot(ctx context.Context) (hutch.Snapshot, error) {
	if f.take != nil {
		return nil, f.take
	}
	s, err := f.Backend.TakeSnapshot(ctx)
	f.open++
	return fragileSnapshot{s, f}, err
}

type fragileSnapshot struct {
	hutch.Snapshot
	f *fragile
}

func (s fragileSnapshot) Restore(ctx context.Context) error {
	if s.f.restore != nil {
		return s.f.restore
	}
	return s.Snapshot.Restore(ctx)
}

func (s fragileSnapshot) Close() error {
	s.f.open--
	return s.Snapshot.Close()
}

var parts = []string{"x", "first/x", "second/x"}

func writeParts(t *testing.T, b hutch.Backend, content string) {
	t.Helper()
	for _, n := range parts {
		if _, err := hutch.WriteFile(t.Context(), b, n, []byte(content), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func are(t *testing.T, b hutch.Backend, want string) {
	t.Helper()
	for _, n := range parts {
		if got, err := hutch.ReadFile(t.Context(), b, n); err != nil || string(got) != want {
			t.Errorf("%s is %q, want %q: %v", n, got, want, err)
		}
	}
}

// All parts go back or none, and no snapshot of a part stays behind.
func TestSnapshot(t *testing.T) {
	first, second := &fragile{Backend: state.New(nil)}, &fragile{Backend: state.New(nil)}
	c, err := composite.New(state.New(nil), composite.Routes{"first": first, "second": second})
	if err != nil {
		t.Fatal(err)
	}
	s, ok := hutch.As[hutch.Snapshotter](c)
	if !ok {
		t.Fatal("no power")
	}
	writeParts(t, c, "one")
	snap, err := s.TakeSnapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writeParts(t, c, "two")
	second.restore = errors.New("no")
	if err := snap.Restore(t.Context()); !errors.Is(err, second.restore) {
		t.Errorf("%v", err)
	}
	are(t, c, "two")
	second.restore = nil
	if err := snap.Restore(t.Context()); err != nil {
		t.Error(err)
	}
	are(t, c, "one")
	second.take = errors.New("no")
	if _, err := s.TakeSnapshot(t.Context()); !errors.Is(err, second.take) {
		t.Errorf("%v", err)
	}
	if err := snap.Close(); err != nil || first.open != 0 || second.open != 0 {
		t.Errorf("%v; %d and %d snapshots are left", err, first.open, second.open)
	}
}

// One part that cannot go back is enough for there to be no power; parts that are
// read-only are none that would have to.
func TestNoSnapshot(t *testing.T) {
	plain := struct{ hutch.Backend }{state.New(nil)}
	for name, c := range map[string]struct {
		def, part hutch.Backend
		want      bool
	}{
		"a part":         {state.New(nil), plain, false},
		"the default":    {plain, state.New(nil), false},
		"read-only part": {state.New(nil), composite.ReadOnly(plain), true},
		"read-only all":  {composite.ReadOnly(plain), composite.ReadOnly(plain), false},
	} {
		b, err := composite.New(c.def, composite.Routes{"part": c.part})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := hutch.As[hutch.Snapshotter](b); ok != c.want {
			t.Errorf("%s: %t", name, ok)
		}
	}
}
