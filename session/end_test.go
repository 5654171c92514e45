package session

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestEnd(t *testing.T) {
	in(t, Options{}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		u := use(t, m, "a")
		f.count("a", 1)
		f.set(slow(time.Second))
		var all sync.WaitGroup
		start := time.Now()
		for range 3 {
			all.Go(func() {
				if err := m.End(t.Context(), "a"); err != nil {
					t.Error(err)
				}
				wantTook(t, start, 61*time.Second)
			})
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := m.End(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the impatient one: %v", err)
			}
		})
		<-u.Context().Done()
		if err := context.Cause(u.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		wantState(t, m, "a", Ending)
		f.count("a", -1)
		u.Done()
		all.Wait()
		f.want("1 opened, 0 of them again, 0 slept, 1 ended, 0 removed")
		if err := m.End(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

// TestEndFails tries again, by itself and when it is asked to.
func TestEndFails(t *testing.T) {
	in(t, Options{MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		boom := errors.New("boom")
		f.set(func(_ context.Context, call, id string) error {
			if id == "a" && (call == "end" || call == "remove") {
				return boom
			}
			return nil
		})
		if err := m.End(t.Context(), "a"); !errors.Is(err, boom) {
			t.Error(err)
		}
		if i, _ := m.Get("a"); i.State != Asleep || !errors.Is(i.Err, boom) {
			t.Errorf("%+v", i)
		}
		if _, err := m.Use(t.Context(), "a"); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		create(t, m, "b") // the slot is free
		if err := m.End(t.Context(), "a"); !errors.Is(err, boom) {
			t.Error(err)
		}
		f.want("2 opened, 0 of them again, 0 slept, 1 ended, 1 removed")
		rest(time.Hour) // 2, 4, 8, 16 minutes later
		f.want("2 opened, 0 of them again, 1 slept, 1 ended, 5 removed")
		rest(48 * time.Hour) // once more, and then every hour
		f.want("2 opened, 0 of them again, 1 slept, 1 ended, 53 removed")
		boom = nil
		if err := m.End(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		wantState(t, m, "a", Ended)
	})
}

// begins are ways to get a session b into the middle of something.
var begins = map[string]func(context.Context, *Manager) error{
	"made": func(ctx context.Context, m *Manager) error {
		_, err := m.Create(ctx, Spec{ID: "b"})
		return err
	},
	"woken": func(ctx context.Context, m *Manager) error {
		_, err := m.Use(ctx, "b")
		return err
	},
	"put to sleep": func(ctx context.Context, m *Manager) error { return m.Sleep(ctx, "b") },
}

// TestEndWhile ends what is in the middle of something, whether the provider
// hears of it or not.
func TestEndWhile(t *testing.T) {
	for what, begin := range begins {
		for how, before := range map[string]func(context.Context, string, string) error{"slow": slow(time.Minute), "deaf": deaf(time.Minute)} {
			t.Run(what+" "+how, func(t *testing.T) {
				last := Ended
				changed := func(i Info) {
					if last == Ending && i.State != Ended {
						t.Errorf("from ending it comes to %s", i.State)
					}
					last = i.State
				}
				in(t, Options{Changed: changed}, func(t *testing.T, m *Manager, f *fake) { endWhile(t, m, f, what, begin, before) })
			})
		}
	}
}

func endWhile(t *testing.T, m *Manager, f *fake, what string, begin func(context.Context, *Manager) error, before func(context.Context, string, string) error) {
	if what != "made" {
		create(t, m, "b")
	}
	if what == "woken" {
		if err := m.Sleep(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
	}
	f.set(before)
	var all sync.WaitGroup
	all.Go(func() {
		if err := begin(t.Context(), m); what != "put to sleep" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("who was waiting: %v", err)
		}
	})
	for n := range 3 {
		time.Sleep(25 * time.Second)
		checkInvariants(t, m)
		all.Go(func() {
			if err := m.End(t.Context(), "b"); err != nil {
				t.Errorf("%d: %v", n, err)
			}
			wantState(t, m, "b", Ended)
		})
	}
	all.Wait()
	if len(f.files) > 0 {
		t.Error("files are left")
	}
}

// TestEndInQueue ends a session that waits for its turn to wake.
func TestEndInQueue(t *testing.T) {
	in(t, Options{MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		create(t, m, "b")
		f.set(slow(time.Minute))
		go func() {
			if _, err := m.Use(t.Context(), "a"); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		}()
		synctest.Wait()
		if err := m.End(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		synctest.Wait() // b falls asleep at the same moment
		f.want("2 opened, 0 of them again, 2 slept, 0 ended, 1 removed")
		if len(f.files) != 1 {
			t.Errorf("%d have files", len(f.files))
		}
	})
}

// TestManyEnd ends a few at a time.
func TestManyEnd(t *testing.T) {
	in(t, Options{TTL: time.Minute}, func(t *testing.T, m *Manager, f *fake) {
		for range 100 {
			create(t, m, "")
		}
		most := f.most(time.Second)
		rest(time.Minute + 13*time.Second)
		if n := len(m.List()); n > 0 || most() != parallel {
			t.Errorf("%d left, %d at a time", n, most())
		}
	})
}
