package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"

	"github.com/hutch-dev/hutch"
)

// open sends the description of a file, and its content.
func (c *call) open() error {
	if err := c.whole(); err != nil {
		return err
	}
	f, err := c.b.Open(c.ctx, c.Name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := c.out.put(kindResult, appendInfo(nil, f.Info())); err != nil {
		return err
	}
	size := f.Info().Size
	if s, ok := f.(interface{ Size() int64 }); ok {
		size = s.Size()
	}
	// One byte more lets the first read see the end of a small file.
	return c.out.fill(f, int(min(max(size, 0)+1, chunk)))
}

// fill sends what r gives. n is how much to read at a time.
func (o *outlet) fill(r io.Reader, n int) error {
	for empty := 0; empty < 100; {
		got, err := o.read(r, n)
		if got > 0 {
			empty, n = 0, chunk
		} else {
			empty++
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// read reads once from r, into a frame. What has gathered is sent unless it is
// little or the end has come.
func (o *outlet) read(r io.Reader, n int) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return 0, o.err
	}
	at := len(o.buf)
	o.buf = slices.Grow(o.buf, frameHeader+n)
	got, err := r.Read(o.buf[at+frameHeader : at+frameHeader+n])
	if got < 0 || got > n {
		return 0, errors.New("reader returned an impossible count")
	}
	if got > 0 {
		o.buf = o.buf[:at+frameHeader+got]
		o.snd.seal(o.buf[at:], kindData)
	}
	if err == nil && len(o.buf) >= batch {
		o.send()
		err = o.err
	}
	return got, err
}

func (c *call) stat() error {
	if err := c.whole(); err != nil {
		return err
	}
	return c.info(c.b.Stat(c.ctx, c.Name))
}

func (c *call) info(i hutch.Info, err error) error {
	if err != nil {
		return err
	}
	return c.out.put(kindResult, appendInfo(nil, i))
}

func (c *call) list() error { return c.infos(c.b.List(c.ctx, c.Name)) }
func (c *call) walk() error { return c.infos(hutch.Walk(c.ctx, c.b, c.Name)) }

func (c *call) scan() error {
	if s, ok := hutch.As[hutch.Scanner](c.b); ok {
		return c.infos(s.Scan(c.ctx, c.Name))
	}
	return c.infos(c.b.List(c.ctx, c.Name))
}

func (c *call) glob() error {
	g := c.Glob
	if g == nil {
		g = &glob{}
	}
	o := &hutch.GlobOptions{Dir: c.Name, Recurse: g.Recurse, Hidden: g.Hidden, Gitignore: g.Gitignore, Names: g.Names}
	return c.infos(hutch.Glob(c.ctx, c.b, string(c.Pattern), o))
}

func (c *call) infos(seq iter.Seq2[hutch.Info, error]) error { return sequence(c, seq, appendInfo) }

func (c *call) grep() error {
	q := c.Query
	if q == nil {
		q = &query{}
	}
	return sequence(c, hutch.Grep(c.ctx, c.b, q.query(c.Name, string(c.Pattern))), appendMatch)
}

// sequence sends what seq yields.
func sequence[T any](c *call, seq iter.Seq2[T, error], add func([]byte, T) []byte) error {
	if err := c.whole(); err != nil {
		return err
	}
	for v, err := range seq {
		if err == nil {
			err = c.out.item(func(b []byte) []byte { return add(b, v) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) write() error {
	pool := buffers.Get().(*[]byte)
	defer buffers.Put(pool)
	c.in.buf = *pool
	r := &content{in: &c.in}
	info, err := c.b.Write(c.ctx, c.Name, r, &hutch.WriteOptions{IfRev: string(c.IfRev), Mode: fs.FileMode(c.Mode)})
	*pool = c.in.buf[:0]
	c.in.buf = nil
	if err == nil && r.err != io.EOF {
		// The backend has not asked for the end, so it cannot know that this was all.
		err = &fs.PathError{Op: "write", Path: c.Name, Err: io.ErrUnexpectedEOF}
	}
	return c.info(info, err)
}

// content is the content of a file as it comes in. It ends only with the frame
// that says so.
type content struct {
	in   *receiver
	rest []byte
	err  error
}

// errStopped is what the reader of a Write gives when the client has given up.
var errStopped = fmt.Errorf("%w: the client has stopped the write", context.Canceled)

func (r *content) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.rest) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.next(p)
		r.err = err
		if n > 0 {
			return n, nil
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// next reads a frame, into p if it has room.
func (r *content) next(p []byte) (int, error) {
	kind, size, err := r.in.header(maxFrame)
	if err != nil {
		return 0, err
	}
	if kind == kindData && size <= len(p) {
		if err := r.in.payload(p[:size]); err != nil {
			return 0, err
		}
		return size, nil
	}
	if cap(r.in.buf) < size {
		r.in.buf = make([]byte, size)
	}
	b := r.in.buf[:size]
	if err := r.in.payload(b); err != nil {
		return 0, err
	}
	switch kind {
	case kindData:
		r.rest = b
		return 0, nil
	case kindEnd:
		return 0, io.EOF
	case kindStop:
		return 0, errStopped
	}
	return 0, broken("unexpected frame")
}

func (c *call) remove() error {
	if err := c.whole(); err != nil {
		return err
	}
	if err := c.b.Remove(c.ctx, c.Name); err != nil {
		return err
	}
	return c.out.put(kindResult, nil)
}

func (c *call) rename() error {
	if err := c.whole(); err != nil {
		return err
	}
	r, ok := hutch.As[hutch.Renamer](c.b)
	if !ok {
		return unable("rename", c.Name)
	}
	if err := r.Rename(c.ctx, c.Name, c.To); err != nil {
		return err
	}
	return c.out.put(kindResult, nil)
}
