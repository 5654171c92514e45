package shell

import (
	"context"
	"sync"
)

// looks lets those who open one small file at the same time share one look at
// it. Nobody is given a look that had begun before he asked: it might miss what
// was written in between.
type looks struct {
	mu    sync.Mutex
	names map[string]*look
}

// look is one that is under way or, in next, about to begin.
type look struct {
	done chan struct{}
	got  opened
	next *look
}

// share looks, or waits for the next look at name that somebody else takes.
func (l *looks) share(ctx context.Context, name string, open func() opened) opened {
	l.mu.Lock()
	if l.names == nil {
		l.names = map[string]*look{}
	}
	now := l.names[name]
	if now == nil {
		now = &look{done: make(chan struct{})}
		l.names[name] = now
		l.mu.Unlock()
		return l.take(name, now, open)
	}
	if next := now.next; next != nil {
		l.mu.Unlock()
		select {
		case <-next.done:
		case <-ctx.Done():
			return opened{err: ctx.Err()}
		}
		if next.got.server != nil || next.got.err != nil { // not to be shared
			return open()
		}
		return next.got
	}
	next := &look{done: make(chan struct{})}
	now.next = next
	l.mu.Unlock()
	select {
	case <-now.done:
		return l.take(name, next, open)
	case <-ctx.Done(): // others may wait for it
		go func() {
			<-now.done
			l.take(name, next, func() opened { return opened{err: ctx.Err()} })
		}()
		return opened{err: ctx.Err()}
	}
}

// take looks, and makes way for the next one.
func (l *looks) take(name string, k *look, open func() opened) opened {
	k.got = open()
	l.mu.Lock()
	defer l.mu.Unlock()
	if k.next == nil {
		delete(l.names, name)
	} else {
		l.names[name] = k.next
	}
	close(k.done)
	return k.got
}

// known are the revisions that small files had last, as far as one has been seen:
// a file that has it still after its content was read did not change meanwhile.
type known struct {
	mu   sync.Mutex
	revs map[string]string
}

// maxKnown bounds the memory of known.
const maxKnown = 4096

// of takes the revision out: it is good for one look.
func (k *known) of(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	rev := k.revs[name]
	delete(k.revs, name)
	return rev
}

func (k *known) keep(name, rev string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.revs == nil || len(k.revs) >= maxKnown {
		k.revs = map[string]string{}
	}
	k.revs[name] = rev
}
