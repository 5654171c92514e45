package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// Write implements [hutch.Backend]. All of r is read before anything is
// decided, and only then, in one step, is the name looked at and replaced. How
// much is read is bounded by the limits alone.
func (b *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := hutch.CheckName("write", name); err != nil {
		return hutch.Info{}, err
	}
	fail := func(err error) (hutch.Info, error) {
		return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: err}
	}
	if name == "." {
		return fail(hutch.ErrIsDir)
	}
	var o hutch.WriteOptions
	if opts != nil {
		o = *opts
	}
	data, err := b.readAll(ctx, r)
	if ctx.Err() != nil {
		return hutch.Info{}, ctx.Err()
	}
	if err != nil {
		return fail(err)
	}
	f := &file{data: data, mtime: time.Now().UTC(), rev: newRev()}
	err = b.update(ctx, func(v version) (version, error) { return b.limits.write(v, name, f, o) })
	if ctx.Err() != nil && err == ctx.Err() {
		return hutch.Info{}, err
	}
	if err != nil {
		return fail(err)
	}
	return f.info(name), nil
}

// write returns v with f under name. It sets the mode of f, which nobody else
// has seen yet.
func (o *Options) write(v version, name string, f *file, w hutch.WriteOptions) (version, error) {
	var old *file
	if e, err := v.top.get(name); err == nil {
		if e.isDir() {
			return v, hutch.ErrIsDir
		}
		old = e.file
	}
	if err := permits(w.IfRev, old); err != nil {
		return v, err
	}
	f.mode = w.Mode & 0o777
	if f.mode == 0 {
		f.mode = hutch.DefaultMode
		if old != nil {
			f.mode = old.mode
		}
	}
	return o.put(v, name, f, old)
}

// put returns v with f under name, in place of old.
func (o *Options) put(v version, name string, f, old *file) (version, error) {
	top, err := v.top.set(name, entry{file: f})
	if err != nil {
		return v, err
	}
	next := version{top: top, files: v.files + 1, bytes: v.bytes + int64(len(f.data))}
	if old != nil {
		next.files--
		next.bytes -= int64(len(old.data))
	}
	return next, o.fits(next)
}

// permits decides about the condition of a write.
func permits(ifRev string, old *file) error {
	switch {
	case ifRev == "":
		return nil
	case ifRev == hutch.Absent:
		if old != nil {
			return fmt.Errorf("%w: %w", hutch.ErrConflict, fs.ErrExist)
		}
		return nil
	case old == nil || old.rev != ifRev:
		return hutch.ErrConflict
	}
	return nil
}

// Remove implements [hutch.Backend]. With its last file a directory goes too.
func (b *Backend) Remove(ctx context.Context, name string) error {
	return b.change(ctx, "remove", name, func(v version) (version, error) {
		e, err := v.top.get(name)
		if err == nil && e.isDir() {
			err = hutch.ErrIsDir
		}
		if err != nil {
			return v, err
		}
		return version{top: v.top.unset(name), files: v.files - 1, bytes: v.bytes - int64(len(e.file.data))}, nil
	})
}

// change is update with the error of an operation on name.
func (b *Backend) change(ctx context.Context, op, name string, f func(version) (version, error)) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	err := b.update(ctx, f)
	var pe *fs.PathError
	if err == nil || errors.As(err, &pe) || err == ctx.Err() {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// Rename implements [hutch.Renamer]: in one step, for a directory with all that
// is in it. Modification times and revisions go along.
func (b *Backend) Rename(ctx context.Context, from, to string) error {
	if err := hutch.CheckName("rename", from); err != nil {
		return err
	}
	return b.change(ctx, "rename", to, func(v version) (version, error) {
		e, err := v.top.get(from)
		if err != nil {
			return v, &fs.PathError{Op: "rename", Path: from, Err: err}
		}
		if from == to {
			return v, nil
		}
		if from == "." || strings.HasPrefix(to, from+"/") {
			return v, fmt.Errorf("%w: a directory does not fit into itself", fs.ErrInvalid)
		}
		return v.rename(e, from, to)
	})
}

func (v version) rename(e entry, from, to string) (version, error) {
	old, err := v.top.get(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return v, err
	case old.isDir() && e.isDir():
		return v, fmt.Errorf("%w: %w", fs.ErrExist, hutch.ErrIsDir)
	case old.isDir():
		return v, hutch.ErrIsDir
	case e.isDir():
		return v, fs.ErrExist
	}
	top, err := v.top.unset(from).set(to, e)
	if err != nil {
		return v, err
	}
	v.top = top
	if old.file != nil {
		v.files--
		v.bytes -= int64(len(old.file.data))
	}
	return v, nil
}

// maxGrow bounds the memory that is taken on a reader's word.
const maxGrow = 64 << 20

// readAll reads r to its end, or until it is over a limit.
func (b *Backend) readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	most := int64(math.MaxInt64 - 1)
	for _, m := range []int64{b.limits.MaxFileBytes, b.limits.MaxBytes} {
		if m > 0 {
			most = min(most, m)
		}
	}
	var buf bytes.Buffer
	if s, ok := r.(interface{ Len() int }); ok {
		buf.Grow(int(min(int64(max(s.Len(), 0)), most, maxGrow)) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(reader{ctx, r}, most+1))
	if err != nil {
		return nil, err
	}
	if err := b.limits.fitsFile(n); err != nil {
		return nil, err
	}
	return bytes.Clone(buf.Bytes()), nil // without the room that the buffer has left
}

// reader is a reader that ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
