package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func wantFull(t *testing.T, err error, limit string, most int) {
	t.Helper()
	var full *FullError
	var pe *fs.PathError
	if !errors.Is(err, ErrFull) || !errors.As(err, &full) || *full != (FullError{limit, most}) || !errors.As(err, &pe) {
		t.Errorf("%v; want the limit %s of %d", err, limit, most)
	}
}

func TestLimits(t *testing.T) {
	in(t, Options{MaxOpen: 2, MaxSessions: 4, MaxPerTenant: 3}, func(t *testing.T, m *Manager, f *fake) {
		make := func(id, tenant string) error {
			_, err := m.Create(t.Context(), Spec{ID: id, Tenant: tenant})
			return err
		}
		for _, id := range []string{"a", "b", "c"} {
			if err := make(id, "x"); err != nil {
				t.Fatal(err)
			}
		}
		wantFull(t, make("d", "x"), LimitTenant, 3)
		if err := make("d", ""); err != nil {
			t.Error(err)
		}
		wantFull(t, make("e", ""), LimitSessions, 4)
		if err := m.End(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		c, d := use(t, m, "c"), use(t, m, "d")
		wantFull(t, make("a", "x"), LimitOpen, 2)
		_, err := m.Use(t.Context(), "b")
		wantFull(t, err, LimitOpen, 2)
		wantState(t, m, "b", Asleep)
		if len(m.List()) != 3 {
			t.Error("left:", m.List())
		}
		c.Done()
		if err := make("a", "x"); err != nil {
			t.Error(err)
		}
		wantState(t, m, "c", Asleep)
		d.Done()
	})
}

// TestLimitsMaking counts sessions that are being made.
func TestLimitsMaking(t *testing.T) {
	in(t, Options{MaxOpen: 10, MaxSessions: 6, MaxPerTenant: 3}, func(t *testing.T, m *Manager, f *fake) {
		f.set(slow(time.Second))
		var all sync.WaitGroup
		var mu sync.Mutex
		made := map[string]int{}
		for n := range 30 {
			all.Go(func() {
				tenant := fmt.Sprint("t", n%3)
				if _, err := m.Create(t.Context(), Spec{Tenant: tenant}); err == nil {
					mu.Lock()
					defer mu.Unlock()
					made[tenant]++
				} else if !errors.Is(err, ErrFull) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		sum := 0
		for tenant, n := range made {
			sum += n
			if n > 3 {
				t.Errorf("%s has %d", tenant, n)
			}
		}
		if sum != 6 {
			t.Errorf("%d made", sum)
		}
	})
}

// TestRoom puts the one to sleep that was used least recently, and waits for that.
func TestRoom(t *testing.T) {
	in(t, Options{MaxOpen: 3, Idle: -1}, func(t *testing.T, m *Manager, f *fake) {
		for _, id := range []string{"a", "b", "c"} {
			create(t, m, id)
			time.Sleep(time.Second)
		}
		use(t, m, "a").Done()
		time.Sleep(time.Second)
		u := use(t, m, "b")
		f.set(slow(time.Second))
		create(t, m, "d")
		wantState(t, m, "c", Asleep)
		create(t, m, "e")
		wantState(t, m, "a", Asleep)
		wantState(t, m, "b", Open)
		u.Done()
		// As many as there can be at once find room, all others are told.
		var all sync.WaitGroup
		for _, id := range []string{"a", "c", "f"} {
			all.Go(func() {
				if id == "f" {
					create(t, m, id)
				} else {
					use(t, m, id).Done()
				}
			})
		}
		synctest.Wait()
		_, err := m.Create(t.Context(), Spec{ID: "g"})
		wantFull(t, err, LimitOpen, 3)
		all.Wait()
		for _, id := range []string{"b", "d", "e"} {
			wantState(t, m, id, Asleep)
		}
	})
}

// TestRoomGivenUp gives the place of who has stopped waiting to somebody else.
func TestRoomGivenUp(t *testing.T) {
	in(t, Options{MaxOpen: 1}, func(t *testing.T, m *Manager, f *fake) {
		create(t, m, "a")
		f.set(slow(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		if _, err := m.Create(ctx, Spec{ID: "b"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		synctest.Wait()
		wantState(t, m, "b", Ended) // nothing of it had begun
		time.Sleep(time.Second)
		f.want("1 opened, 0 of them again, 1 slept, 0 ended, 0 removed")
		use(t, m, "a").Done()
		create(t, m, "c")
		wantState(t, m, "a", Asleep)
	})
}

// TestWithdraw loses no slot, whatever comes first.
func TestWithdraw(t *testing.T) {
	s := slots{max: 1}
	s.take()
	a, b := s.wait(), s.wait()
	s.withdraw(b)
	s.give()
	<-a.granted
	if s.take() != nil {
		t.Error("taken twice")
	}
	s.withdraw(a) // too late, it was granted
	if s.taken != 0 || len(s.queue) > 0 || s.take() == nil {
		t.Errorf("left: %+v", s)
	}
}
