package link

import (
	"context"
	"errors"
	"io"
	"time"
)

var errLate = errors.New("too late")

// watch ends a context when what is expected does not come in time.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func newWatch(parent context.Context) *watch {
	ctx, cancel := context.WithCancelCause(parent)
	w := &watch{ctx: ctx, cancel: cancel}
	w.timer = time.AfterFunc(DefaultWait, func() { cancel(errLate) })
	return w
}

// expect begins to wait anew.
func (w *watch) expect(t time.Duration) { w.timer.Reset(t) }

// pause waits for nothing.
func (w *watch) pause() { w.timer.Stop() }

// late reports whether the time was over.
func (w *watch) late() bool { return context.Cause(w.ctx) == errLate }

// stop ends all.
func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}

// watched reads and waits anew with every piece that comes.
type watched struct {
	r    io.Reader
	w    *watch
	idle time.Duration
}

func (r *watched) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if n > 0 {
		r.w.expect(r.idle)
	}
	return n, err
}
