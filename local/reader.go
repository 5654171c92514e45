package local

import (
	"errors"
	"io"
	"os"

	"github.com/hutch-dev/hutch"
)

// reader is an open file: one version, or ErrConflict.
type reader struct {
	file
	name string
	node node
}

func newReader(name string, f file) (hutch.File, error) {
	r := &reader{file: f, name: name}
	if fd, ok := f.(interface{ opened() node }); ok {
		r.node = fd.opened()
	} else {
		n, err := f.stat()
		if err != nil {
			f.Close()
			return nil, fail("open", name, err)
		}
		r.node = n
	}
	return r, nil
}

func (r *reader) Info() hutch.Info { return r.node.info(r.name) }

// Size spares [hutch.ReadFile] the making of a Rev.
func (r *reader) Size() int64 { return r.node.size }

// Read sees the end of the file in the read that is cut short by it, so that
// no call is spent on asking again.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.file.Read(p)
	if err == nil && n == len(p) {
		return n, nil
	}
	if err != nil && err != io.EOF {
		return n, fail("read", r.name, err)
	}
	if err := r.check(); err != nil {
		return n, err
	}
	return n, io.EOF
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.file.ReadAt(p, off)
	if err != nil && err != io.EOF {
		return n, fail("read", r.name, err)
	}
	if err := r.check(); err != nil {
		return n, err
	}
	return n, err
}

// check fails if somebody changed the file in place since it was opened.
func (r *reader) check() error {
	now, err := r.file.stat()
	if err != nil {
		return fail("read", r.name, err)
	}
	if !now.unchanged(&r.node) {
		return fail("read", r.name, hutch.ErrConflict)
	}
	return nil
}

func (r *reader) Close() error {
	if err := r.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fail("close", r.name, err)
	}
	return nil
}
