package session

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// nothing is a Provider of empty workspaces that costs nothing.
type nothing struct{ b *state.Backend }

func (n nothing) Open(context.Context, Info, bool) (Workspace, error) { return n, nil }
func (n nothing) Remove(context.Context, Info) error                  { return nil }
func (n nothing) Backend() hutch.Backend                              { return n.b }
func (n nothing) Sleep(context.Context) error                         { return nil }
func (n nothing) End(context.Context) error                           { return nil }

// TestMemory is what a session costs that sleeps.
func TestMemory(t *testing.T) {
	const n = 2000
	m, err := New(t.Context(), nothing{state.New(nil)}, &Options{MaxSessions: n, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(t.Context())
	before := heapNow()
	for range n {
		i, err := m.Create(t.Context(), Spec{Tenant: "tenant", Labels: map[string]string{"user": "somebody"}})
		if err == nil {
			err = m.Sleep(t.Context(), i.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	each := (int64(heapNow()) - int64(before)) / n
	t.Log(each, "bytes")
	if each > 2048 {
		t.Errorf("a session that sleeps has %d bytes", each)
	}
}

func heapNow() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// BenchmarkUse is a use of an open session.
func BenchmarkUse(b *testing.B) {
	m := bench(b)
	i, err := m.Create(b.Context(), Spec{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		u, err := m.Use(b.Context(), i.ID)
		if err != nil {
			b.Fatal(err)
		}
		u.Done()
	}
}

// BenchmarkCreate makes and ends a session, with records.
func BenchmarkCreate(b *testing.B) {
	m := bench(b)
	b.ReportAllocs()
	for b.Loop() {
		i, err := m.Create(b.Context(), Spec{})
		if err == nil {
			err = m.End(b.Context(), i.ID)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWake wakes sessions in turn, each in the place of another one.
func BenchmarkWake(b *testing.B) {
	m := bench(b)
	for n := range 1000 {
		if _, err := m.Create(b.Context(), Spec{ID: fmt.Sprint(n)}); err != nil {
			b.Fatal(err)
		}
	}
	n := 0
	for b.Loop() {
		n++
		u, err := m.Use(b.Context(), fmt.Sprint(n%1000))
		if err != nil {
			b.Fatal(err)
		}
		u.Done()
	}
}

func bench(b *testing.B) *Manager {
	b.Helper()
	m, err := New(b.Context(), nothing{state.New(nil)}, &Options{Records: state.New(nil), TTL: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return m
}
