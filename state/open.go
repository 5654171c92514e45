package state

import (
	"bytes"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// opened is an open file. It holds its version, whatever is written meanwhile.
type opened struct {
	info   hutch.Info
	r      *bytes.Reader
	closed atomic.Bool
}

func newReader(name string, f *file) *opened {
	return &opened{info: f.info(name), r: bytes.NewReader(f.data)}
}

func (o *opened) Info() hutch.Info { return o.info }

func (o *opened) Read(p []byte) (int, error) {
	if o.closed.Load() {
		return 0, o.err("read", fs.ErrClosed)
	}
	return o.r.Read(p)
}

func (o *opened) ReadAt(p []byte, off int64) (int, error) {
	if o.closed.Load() {
		return 0, o.err("read", fs.ErrClosed)
	}
	if off < 0 {
		return 0, o.err("read", fs.ErrInvalid)
	}
	return o.r.ReadAt(p, off)
}

func (o *opened) Seek(offset int64, whence int) (int64, error) {
	if o.closed.Load() {
		return 0, o.err("seek", fs.ErrClosed)
	}
	n, err := o.r.Seek(offset, whence)
	if err != nil {
		return 0, o.err("seek", fs.ErrInvalid)
	}
	return n, nil
}

func (o *opened) WriteTo(w io.Writer) (int64, error) {
	if o.closed.Load() {
		return 0, o.err("read", fs.ErrClosed)
	}
	return o.r.WriteTo(w)
}

func (o *opened) Close() error {
	if o.closed.Swap(true) {
		return o.err("close", fs.ErrClosed)
	}
	return nil
}

func (o *opened) err(op string, err error) error {
	return &fs.PathError{Op: op, Path: o.info.Name, Err: err}
}
