package audit_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/state"
)

// Where nothing can be recorded, nothing is done.
func TestLost(t *testing.T) {
	b := state.New(nil)
	a, l := audited(b, nil)
	full := errors.New("no space left in /var/log/hutch")
	l.err = full
	hutch.WriteFile(ctx, a, "one", nil, nil) // is done, and then cannot be recorded
	_, err := hutch.WriteFile(ctx, a, "two", nil, nil)
	_, list := hutch.Collect(a.List(ctx, "."))
	for _, err := range []error{err, list, a.Remove(ctx, "one")} {
		if !errors.Is(err, hutch.ErrClosed) || strings.Contains(err.Error(), "/var/log") {
			t.Error(err)
		}
	}
	if _, err := b.Stat(ctx, "one"); err != nil {
		t.Error(err)
	}
	var told error
	a, l = audited(b, &audit.Options{Lost: func(err error) { told = err }})
	l.err = full
	for range 2 {
		if _, err := hutch.WriteFile(ctx, a, "two", nil, nil); err != nil || told != full {
			t.Error(err, told)
		}
	}
}

func TestParallel(t *testing.T) {
	a, l := audited(state.New(nil), nil)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 50 {
				hutch.WriteFile(ctx, a, fmt.Sprint(i), []byte("x"), nil)
				hutch.ReadFile(ctx, a, fmt.Sprint(i))
			}
		})
	}
	all.Wait()
	if got := l.take(t); len(got) != 800 {
		t.Errorf("%d records of 800 operations", len(got))
	}
}

// Snapshots and going back are recorded, and are not done where they cannot be.
func TestSnapshots(t *testing.T) {
	b := state.New(nil)
	a, l := audited(b, nil)
	s, ok := hutch.As[hutch.Snapshotter](a)
	if !ok {
		t.Fatal("no snapshots")
	}
	snap, err := s.TakeSnapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := snap.Restore(ctx); err != nil {
		t.Fatal(err)
	}
	if got := l.take(t); len(got) != 2 || got[0] != "snapshot name=. result=ok" || got[1] != "restore name=. result=ok" {
		t.Errorf("%q", got)
	}
	l.err = errors.New("full")
	hutch.WriteFile(ctx, a, "one", nil, nil) // is done, and then cannot be recorded
	if err := snap.Restore(ctx); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := s.TakeSnapshot(ctx); !errors.Is(err, hutch.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := b.Stat(ctx, "one"); err != nil {
		t.Errorf("it went back: %v", err)
	}
}
