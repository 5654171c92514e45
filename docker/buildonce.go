package docker

import (
	"context"
	"sync"
)

// builds keeps this process from building one image twice at the same time.
// Between processes the engine sees to it that the last one counts.
var builds = queue{}

// queue lets one at a time work on a thing of a name.
type queue struct {
	mu sync.Mutex
	at map[string]*turn
}

type turn struct {
	free  chan struct{} // holds a value when nobody works
	users int
}

// enter waits for its turn, or for ctx to end. done gives the turn to the next.
func (q *queue) enter(ctx context.Context, name string) (done func(), err error) {
	q.mu.Lock()
	t := q.at[name]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		t.free <- struct{}{}
		if q.at == nil {
			q.at = map[string]*turn{}
		}
		q.at[name] = t
	}
	t.users++
	q.mu.Unlock()
	leave := func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if t.users--; t.users == 0 {
			delete(q.at, name)
		}
	}
	select {
	case <-t.free:
		return func() { t.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}
