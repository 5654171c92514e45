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

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/testroom"
)

func TestLife(t *testing.T) {
	var told []string
	opts := Options{Idle: time.Minute, TTL: time.Hour, Changed: func(i Info) {
		told = append(told, fmt.Sprintf("%s %s", i.ID, i.State))
	}}
	in(t, opts, func(t *testing.T, m *Manager, f *fake) {
		i := create(t, m, "a")
		if i.State != Open || i.Idle != time.Minute || i.TTL != time.Hour || len(i.Serial) != 32 || i.Created != time.Now().UTC().Round(0) && !i.Created.Equal(time.Now()) {
			t.Errorf("made %+v", i)
		}
		u := use(t, m, "a")
		testroom.Put(t, u.Backend(), "f", "1")
		time.Sleep(2 * time.Hour)
		wantState(t, m, "a", Open) // it is in use
		if u.Info().Uses != 1 {
			t.Errorf("in use: %+v", u.Info())
		}
		u.Done()
		u.Done()
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		wantState(t, m, "a", Open)
		time.Sleep(1)
		synctest.Wait()
		wantState(t, m, "a", Asleep)
		u = use(t, m, "a")
		testroom.Want(t, u.Backend(), "f", "1")
		u.Done()
		time.Sleep(time.Hour - 1)
		synctest.Wait()
		wantState(t, m, "a", Asleep)
		time.Sleep(1)
		synctest.Wait()
		wantState(t, m, "a", Ended)
		f.want("2 opened, 1 of them again, 2 slept, 0 ended, 1 removed")
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
		time.Sleep(2 * time.Second)
		synctest.Wait()
		wantState(t, m, "quick", Asleep)
		wantState(t, m, "short", Ended) // without having slept
		f.want("4 opened, 0 of them again, 1 slept, 1 ended, 0 removed")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantState(t, m, "quick", Ended)
		wantState(t, m, "wakeful", Open)
		wantState(t, m, "old", Asleep)
		time.Sleep(1000 * time.Hour)
		synctest.Wait()
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
		f.set(slow(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := m.Use(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(2 * time.Second)
		wantState(t, m, "a", Open)
		time.Sleep(2 * time.Minute)
		wantState(t, m, "a", Asleep)
	})
}

// TestUseWhileFalling wakes again what falls asleep.
func TestUseWhileFalling(t *testing.T) {
	in(t, Options{Idle: time.Minute}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		f.set(slow(time.Second))
		time.Sleep(time.Minute + time.Second/2)
		start := time.Now()
		u := use(t, m, "a")
		if d := time.Since(start); d != 3*time.Second/2 {
			t.Errorf("half a sleep and a wake took %v", d)
		}
		u.Done()
		f.want("2 opened, 1 of them again, 1 slept, 0 ended, 0 removed")
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

func TestSleep(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		u := use(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); !errors.Is(err, ErrBusy) {
			t.Errorf("in use: %v", err)
		}
		u.Done()
		f.set(slow(time.Second))
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := m.Sleep(t.Context(), "a"); err != nil {
					t.Error(err)
				}
				wantState(t, m, "a", Asleep)
			})
		}
		all.Wait()
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if err := m.Sleep(t.Context(), "b"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		f.want("1 opened, 0 of them again, 1 slept, 0 ended, 0 removed")
	})
}

// TestSleepFails keeps what may still be there.
func TestSleepFails(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		u := use(t, m, "a")
		testroom.Put(t, u.Backend(), "f", "1")
		u.Done()
		boom := errors.New("boom")
		f.set(fails("sleep", &boom))
		if err := m.Sleep(t.Context(), "a"); !errors.Is(err, boom) {
			t.Error(err)
		}
		i, err := m.Get("a")
		if err != nil || i.State != Asleep || !errors.Is(i.Err, boom) {
			t.Errorf("%+v, %v", i, err)
		}
		u = use(t, m, "a")
		testroom.Want(t, u.Backend(), "f", "1")
		if err := u.Info().Err; err != nil {
			t.Error(err)
		}
		u.Done()
		boom = nil
	})
}

func TestGone(t *testing.T) {
	in(t, Options{TTL: time.Hour, MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		clear(f.files)
		for range 3 { // also that no slot is lost
			_, err := m.Use(t.Context(), "a")
			var pe *fs.PathError
			if !errors.Is(err, ErrGone) || errors.Is(err, ErrStart) || !errors.As(err, &pe) || pe.Path != "a" {
				t.Error(err)
			}
			wantState(t, m, "a", Asleep)
			time.Sleep(20 * time.Minute)
		}
		synctest.Wait()
		wantState(t, m, "a", Ended) // what failed was no use
		create(t, m, "a")
	})
}

func TestWakeFails(t *testing.T) {
	in(t, Options{MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		f.set(fails("again", &boom))
		if _, err := m.Use(t.Context(), "a"); !errors.Is(err, boom) || !errors.Is(err, ErrStart) {
			t.Error(err)
		}
		if i, _ := m.Get("a"); i.State != Asleep || i.Uses != 0 || !errors.Is(i.Err, boom) {
			t.Errorf("%+v", i)
		}
		boom = nil
		use(t, m, "a").Done()
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

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		m, err := New(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 20 {
			create(t, m, fmt.Sprint(n))
		}
		u := use(t, m, "3")
		f.set(slow(time.Second))
		for range 2 {
			go func() {
				if err := m.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		<-u.Context().Done()
		if err := context.Cause(u.Context()); !errors.Is(err, hutch.ErrClosed) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		f.want("20 opened, 0 of them again, 19 slept, 0 ended, 0 removed")
		_, err = m.Create(t.Context(), Spec{})
		_, err2 := m.Use(t.Context(), "1")
		for _, err := range []error{err, err2, m.Sleep(t.Context(), "1"), m.End(t.Context(), "1")} {
			if !errors.Is(err, hutch.ErrClosed) {
				t.Error(err)
			}
		}
		start := time.Now()
		u.Done()
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("the last one took %v", d)
		}
		f.want("20 opened, 0 of them again, 20 slept, 0 ended, 0 removed")
	})
}

// TestCloseLate leaves those in use to the next process.
func TestCloseLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		m, err := New(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, m, "a")
		create(t, m, "b")
		create(t, m, "c")
		u := use(t, m, "a")
		f.set(func(ctx context.Context, call, id string) error {
			if id == "c" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = m.Close(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "close a") || !strings.Contains(err.Error(), "sleep c") {
			t.Error(err)
		}
		u.Done()
		f.want("3 opened, 0 of them again, 2 slept, 0 ended, 0 removed")
	})
}

// TestCloseWhileOpening gives up what is being made and woken.
func TestCloseWhileOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		m, err := New(t.Context(), f, nil)
		if err != nil {
			t.Fatal(err)
		}
		create(t, m, "a")
		if err := m.Sleep(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.set(func(ctx context.Context, call, _ string) error {
			if call != "remove" {
				<-ctx.Done()
			}
			return ctx.Err()
		})
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := m.Use(t.Context(), "a"); !errors.Is(err, hutch.ErrClosed) {
				t.Errorf("woken: %v", err)
			}
		})
		all.Go(func() {
			if _, err := m.Create(t.Context(), Spec{ID: "b"}); !errors.Is(err, hutch.ErrClosed) {
				t.Errorf("made: %v", err)
			}
		})
		synctest.Wait()
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		all.Wait()
		wantState(t, m, "a", Asleep)
		wantState(t, m, "b", Ended)
		f.want("3 opened, 0 of them again, 1 slept, 0 ended, 1 removed")
	})
}
