package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

func (v view) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := v.s.begin(ctx, "write", name); err != nil {
		return hutch.Info{}, err
	}
	defer v.s.end()
	var o hutch.WriteOptions
	if opts != nil {
		o = *opts
	}
	err := v.s.guard.check(name)
	if name == "." {
		err = hutch.ErrIsDir
	}
	if err != nil {
		return hutch.Info{}, fail("write", name, err)
	}
	n, err := v.write(ctx, name, r, o)
	if err != nil {
		return hutch.Info{}, err
	}
	return n.info(name), nil
}

func (v view) write(ctx context.Context, name string, r io.Reader, o hutch.WriteOptions) (n node, err error) {
	s := v.s
	tmp, t, err := s.createTemp()
	if err != nil {
		return node{}, fail("write", name, err)
	}
	defer func() {
		t.Close()
		if err != nil {
			s.tree.remove(tmp)
		}
	}()
	if err := fill(ctx, t, r); err != nil {
		return node{}, &fs.PathError{Op: "write", Path: name, Err: err}
	}
	err = v.change(ctx, name, true, func(real string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return s.commit(tmp, t, real, o)
	})
	if err == nil {
		n, err = t.stat() // after the rename, which changes the change time
	}
	if err != nil {
		return node{}, fail("write", name, err)
	}
	return n, nil
}

// createTemp makes a temporary file that only this user can read.
func (s *Sandbox) createTemp() (string, temp, error) {
	if _, err := s.locks.ready(); err != nil {
		return "", nil, err
	}
	for try := 0; ; try++ {
		name := staging + "/" + strconv.FormatUint(rand.Uint64(), 36)
		t, err := s.tree.create(name, 0o600)
		switch {
		case err == nil:
			return name, t, nil
		case try == 3:
			return "", nil, err
		case errors.Is(err, fs.ErrNotExist): // somebody removed the directory
			if err := s.tree.mkdirs(staging); err != nil {
				return "", nil, err
			}
		case !errors.Is(err, fs.ErrExist):
			return "", nil, err
		}
	}
}

// fill copies r to t. The error of the system is turned into ours, the error of
// r stays what it is.
func fill(ctx context.Context, t temp, r io.Reader) error {
	switch m := r.(type) {
	case nil:
		return nil
	case *bytes.Reader, *strings.Reader, *bytes.Buffer:
		_, err := m.(io.WriterTo).WriteTo(t)
		return plain(err)
	}
	buf := copyBuffers.Get().(*[128 << 10]byte)
	defer copyBuffers.Put(buf)
	for empty := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf[:])
		if n < 0 || n > len(buf) {
			return errors.New("reader returned an impossible count")
		}
		if _, err := t.Write(buf[:n]); err != nil {
			return plain(err)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n > 0 {
			empty = 0
		} else if empty++; empty == 100 {
			return io.ErrNoProgress
		}
	}
}

var copyBuffers = sync.Pool{New: func() any { return new([128 << 10]byte) }}

// commit gives the temporary file the name real, if that is allowed. The lock
// of real is held.
func (s *Sandbox) commit(tmp string, t temp, real string, o hutch.WriteOptions) error {
	old, err := s.lstat(real)
	exists := err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case !exists:
	case old.mode&fs.ModeSymlink != 0:
		return errLink
	case old.mode.IsDir():
		return hutch.ErrIsDir
	case !old.mode.IsRegular():
		return errIrregular
	}
	if err := allowed(o.IfRev, exists, &old); err != nil {
		return err
	}
	mode := o.Mode.Perm()
	switch {
	case mode != 0:
	case exists:
		mode = old.mode.Perm()
	default:
		mode = hutch.DefaultMode
	}
	if err := t.chmod(mode); err != nil {
		return err
	}
	// A time of its own, finer than the clock of the file system, for the Rev.
	if err := t.touch(time.Now()); err != nil {
		return err
	}
	return s.place(tmp, real, o.IfRev == hutch.Absent)
}

// allowed decides about IfRev.
func allowed(ifRev string, exists bool, old *node) error {
	switch {
	case ifRev == "":
		return nil
	case ifRev == hutch.Absent && exists:
		return errPresent
	case ifRev == hutch.Absent:
		return nil
	case !exists || old.rev() != ifRev:
		return hutch.ErrConflict
	}
	return nil
}

var errPresent = fmt.Errorf("%w: %w", hutch.ErrConflict, fs.ErrExist)

// place renames and makes the parents where they are missing; others may remove
// them again meanwhile.
func (s *Sandbox) place(tmp, real string, noReplace bool) error {
	for try := 0; ; try++ {
		s.makeWay(tmp)
		s.makeWay(real)
		err := s.tree.rename(tmp, real, noReplace)
		switch {
		case err == nil:
			return nil
		case try < 10 && s.absent(real): // the jail is at it
		case errors.Is(err, fs.ErrExist):
			return errPresent
		case !errors.Is(err, fs.ErrNotExist) || try == 100:
			return err
		}
		if err := s.tree.mkdirs(path.Dir(real)); err != nil {
			return err
		}
	}
}
