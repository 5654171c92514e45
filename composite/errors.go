package composite

import (
	"errors"
	"io/fs"

	"github.com/hutch-dev/hutch"
)

// err is an error of the mounted backend with the names of the composite.
func (m *mount) err(err error) error {
	if m.at == "." {
		return err
	}
	return renamed(err, m.outer)
}

// renamed is err with every name in it replaced. Errors that several were
// joined to are taken apart; one that wraps a name in a text of its own loses
// the text and keeps what it matches.
func renamed(err error, name func(string) string) error {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err
	}
	switch e := err.(type) {
	case *fs.PathError:
		return &fs.PathError{Op: e.Op, Path: name(e.Path), Err: renamed(e.Err, name)}
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, renamed(one, name))
		}
		return errors.Join(all...)
	}
	return &fs.PathError{Op: pe.Op, Path: name(pe.Path), Err: cause{renamed(pe.Err, name), err}}
}

// cause shows one error and matches what another matches, except for its names.
type cause struct {
	shown error
	whole error
}

func (c cause) Error() string        { return c.shown.Error() }
func (c cause) Unwrap() error        { return c.shown }
func (c cause) Is(target error) bool { return errors.Is(c.whole, target) }
func (c cause) As(target any) bool {
	if _, ok := target.(**fs.PathError); ok {
		return false
	}
	return errors.As(c.whole, target)
}

// file is an open file with the name that the composite has for it.
func (m *mount) file(f hutch.File) hutch.File {
	if m.at == "." {
		return f
	}
	o := opened{f, m}
	if s, ok := f.(seekable); ok {
		return seeker{o, s}
	}
	return o
}

type opened struct {
	f hutch.File
	m *mount
}

func (o opened) Info() hutch.Info { return o.m.info(o.f.Info()) }

func (o opened) Read(p []byte) (int, error) {
	n, err := o.f.Read(p)
	return n, o.m.err(err)
}

func (o opened) Close() error { return o.m.err(o.f.Close()) }

type seekable interface {
	ReadAt(p []byte, off int64) (int, error)
	Seek(offset int64, whence int) (int64, error)
}

// seeker is an open file of a backend whose files can be read from anywhere.
type seeker struct {
	opened
	s seekable
}

func (s seeker) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.s.ReadAt(p, off)
	return n, s.m.err(err)
}

func (s seeker) Seek(offset int64, whence int) (int64, error) {
	n, err := s.s.Seek(offset, whence)
	return n, s.m.err(err)
}
