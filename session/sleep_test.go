package session

import (
	"errors"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/internal/testroom"
)

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
