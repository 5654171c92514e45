//go:build unix

package backendtest

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// recorder is a testing.TB whose failures are noted and fail nothing.
type recorder struct {
	testing.TB
	ctx      context.Context
	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

// record runs the check and reports whether it failed.
func record(t testing.TB, c check, open opener, do functions) (failed bool) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{TB: t, ctx: ctx}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Errorf("panic: %v", p)
			}
		}()
		c.on(r, open, do, 2*time.Second)
	}()
	<-done
	cancel()
	// What a mutant left running ends with its context, and must not be counted
	// by the next check.
	for end := time.Now().Add(time.Second); runtime.NumGoroutine() > before && c.counts() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	for len(r.cleanups) > 0 {
		last := len(r.cleanups) - 1
		f := r.cleanups[last]
		r.cleanups = r.cleanups[:last]
		f()
	}
	return r.Failed()
}

// counts reports whether the check, or the one after it, counts goroutines.
func (c check) counts() bool {
	return !strings.HasPrefix(c.name, "Exec/") && !strings.HasPrefix(c.name, "Signals/")
}

func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Helper()                  {}
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Log(...any)          {}
func (r *recorder) Logf(string, ...any) {}

func (r *recorder) Fail() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Error(args ...any)                 { r.Log(args...); r.Fail() }
func (r *recorder) Errorf(format string, args ...any) { r.Logf(format, args...); r.Fail() }
func (r *recorder) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *recorder) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }

func (r *recorder) TempDir() string {
	dir, err := os.MkdirTemp("", "backendtest")
	if err != nil {
		r.TB.Fatal(err)
	}
	r.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
