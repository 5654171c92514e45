package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// checkInvariants looks for what must never be, at any moment.
func checkInvariants(t *testing.T, m *Manager) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	tenants, opened := map[string]int{}, 0
	for id, s := range m.all {
		tenants[s.Tenant]++
		_, in := m.opened[s]
		if in {
			opened++
		}
		switch {
		case s.ID != id, s.Uses < 0, s.index < 0, s.index > 0 && m.plan[s.index-1] != s:
			t.Errorf("%s: %+v", id, s)
		case s.State == Open && (s.ws == nil || !in), s.ws != nil && !in:
			t.Errorf("%s: open without a workspace or a slot: %+v", id, s)
		case s.State == Asleep && (in || s.ctx != nil || s.step != nil || s.Uses > 0):
			t.Errorf("%s: asleep with %+v", id, s)
		case s.State == Opening && s.step == nil, s.ending != (s.State == Ending):
			t.Errorf("%s: in between and nothing is under way: %+v", id, s)
		}
		if at, ok := s.deadline(); ok && (s.index == 0 || s.at.After(at)) {
			t.Errorf("%s: nobody will look at it in time", id)
		}
	}
	l := &m.slots
	if l.taken < 0 || l.taken > l.max || len(l.queue) > l.freeing || l.freeing > l.taken || l.taken+len(l.queue) != len(m.opened) || opened != len(m.opened) {
		t.Errorf("%d taken of %d, %d being freed, %d in the queue, %d and %d opened", l.taken, l.max, l.freeing, len(l.queue), len(m.opened), opened)
	}
	if fmt.Sprint(tenants) != fmt.Sprint(m.tenants) || len(m.all) > m.o.MaxSessions || len(m.plan) > len(m.all) || m.sweeping > parallel {
		t.Errorf("%v, counted %v; %d sessions, %d planned, %d swept", m.tenants, tenants, len(m.all), len(m.plan), m.sweeping)
	}
	for tenant, n := range tenants {
		if n > m.o.MaxPerTenant {
			t.Errorf("%q has %d", tenant, n)
		}
	}
}

var errWeather = errors.New("weather")

// weather makes every call last a while, and some of them fail.
func weather(context.Context, string, string) error {
	time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Second))))
	if rand.IntN(200) == 0 {
		return errWeather
	}
	return nil
}

// foreseen reports whether err is what may go wrong on a day.
func foreseen(err error) bool {
	for _, e := range []error{ErrFull, ErrGone, ErrBusy, errWeather, fs.ErrExist, fs.ErrNotExist, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return err == nil
}

// TestDay is a day of a hundred people in a thousand sessions, with bad weather.
func TestDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.set(weather)
		opts := &Options{
			Records: state.New(nil), MaxOpen: 40, MaxSessions: 1000, MaxPerTenant: 120,
			Idle: 20 * time.Minute, TTL: 6 * time.Hour,
		}
		m, err := New(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		f.max = opts.MaxOpen
		before, morning := runtime.NumGoroutine(), time.Now()
		var people sync.WaitGroup
		for range 100 {
			people.Go(func() {
				for time.Since(morning) < 24*time.Hour {
					somebody(t, m, f)
				}
			})
		}
		for n := range 24 * 6 {
			time.Sleep(10 * time.Minute)
			checkInvariants(t, m)
			if now := runtime.NumGoroutine(); now > before+100+2*opts.MaxOpen+parallel {
				t.Errorf("%d goroutines after %d minutes, %d before", now, 10*n, before)
			}
		}
		people.Wait()
		if err := m.Close(t.Context()); err != nil && !errors.Is(err, errWeather) {
			t.Error(err)
		}
		f.wantAll(m)
		t.Log(f.counts(), len(m.List()), "sessions")
	})
}

// somebody does something in a session.
func somebody(t *testing.T, m *Manager, f *fake) {
	time.Sleep(time.Duration(rand.Int64N(int64(20 * time.Minute))))
	id := fmt.Sprint("s", rand.IntN(1000))
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(20*time.Second))))
	defer cancel()
	var err error
	switch n := rand.IntN(100); {
	case n < 3:
		err = m.End(ctx, id)
	case n < 6:
		err = m.Sleep(ctx, id)
	default:
		spec := Spec{ID: id, Tenant: fmt.Sprint("t", rand.IntN(10))}
		if n < 20 {
			spec.TTL, spec.Idle = time.Duration(1+rand.Int64N(int64(time.Hour))), time.Duration(1+rand.Int64N(int64(time.Hour)))
		}
		if _, err = m.Create(ctx, spec); err == nil || errors.Is(err, fs.ErrExist) {
			err = work(t, ctx, m, f, id)
		}
	}
	if !foreseen(err) {
		t.Error(err)
	}
}

// work uses a session for a while.
func work(t *testing.T, ctx context.Context, m *Manager, f *fake, id string) error {
	u, err := m.Use(ctx, id)
	if err != nil {
		return err
	}
	defer u.Done()
	f.count(id, 1)
	defer f.count(id, -1)
	if _, err := hutch.WriteFile(t.Context(), u.Backend(), "f", []byte(u.Info().Serial), nil); err != nil {
		t.Error(err)
	}
	select {
	case <-time.After(time.Duration(rand.Int64N(int64(12 * time.Minute)))):
	case <-u.Context().Done():
	}
	return nil
}

// wantAll compares what there is with what is known, after Close.
func (f *fake) wantAll(m *Manager) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.held) > 0 || len(f.busy) > 0 {
		f.t.Errorf("not let go: %d, and %d under way", len(f.held), len(f.busy))
	}
	known := map[string]bool{}
	for _, i := range m.List() {
		known[i.Serial] = true
		if i.Err == nil && f.files[i.Serial] == nil {
			f.t.Errorf("%s has no files", i.ID)
		}
	}
	for serial := range f.files {
		if !known[serial] {
			f.t.Error("files that nobody knows of")
		}
	}
	all, err := m.rec.all(f.t.Context())
	if err != nil || len(all) != len(known) {
		f.t.Errorf("%d records, %v; want %d", len(all), err, len(known))
	}
}
