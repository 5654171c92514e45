package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
)

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
		most := f.most(time.Second)
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
		rest(time.Minute)
		f.want("20 opened, 0 of them again, 19 slept, 0 ended, 0 removed")
		wantClosed(t, m)
		if n := most(); n != parallel {
			t.Errorf("%d at a time", n)
		}
		start := time.Now()
		u.Done()
		if err := m.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantTook(t, start, time.Second)
		f.want("20 opened, 0 of them again, 20 slept, 0 ended, 0 removed")
	})
}

// wantClosed checks that nothing more begins.
func wantClosed(t *testing.T, m *Manager) {
	t.Helper()
	_, err := m.Create(t.Context(), Spec{})
	_, err2 := m.Use(t.Context(), "1")
	for _, err := range []error{err, err2, m.Sleep(t.Context(), "1"), m.End(t.Context(), "1")} {
		if !errors.Is(err, hutch.ErrClosed) {
			t.Error(err)
		}
	}
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
		create(t, m, "deaf")
		if err := m.Sleep(t.Context(), "deaf"); err != nil {
			t.Fatal(err)
		}
		f.set(func(ctx context.Context, call, id string) error {
			switch {
			case id == "deaf":
				time.Sleep(time.Minute)
				return nil
			case call != "remove":
				<-ctx.Done()
			}
			return ctx.Err()
		})
		var all sync.WaitGroup
		for _, id := range []string{"a", "deaf"} {
			all.Go(func() {
				if _, err := m.Use(t.Context(), id); !errors.Is(err, hutch.ErrClosed) {
					t.Errorf("woken %s: %v", id, err)
				}
			})
		}
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
		f.want("5 opened, 1 of them again, 3 slept, 0 ended, 1 removed")
	})
}
