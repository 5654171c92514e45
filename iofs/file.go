package iofs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// file makes a hutch.File of f, which it closes unless there is an error.
func (b *backend) file(ctx context.Context, name, at string, f fs.File) (hutch.File, error) {
	i, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := readable(i); err != nil { // it was another file a moment ago
		return nil, err
	}
	info := describe(name, i)
	rev, final := b.cheapRev(at, i)
	if !final && b.fixed != nil {
		if rev, err = b.hash(ctx, at); err != nil {
			return nil, err
		}
		b.remember(at, rev)
		final = true
	}
	if final {
		info.Rev = rev
		return &stream{f: f, info: info, left: info.Size}, nil
	}
	return inMemory(ctx, info, rev, f)
}

// inMemory reads all of f, so that the revision is that of just these bytes.
func inMemory(ctx context.Context, info hutch.Info, rev string, f fs.File) (hutch.File, error) {
	data, err := io.ReadAll(reader{ctx, f})
	if err != nil {
		return nil, err
	}
	if changed(f, info) {
		return nil, hutch.ErrConflict
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	info.Size = int64(len(data))
	info.Rev = joined(rev, sumRev(sum[:]))
	return &memory{Reader: bytes.NewReader(data), info: info}, nil
}

// changed reports whether a file of the operating system was written to since
// info was taken. Times of change do not count: they are new also when another
// file takes the name.
func changed(f fs.File, info hutch.Info) bool {
	i, err := f.Stat()
	if err != nil {
		return false
	}
	_, _, ok := kernel(i)
	return ok && (i.Size() != info.Size || !i.ModTime().Equal(info.ModTime))
}

// memory is an open file whose content was read already.
type memory struct {
	*bytes.Reader
	info   hutch.Info
	closed atomic.Bool
}

func (m *memory) Info() hutch.Info { return m.info }

func (m *memory) Read(p []byte) (int, error) {
	if m.closed.Load() {
		return 0, failure("read", m.info.Name, fs.ErrClosed)
	}
	return m.Reader.Read(p)
}

func (m *memory) Close() error {
	if m.closed.Swap(true) {
		return failure("close", m.info.Name, fs.ErrClosed)
	}
	return nil
}

// stream is an open file that is read as it is asked for.
type stream struct {
	f    fs.File
	info hutch.Info
	left int64 // bytes until the end of this version
}

func (s *stream) Info() hutch.Info { return s.info }

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.f.Read(p)
	s.left -= int64(n)
	switch {
	case s.left < 0, err == io.EOF && s.left != 0, n > 0 && changed(s.f, s.info):
		return 0, failure("read", s.info.Name, hutch.ErrConflict)
	case err == nil || err == io.EOF:
		return n, err
	}
	return n, failure("read", s.info.Name, err)
}

func (s *stream) Close() error {
	if err := s.f.Close(); err != nil {
		return failure("close", s.info.Name, err)
	}
	return nil
}

// failure is err with the caller's name in place of those that an fs.FS put
// into it, which may be paths of the host.
func failure(op, name string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	var pe *fs.PathError
	for errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
