package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// patience has the deadlines of one request: how long its client may give nothing
// of the body, and take nothing of the answer.
type patience struct {
	c     *http.ResponseController
	http1 bool
	pause time.Duration // less than 0: for ever

	mu   sync.Mutex
	over bool // ended: no deadline may be put off any more
}

func newPatience(w http.ResponseWriter, r *http.Request, pause time.Duration) *patience {
	return &patience{c: http.NewResponseController(w), http1: r.ProtoMajor < 2, pause: pause}
}

// begin bounds what is written without anybody looking, and what is read of a body
// that nobody wants. With HTTP/1 the deadlines are those of the connection, and the
// last ones of the request before.
func (p *patience) begin(r *http.Request) {
	if !p.http1 {
		return
	}
	p.write(true)
	if r.ContentLength != 0 {
		p.read(true)
	}
}

// read begins or ends a time in which something must be read. Where a writer
// cannot have deadlines there are none.
func (p *patience) read(on bool) {
	p.set(p.c.SetReadDeadline, on, p.pause)
}

// write is the same for writing. With HTTP/1 a deadline stands until the next one,
// since the rest of an answer is written when its handler has returned; with
// HTTP/2 it would end a request that has nothing to write.
func (p *patience) write(on bool) {
	if on || !p.http1 {
		p.set(p.c.SetWriteDeadline, on, p.pause+lastWords) // net/http may read before it writes
	}
}

// leave bounds what is read of a body that nobody wants: as much as it takes for
// the client to see the answer.
func (p *patience) leave() {
	if p.http1 {
		p.set(p.c.SetReadDeadline, true, lastWords/4)
	}
}

func (p *patience) set(f func(time.Time) error, on bool, d time.Duration) {
	if p.pause < 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
	case on:
		_ = f(time.Now().Add(d))
	default:
		_ = f(time.Time{})
	}
}

// ended reports whether the request was ended. Its connection is of no use then:
// net/http takes the end of reading for that of the client.
func (p *patience) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over && p.http1
}

// watch ends the request when ctx does, until the function that it returns is
// called.
func (p *patience) watch(ctx context.Context, cancel func()) (unwatch func()) {
	return after(ctx, func() {
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = true
		abort(p.c)
	})
}

// body is the body of a request, with its bounds.
type body struct {
	r     io.ReadCloser
	p     *patience
	limit int64 // less than 0: none
	rate  int64 // less than 0: none

	n      int64
	waited time.Duration
	eof    bool
	err    error // why it was not whole
	seen   func([]byte)
}

var (
	errSlow = &problem{status: http.StatusRequestTimeout, code: "slow", detail: "the body came too slowly"}
	errCut  = &problem{status: http.StatusBadRequest, code: "invalid", detail: "the body was cut short"}
	errBig  = &problem{status: http.StatusRequestEntityTooLarge, code: "too_large", detail: "the body is too large"}
)

func (b *body) Read(buf []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.eof:
		return 0, io.EOF
	}
	b.p.read(true)
	begin := time.Now()
	n, err := b.r.Read(buf)
	b.waited += time.Since(begin)
	b.p.read(false)
	b.n += int64(n)
	if b.seen != nil {
		b.seen(buf[:n])
	}
	switch {
	case b.limit >= 0 && b.n > b.limit:
		b.err = errBig
	case err == io.EOF:
		b.eof = true
		return n, io.EOF
	case errors.Is(err, os.ErrDeadlineExceeded) || b.slow():
		b.err = errSlow
	case err != nil:
		b.err = errCut
	}
	return n, b.err
}

// slow reports whether the time waited for the body was too much for what came.
func (b *body) slow() bool {
	return b.p.pause >= 0 && b.rate >= 0 && b.waited > b.p.pause && float64(b.n) < b.waited.Seconds()*float64(b.rate)
}

// Close implements [io.Closer].
func (b *body) Close() error { return b.r.Close() }

// answer is the answer to a request.
type answer struct {
	http.ResponseWriter
	p       *patience
	body    *body
	closing func() bool // whether the connection should go
	closed  bool        // it does
	status  int
	n       int64
	keep    *kept // nil: it is not kept
}

// Unwrap is for [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status = status
	unread := a.p.http1 && !a.body.eof && a.body.r != http.NoBody
	if unread {
		a.p.leave()
	}
	a.closed = unread || a.p.ended() || a.closing()
	if a.closed {
		a.Header().Set("Connection", "close")
	}
	a.keep.begin(status, a.Header())
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	a.p.write(true)
	n, err := a.ResponseWriter.Write(b)
	a.p.write(false)
	a.n += int64(n)
	a.keep.write(b[:n])
	return n, err
}

// FlushError is for [http.ResponseController].
func (a *answer) FlushError() error {
	a.p.write(true)
	defer a.p.write(false)
	return http.NewResponseController(a.ResponseWriter).Flush()
}
