package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// Stat implements [hutch.Backend].
func (f files) Stat(ctx context.Context, name string) (hutch.Info, error) {
	c := f.c
	if err := c.ready(ctx, "stat", name); err != nil {
		return hutch.Info{}, err
	}
	p, err := c.ask(ctx, f.via(statRoute), &request{Name: name}, name)
	if err != nil {
		return hutch.Info{}, err
	}
	return c.info("stat", name, p)
}

// info reads the description of the file name.
func (c *Client) info(op, name string, p []byte) (hutch.Info, error) {
	rec, rest, ok, err := next(p, maxInfo)
	if err == nil && (!ok || len(rest) > 0) {
		err = broken("no description of a file")
	}
	var i hutch.Info
	if err == nil {
		i, err = decodeInfo(rec)
	}
	if err == nil && i.Name != name {
		err = broken("the description of another file")
	}
	if err != nil {
		return hutch.Info{}, c.lost(op, name, err)
	}
	return i, nil
}

// Remove implements [hutch.Backend].
func (f files) Remove(ctx context.Context, name string) error {
	c := f.c
	if err := c.ready(ctx, "remove", name); err != nil {
		return err
	}
	_, err := c.ask(ctx, f.via(removeRoute), &request{Name: name}, name)
	return err
}

// Rename implements [hutch.Renamer].
func (f files) Rename(ctx context.Context, from, to string) error {
	c := f.c
	if err := c.ready(ctx, "rename", from, to); err != nil {
		return err
	}
	_, err := c.ask(ctx, f.via(renameRoute), &request{Name: from, To: to}, from)
	return err
}

// Open implements [hutch.Backend]. What Read gives was checked; that the file
// was whole is known when io.EOF is given. Reading ends when ctx does.
func (f files) Open(ctx context.Context, name string) (hutch.File, error) {
	c := f.c
	if err := c.ready(ctx, "open", name); err != nil {
		return nil, err
	}
	x, err := c.begin(ctx, f.via(openRoute), &request{Name: name}, name)
	if err != nil {
		return nil, err
	}
	kind, p, err := x.in.frame(maxFrame)
	switch {
	case err != nil:
		err = x.fail(err)
	case kind == kindFault:
		if err = decodeFault(p); err != nil {
			err = x.fault(err)
		}
	case kind != kindResult:
		err = x.fail(broken("unexpected frame"))
	default:
		var info hutch.Info
		if info, err = c.info("open", name, p); err == nil {
			x.op, x.in.buf = "read", nil
			return &file{x: x, info: info}, nil
		}
	}
	x.end()
	return nil, err
}

// file is a file that is read as it comes in.
type file struct {
	x      *exchange
	info   hutch.Info
	rest   []byte // of the last frame
	pool   *[]byte
	err    error
	closed atomic.Bool
}

func (f *file) Info() hutch.Info { return f.info }

func (f *file) Read(p []byte) (int, error) {
	if f.closed.Load() {
		return 0, &fs.PathError{Op: "read", Path: f.info.Name, Err: fs.ErrClosed}
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(f.rest) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		n, err := f.next(p)
		if err != nil {
			f.over(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// over keeps the error that the file ended with.
func (f *file) over(err error) {
	var pe *fs.PathError
	if err != io.EOF && !errors.As(err, &pe) {
		err = f.x.fail(err)
	}
	f.err = err
	f.x.end()
	f.release()
}

func (f *file) release() {
	if f.pool != nil {
		*f.pool = f.x.in.buf[:0]
		buffers.Put(f.pool)
		f.pool, f.x.in.buf, f.rest = nil, nil, nil
	}
}

// next reads a frame, into p if it has room.
func (f *file) next(p []byte) (int, error) {
	kind, size, err := f.x.in.header(maxFrame)
	if err != nil {
		return 0, err
	}
	if kind == kindData && size <= len(p) {
		if err := f.x.in.payload(p[:size]); err != nil {
			return 0, err
		}
		return size, nil
	}
	if f.pool == nil {
		f.pool = buffers.Get().(*[]byte)
		f.x.in.buf = *f.pool
	}
	if cap(f.x.in.buf) < size {
		f.x.in.buf = make([]byte, size)
	}
	b := f.x.in.buf[:size]
	if err := f.x.in.payload(b); err != nil {
		return 0, err
	}
	switch kind {
	case kindData:
		f.rest = b
		return 0, nil
	case kindFault:
		return 0, f.x.fault(decodeFault(b))
	case kindEnd:
		if err := f.x.finished(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	return 0, broken("unexpected frame")
}

// Close lets go of the file, also in the middle of a Read.
func (f *file) Close() error {
	if !f.closed.Swap(true) {
		f.x.end()
	}
	return nil
}

// Write implements [hutch.Backend]. It waits for a Read of r that is under way
// before it returns. Where ctx ends the far side is told to drop what it has;
// if it answers that the file was written all the same, that is no error.
func (f files) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	c := f.c
	if err := c.ready(ctx, "write", name); err != nil {
		return hutch.Info{}, err
	}
	var o hutch.WriteOptions
	if opts != nil {
		o = *opts
	}
	if r == nil {
		r = bytes.NewReader(nil)
	}
	route := f.via(writeRoute)
	q := &request{Name: name, IfRev: []byte(o.IfRev), Mode: uint32(o.Mode.Perm())}
	head, err := c.prepare(route, q, name)
	if err != nil {
		return hutch.Info{}, err
	}
	u := newUpload(ctx, head, r)
	defer u.release()
	var p []byte
	x, err := c.send(ctx, route, q, name, u, -1, nil)
	if err == nil {
		p, err = x.result(maxFrame)
	}
	if rerr := u.release(); rerr != nil && err != nil {
		err = &fs.PathError{Op: "write", Path: name, Err: rerr}
	}
	if err != nil {
		return hutch.Info{}, err
	}
	return c.info("write", name, p)
}
