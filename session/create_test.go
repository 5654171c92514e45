package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/state"
)

func TestSpec(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		labels := map[string]string{}
		for n := range 17 {
			labels[fmt.Sprint(n)] = ""
		}
		for _, s := range []Spec{
			{ID: "../a"}, {ID: ".a"}, {ID: "a/b"}, {ID: "a\n"}, {ID: "ä"}, {ID: "-"}, {ID: strings.Repeat("a", 65)}, {ID: "a\x00"},
			{Tenant: "a b"}, {Tenant: "."}, {Runtime: "\n"}, {Runtime: "\xff"}, {Runtime: strings.Repeat("a", 257)},
			{Labels: labels}, {Limits: Limits{FileBytes: -1}}, {Limits: Limits{Processes: -1}}, {Labels: map[string]string{"": ""}}, {Labels: map[string]string{"a b": ""}},
			{Labels: map[string]string{"a": "\xff"}}, {Labels: map[string]string{"a": strings.Repeat("a", 257)}},
		} {
			if _, err := m.Create(t.Context(), s); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%+v: %v", s, err)
			}
		}
		f.want("0 opened, 0 of them again, 0 slept, 0 ended, 0 removed")
		delete(labels, "0")
		labels["1"] = strings.Repeat("ä", 128)
		s := Spec{ID: strings.Repeat("a", 64), Tenant: "A._-", Runtime: "ä image:1/2@x", Labels: labels}
		if _, err := m.Create(t.Context(), s); err != nil {
			t.Error(err)
		}
	})
	for _, o := range []Options{{MaxOpen: -1}, {MaxSessions: -1}, {MaxPerTenant: -1}} {
		if _, err := New(t.Context(), newFake(t), &o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := New(t.Context(), nil, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
}

// TestCreateTwice has one of two that want the same ID.
func TestCreateTwice(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		f.set(slow(time.Second))
		var all sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 10 {
			all.Go(func() {
				_, err := m.Create(t.Context(), Spec{ID: "a"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !errors.Is(err, fs.ErrExist) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		use(t, m, "a").Done() // waits for it
		all.Wait()
		if made != 1 {
			t.Errorf("%d made", made)
		}
		go m.End(t.Context(), "a")
		synctest.Wait()
		if _, err := m.Create(t.Context(), Spec{ID: "a"}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("while it ends: %v", err)
		}
		if _, err := m.Use(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("while it ends: %v", err)
		}
		if err := m.Sleep(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("while it ends: %v", err)
		}
	})
}

// TestCreateFails leaves nothing.
func TestCreateFails(t *testing.T) {
	in(t, Options{MaxSessions: 1, MaxOpen: 1, Records: state.New(nil)}, func(t *testing.T, m *Manager, f *fake) {
		boom := errors.New("boom")
		f.set(fails("open", &boom))
		for range 3 {
			_, err := m.Create(t.Context(), Spec{ID: "a", Tenant: "x"})
			if !errors.Is(err, boom) || !errors.Is(err, ErrStart) {
				t.Error(err)
			}
			if all := m.List(); len(all) > 0 {
				t.Error(all)
			}
		}
		f.want("3 opened, 0 of them again, 0 slept, 0 ended, 3 removed")
		wantRecords(t, m, "")
		boom = nil
		create(t, m, "a")
		if err := m.End(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		wantRecords(t, m, "")
	})
}

// TestCreateUndone lists what cannot be removed, until it can.
func TestCreateUndone(t *testing.T) {
	in(t, Options{MaxOpen: 1, MaxSessions: 1}, func(t *testing.T, m *Manager, f *fake) {
		boom := errors.New("boom")
		f.set(func(context.Context, string, string) error { return boom })
		if _, err := m.Create(t.Context(), Spec{ID: "a"}); !errors.Is(err, boom) {
			t.Error(err)
		}
		wantState(t, m, "a", Asleep)
		if _, err := m.Use(t.Context(), "a"); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		if _, err := m.Create(t.Context(), Spec{ID: "a"}); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
		if _, err := m.Create(t.Context(), Spec{ID: "b"}); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		f.set(nil)
		rest(time.Minute)
		if all := m.List(); len(all) > 0 {
			t.Error(all)
		}
		create(t, m, "a")
	})
}

// TestCreateGivenUp comes back at once and cleans up behind itself.
func TestCreateGivenUp(t *testing.T) {
	in(t, Options{MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		f.set(slow(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		go func() {
			if _, err := m.Use(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("who waited for it: %v", err)
			}
		}()
		if _, err := m.Create(ctx, Spec{ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %v", d)
		}
		wantState(t, m, "a", Ending)
		time.Sleep(2 * time.Minute)
		f.want("1 opened, 0 of them again, 0 slept, 0 ended, 1 removed")
		wantState(t, m, "a", Ended)
		if _, err := m.Create(ctx, Spec{ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		wantState(t, m, "a", Ended)
		create(t, m, "a")
	})
}

// TestCreateDeaf gives up a provider that does not look at its ctx: what it makes
// in the end is ended.
func TestCreateDeaf(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		f.set(deaf(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Create(ctx, Spec{ID: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		f.want("1 opened, 0 of them again, 0 slept, 1 ended, 0 removed")
		if len(f.files) > 0 || len(m.List()) > 0 {
			t.Error("left:", f.files, m.List())
		}
	})
}
