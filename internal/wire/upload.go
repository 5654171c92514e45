package wire

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// upload is the body of a Write: the head, what a reader gives, and the end; or
// in place of the end the wish to drop it all, where the reader fails or the
// context ends.
type upload struct {
	ctx    context.Context
	closed atomic.Bool

	mu   sync.Mutex
	r    io.Reader
	snd  sender
	pool *[]byte
	buf  []byte // what is ready; rest is what of it was not taken yet
	rest []byte
	done bool
	err  error // of the reader
}

func newUpload(ctx context.Context, head []byte, r io.Reader) *upload {
	u := &upload{ctx: ctx, r: r, pool: buffers.Get().(*[]byte)}
	u.buf = u.snd.add((*u.pool)[:0], kindHead, head)
	return u
}

var errBodyClosed = errors.New("request has ended")

// Read is called by the transport.
func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for len(u.rest) == 0 {
		switch {
		case u.closed.Load() || u.pool == nil:
			return 0, errBodyClosed
		case u.done:
			return 0, io.EOF
		}
		u.fill()
	}
	n := copy(p, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}

// fill gathers frames until there are enough of them.
func (u *upload) fill() {
	for empty := 0; len(u.buf) < batch && !u.done; {
		n, err := u.read()
		if n > 0 {
			empty = 0
		} else if empty++; err == nil && empty == 100 {
			err = io.ErrNoProgress
		}
		if err != nil {
			u.finish(err)
		}
	}
	u.rest, u.buf = u.buf, u.buf[:0]
}

// read makes a frame of what the reader gives at once.
func (u *upload) read() (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	at := len(u.buf)
	u.buf = slices.Grow(u.buf, frameHeader+chunk)
	n, err := u.r.Read(u.buf[at+frameHeader : at+frameHeader+chunk])
	if n < 0 || n > chunk {
		return 0, errors.New("reader returned an impossible count")
	}
	if n > 0 {
		u.buf = u.buf[:at+frameHeader+n]
		u.snd.seal(u.buf[at:], kindData)
	}
	return n, err
}

// finish ends the content: in order only if the reader and the context say so.
func (u *upload) finish(err error) {
	u.done = true
	if err == io.EOF {
		err = u.ctx.Err()
	}
	if err == nil {
		u.buf = u.snd.end(u.buf)
		return
	}
	u.err = err
	u.buf = u.snd.add(u.buf, kindStop, nil)
}

// Close is called by the transport; it does not wait for the reader.
func (u *upload) Close() error {
	u.closed.Store(true)
	return nil
}

// release waits until the reader is no longer used, and returns its error.
func (u *upload) release() error {
	u.closed.Store(true)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.pool != nil {
		*u.pool = u.buf[:0]
		buffers.Put(u.pool)
		u.pool, u.buf, u.rest = nil, nil, nil
	}
	return u.err
}
