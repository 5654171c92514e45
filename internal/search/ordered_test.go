package search

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func numbers(n int, last error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if last != nil {
			yield(0, last)
		}
	}
}

func TestOrdered(t *testing.T) {
	for _, workers := range []int{0, 1, 2, 7} {
		work := func(_ context.Context, item int, emit func(int) bool) error {
			if rand.IntN(4) == 0 {
				runtime.Gosched()
			}
			for i := range item % 5 {
				if !emit(item*10 + i) {
					return errors.New("nothing more is wanted")
				}
			}
			return nil
		}
		var got, want []int
		for o, err := range Ordered(t.Context(), numbers(2000, nil), workers, work) {
			must(t, err)
			got = append(got, o)
		}
		for item := range 2000 {
			for i := range item % 5 {
				want = append(want, item*10+i)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d workers: %d outputs, want %d, or another order", workers, len(got), len(want))
		}
	}
}

func TestOrderedMany(t *testing.T) {
	const per = 10 * maxAhead
	work := func(_ context.Context, item int, emit func(int) bool) error {
		for i := range per {
			if !emit(item*per + i) {
				t.Error("emit ended early")
			}
		}
		return nil
	}
	next := 0
	for o, err := range Ordered(t.Context(), numbers(50, nil), 3, work) {
		must(t, err)
		if o != next {
			t.Fatalf("%d, want %d", o, next)
		}
		next++
	}
	if next != 50*per {
		t.Fatal("got ", next)
	}
}

func TestOrderedBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		emitted := make([]int, 1000)
		work := func(ctx context.Context, item int, emit func(int) bool) error {
			if item == 0 {
				<-ctx.Done() // its turn never ends
				return nil
			}
			for emit(item) {
				emitted[item]++
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var last error
		for _, err := range Ordered(ctx, numbers(1000, nil), 4, work) {
			last = err
		}
		if last != context.DeadlineExceeded {
			t.Error("last error: ", last)
		}
		begun := 0
		for _, n := range emitted {
			if n > 0 {
				begun++
			}
			if n > maxAhead {
				t.Errorf("%d outputs ahead", n)
			}
		}
		if begun != 3 {
			t.Errorf("%d items ahead of one that hangs, with 3 free workers", begun)
		}
	})
}

func TestOrderedStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := func(_ context.Context, item int, emit func(int) bool) error {
			emit(item)
			time.Sleep(time.Hour)
			return nil
		}
		began := time.Now()
		for range Ordered(t.Context(), numbers(1, nil), 1, work) {
			if time.Since(began) != 0 {
				t.Error("the output waited for the end of its item")
			}
		}
	})
}

func TestOrderedErrors(t *testing.T) {
	bad := errors.New("bad")
	work := func(_ context.Context, item int, emit func(int) bool) error {
		emit(item)
		if item == 5 || item == 7 {
			return bad
		}
		return nil
	}
	check := func(name string, n int, workErr func(context.Context, int, func(int) bool) error, itemErr error, want int) {
		t.Helper()
		var got []int
		var last error
		for o, err := range Ordered(t.Context(), numbers(n, itemErr), 3, workErr) {
			if last != nil {
				t.Error(name, ": something follows the error")
			}
			if last = err; err == nil {
				got = append(got, o)
			}
		}
		if last != bad || len(got) != want {
			t.Errorf("%s: %v, then %v", name, got, last)
		}
	}
	check("work", 100, work, nil, 6)
	check("items", 4, work, bad, 4)
}

func TestOrderedBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		running := 0
		work := func(ctx context.Context, item int, emit func(int) bool) error {
			for emit(item) {
			}
			if ctx.Err() == nil {
				t.Error("emit ended before the context")
			}
			return ctx.Err()
		}
		for _, err := range Ordered(t.Context(), numbers(1e9, nil), 4, work) {
			must(t, err)
			if running++; running == 1000 {
				break
			}
		}
	})
}

func TestOrderedJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		work := func(ctx context.Context, item int, emit func(int) bool) error {
			running.Add(1)
			defer running.Add(-1)
			emit(item)
			<-ctx.Done()
			time.Sleep(time.Minute)
			return nil
		}
		loop := func(body func()) {
			defer func() { recover() }()
			for range Ordered(t.Context(), numbers(100, nil), 4, work) {
				body()
				break
			}
		}
		for _, body := range []func(){func() {}, func() { panic("in the loop") }} {
			if loop(body); running.Load() != 0 {
				t.Error("work goes on after the sequence has ended")
			}
		}
	})
}

func TestOrderedContext(t *testing.T) {
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		ahead := make(chan struct{})
		work := func(ctx context.Context, item int, emit func(int) bool) error {
			switch item {
			case 10: // cut short when others are done
				<-ahead
				cancel()
				return nil
			case 30:
				close(ahead)
			}
			emit(item)
			return nil
		}
		var last error
		for o, err := range Ordered(ctx, numbers(1e9, nil), 2, work) {
			if last = err; o > 10 {
				t.Fatal("an output behind an item that was cut short: ", o)
			}
		}
		if last != context.Canceled {
			t.Fatal("last error: ", last)
		}
		for _, err := range Ordered(ctx, numbers(10, nil), 2, work) {
			last = err
		}
		if last != context.Canceled {
			t.Error("an ended context gives another error: ", last)
		}
	}
}

func BenchmarkOrdered(b *testing.B) {
	work := func(_ context.Context, item int, emit func(int) bool) error {
		emit(item)
		return nil
	}
	b.ReportAllocs()
	n := 0
	for range Ordered(b.Context(), numbers(b.N, nil), 2, work) {
		n++
	}
}
