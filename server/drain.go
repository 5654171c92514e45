package server

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// drain counts the requests under way and ends them.
type drain struct {
	ctx      context.Context // ends with the requests
	stop     context.CancelFunc
	draining chan struct{} // closed when no request is taken any more

	mu   sync.Mutex
	shut bool
	all  sync.WaitGroup
}

func newDrain() *drain {
	d := &drain{draining: make(chan struct{})}
	d.ctx, d.stop = context.WithCancel(context.Background())
	return d
}

// begin takes a request, unless no more are taken; the caller calls all.Done.
func (d *drain) begin() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		return false
	}
	d.all.Add(1)
	return true
}

// close takes no further requests.
func (d *drain) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.shut {
		d.shut = true
		close(d.draining)
	}
}

// closed reports whether no further requests are taken.
func (d *drain) closed() bool {
	select {
	case <-d.draining:
		return true
	default:
		return false
	}
}

// shutdown takes no further requests and waits for those under way, which it ends
// when ctx does.
func (d *drain) shutdown(ctx context.Context) error {
	d.close()
	done := make(chan struct{})
	go func() { d.all.Wait(); close(done) }()
	select {
	case <-done:
		d.stop()
		return nil
	case <-ctx.Done():
		d.stop()
		<-done
		return ctx.Err()
	}
}

// lastWords is how long an answer may take after Close.
const lastWords = 2 * time.Second

// watch ends a request when ctx ends, until the function that it returns is called.
func watch(ctx context.Context, w http.ResponseWriter, cancel func()) (unwatch func()) {
	return after(ctx, func() {
		cancel()
		abort(http.NewResponseController(w))
	})
}

// after calls f when ctx ends, unless the function that it returns is called
// before; that waits for f, since what f uses must not be used any more then.
func after(ctx context.Context, f func()) (forget func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		f()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// abort ends reading and writing, which do not look at the context.
func abort(c *http.ResponseController) {
	_ = c.SetReadDeadline(time.Unix(1, 0))
	_ = c.SetWriteDeadline(time.Now().Add(lastWords))
}
