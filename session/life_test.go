package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/internal/testroom"
)

func TestLife(t *testing.T) {
	var told []string
	opts := Options{Idle: time.Minute, TTL: time.Hour, Changed: func(i Info) {
		told = append(told, fmt.Sprintf("%s %s", i.ID, i.State))
	}}
	in(t, opts, func(t *testing.T, m *Manager, f *fake) {
		i := create(t, m, "a")
		if i.State != Open || i.Idle != time.Minute || i.TTL != time.Hour || len(i.Serial) != 32 || !i.Created.Equal(time.Now()) {
			t.Errorf("made %+v", i)
		}
		u := use(t, m, "a")
		testroom.Put(t, u.Backend(), "f", "1")
		time.Sleep(2 * time.Hour)
		wantState(t, m, "a", Open) // it is in use
		u.Done()
		rest(time.Minute - 1)
		wantState(t, m, "a", Open)
		rest(time.Nanosecond)
		wantState(t, m, "a", Asleep)
		u = use(t, m, "a")
		testroom.Want(t, u.Backend(), "f", "1")
		u.Done()
		rest(time.Hour - 1)
		wantState(t, m, "a", Asleep)
		rest(time.Nanosecond)
		wantState(t, m, "a", Ended)
		f.want("2 opened, 1 of them again, 2 slept, 0 ended, 1 removed")
		u.Done() // once more
		if len(f.files) > 0 || u.Info().State != Ended {
			t.Errorf("left: %v, %v", f.files, u.Info())
		}
		create(t, m, "a") // the ID is free again
	})
	want := "a opening, a open, a asleep, a opening, a open, a asleep, a ending, a ended, a opening, a open, a asleep"
	if got := strings.Join(told, ", "); got != want {
		t.Errorf("told  %s\nwant %s", got, want)
	}
}

// TestTimes are the times of a session that says them itself.
func TestTimes(t *testing.T) {
	in(t, Options{Idle: time.Minute, TTL: time.Hour}, func(t *testing.T, m *Manager, f *fake) {
		for id, s := range map[string]Spec{
			"wakeful": {Idle: -5}, "old": {TTL: -5}, "quick": {Idle: time.Second, TTL: time.Minute}, "short": {Idle: time.Hour, TTL: time.Second},
		} {
			s.ID = id
			if _, err := m.Create(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		rest(2 * time.Second)
		wantState(t, m, "quick", Asleep)
		wantState(t, m, "short", Ended) // without having slept
		f.want("4 opened, 0 of them again, 1 slept, 1 ended, 0 removed")
		rest(2 * time.Minute)
		wantState(t, m, "quick", Ended)
		wantState(t, m, "wakeful", Open)
		wantState(t, m, "old", Asleep)
		rest(1000 * time.Hour)
		wantState(t, m, "wakeful", Ended)
		wantState(t, m, "old", Asleep)
		if i, err := m.Get("old"); err != nil || i.TTL != -1 {
			t.Errorf("never is %v, %v", i.TTL, err)
		}
	})
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		if i := create(t, m, ""); i.Idle != DefaultIdle || i.TTL != -1 || !strings.HasPrefix(i.ID, "s-") || len(i.ID) != 18 {
			t.Errorf("by default: %+v", i)
		}
	})
}

// TestOneOpen wakes a session once for many.
func TestOneOpen(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.set(slow(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := m.Use(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one: %v", err)
			}
		})
		synctest.Wait() // it is the first
		for range 20 {
			all.Go(func() {
				u := use(t, m, "a")
				time.Sleep(time.Second)
				u.Done()
			})
		}
		all.Wait()
		f.want("2 opened, 1 of them again, 1 slept, 0 ended, 0 removed")
		if i, _ := m.Get("a"); i.Uses != 0 {
			t.Errorf("%d uses left", i.Uses)
		}
	})
}

// TestNobodyWaits opens what everybody has given up to wait for.
func TestNobodyWaits(t *testing.T) {
	in(t, Options{Idle: time.Minute}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		f.set(slow(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := m.Use(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		rest(time.Minute + time.Second - time.Millisecond - 1)
		wantState(t, m, "a", Open)
		rest(1 + time.Second)
		wantState(t, m, "a", Asleep)
	})
}

// TestOthersGoOn has one session that takes for ever, and others that do not mind.
func TestOthersGoOn(t *testing.T) {
	in(t, Options{MaxOpen: 5}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		create(t, m, "slept")
		if err := m.Sleep(t.Context(), "slept"); err != nil {
			t.Fatal(err)
		}
		f.set(func(ctx context.Context, call, id string) error {
			if id == "stuck" && call == "open" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() { m.Create(ctx, Spec{ID: "stuck"}) })
		synctest.Wait()
		start := time.Now()
		use(t, m, "a").Done()
		use(t, m, "slept").Done()
		create(t, m, "b")
		for _, err := range []error{m.Sleep(t.Context(), "a"), m.End(t.Context(), "b")} {
			if err != nil {
				t.Error(err)
			}
		}
		wantState(t, m, "stuck", Opening)
		if d := time.Since(start); d > 0 {
			t.Errorf("the others waited for %v", d)
		}
		cancel()
		all.Wait()
	})
}

// TestAnswers are copies, in order, of whom they should be.
func TestAnswers(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		labels := map[string]string{"k": "v"}
		for id, tenant := range map[string]string{"c": "x", "a": "x", "b": "", "d": "y"} {
			if _, err := m.Create(t.Context(), Spec{ID: id, Tenant: tenant, Labels: labels}); err != nil {
				t.Fatal(err)
			}
		}
		labels["k"] = "changed"
		m.List()[0].Labels["k"] = "changed"
		ids := func(all []Info) (ids string) {
			for _, i := range all {
				ids += i.ID
				if i.Labels["k"] != "v" {
					t.Errorf("%s: labels %v", i.ID, i.Labels)
				}
			}
			return ids
		}
		got := []string{ids(m.List()), ids(m.ListTenant("x")), ids(m.ListTenant("")), ids(m.ListTenant("z"))}
		if !slices.Equal(got, []string{"abcd", "ac", "b", ""}) {
			t.Error(got)
		}
		if _, err := m.Get("z"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := m.Use(t.Context(), "z"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
