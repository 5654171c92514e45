package search

import (
	"context"
	"iter"
	"sync"
)

const (
	aheadPerWorker = 32  // items begun or done before the turn of the first of them is over
	maxAhead       = 256 // outputs kept of one item
)

// Ordered runs work on every item, with at most workers at a time, and yields
// what they emit as if they had run one after the other: in the order of the
// items, and of one item in the order it was emitted.
//
// The item whose turn it is has its outputs passed on as they come. Others run
// ahead, by a bounded number of items, and wait in emit once they have emitted a
// few hundred outputs. emit returns false when nothing more is wanted; work should
// then return soon, with any error. emit is not for use after work has returned.
//
// The first error in the order of items, be it the items' own or work's, ends the
// sequence and is its last element, without an output. When ctx ends, ctx's error
// is. The ctx that work gets ends as soon as the sequence does.
//
// All goroutines have ended when the sequence has. It therefore waits for work
// that is running, and for items, which is called in another goroutine, to come
// back with its next item: items must not wait for anything that outlives ctx.
func Ordered[I, O any](ctx context.Context, items iter.Seq2[I, error], workers int, work func(ctx context.Context, item I, emit func(O) bool) error) iter.Seq2[O, error] {
	return func(yield func(O, error) bool) {
		workers := max(workers, 1)
		var all sync.WaitGroup
		defer all.Wait()
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		r := newRow[I, O](inner, workers*aheadPerWorker)
		all.Go(func() { r.feed(items) })
		for range workers {
			all.Go(func() { r.serve(work) })
		}
		goOn, err := r.drain(yield)
		cancel()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if goOn && err != nil {
			var none O
			yield(none, err)
		}
	}
}

// row is the items at work. There are as many turns as may be ahead, and each is
// used again and again: taken from free, filled, worked on, drained.
type row[I, O any] struct {
	ctx               context.Context
	free, jobs, queue chan *turn[I, O]
}

// turn is one item and what it has emitted.
type turn[I, O any] struct {
	item I

	mu    sync.Mutex
	out   []O
	done  bool
	err   error
	taker bool          // the consumer waits for ready
	maker bool          // the worker waits for space
	ready chan struct{} // each holds one signal
	space chan struct{}
	spare []O // what out was before, for the next exchange
}

func newRow[I, O any](ctx context.Context, n int) *row[I, O] {
	r := &row[I, O]{
		ctx:   ctx,
		free:  make(chan *turn[I, O], n),
		jobs:  make(chan *turn[I, O], n),
		queue: make(chan *turn[I, O], n),
	}
	for range n {
		r.free <- &turn[I, O]{ready: make(chan struct{}, 1), space: make(chan struct{}, 1)}
	}
	return r
}

// feed gives every item a turn, in order.
func (r *row[I, O]) feed(items iter.Seq2[I, error]) {
	defer close(r.queue)
	defer close(r.jobs)
	for item, err := range items {
		var t *turn[I, O]
		select {
		case t = <-r.free:
		case <-r.ctx.Done():
			return
		}
		t.item, t.err, t.done = item, err, err != nil
		r.queue <- t // queue and jobs have room for all turns
		if err != nil {
			return
		}
		r.jobs <- t
	}
}

// serve works on items until there are no more.
func (r *row[I, O]) serve(work func(context.Context, I, func(O) bool) error) {
	var t *turn[I, O]
	emit := func(o O) bool { return t.put(r.ctx, o) }
	for t = range r.jobs {
		if r.ctx.Err() != nil {
			return
		}
		t.finish(work(r.ctx, t.item, emit))
	}
}

// drain yields the outputs of one item after the other. goOn is false if yield
// wants no more.
func (r *row[I, O]) drain(yield func(O, error) bool) (goOn bool, err error) {
	for {
		var t *turn[I, O]
		select {
		case t = <-r.queue:
		case <-r.ctx.Done():
		}
		if t == nil {
			return true, nil
		}
		for done := false; !done; {
			var batch []O
			if batch, done, err = t.take(r.ctx); err == nil && r.ctx.Err() != nil {
				return true, nil
			}
			for _, o := range batch {
				if !yield(o, nil) {
					return false, nil
				}
			}
			clear(batch) // let go of what it points to
		}
		if err != nil {
			return true, err
		}
		var none I
		t.item = none
		r.free <- t
	}
}

// put adds an output and waits if there are many. It returns false when ctx ends.
func (t *turn[I, O]) put(ctx context.Context, o O) bool {
	t.mu.Lock()
	for len(t.out) >= maxAhead {
		t.maker = true
		t.mu.Unlock()
		select {
		case <-t.space:
		case <-ctx.Done():
			return false
		}
		t.mu.Lock()
	}
	t.out = append(t.out, o)
	t.wake()
	t.mu.Unlock()
	return ctx.Err() == nil
}

func (t *turn[I, O]) finish(err error) {
	t.mu.Lock()
	t.done, t.err = true, err
	t.wake()
	t.mu.Unlock()
}

// wake tells the consumer that there is something; mu is held.
func (t *turn[I, O]) wake() {
	if t.taker {
		t.taker = false
		t.ready <- struct{}{}
	}
}

// take waits for outputs or the end, with which err comes.
func (t *turn[I, O]) take(ctx context.Context) (batch []O, done bool, err error) {
	t.mu.Lock()
	if len(t.out) == 0 && !t.done {
		t.taker = true
		t.mu.Unlock()
		select {
		case <-t.ready:
		case <-ctx.Done():
			return nil, true, nil
		}
		t.mu.Lock()
	}
	defer t.mu.Unlock()
	batch, t.out, t.spare = t.out, t.spare[:0], t.out
	if t.maker {
		t.maker = false
		t.space <- struct{}{}
	}
	return batch, t.done, t.err
}
