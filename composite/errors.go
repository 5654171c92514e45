package composite

import (
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/rename"
)

// err is an error of the mounted backend with the names of the composite.
func (m *mount) err(err error) error {
	if m.at == "." {
		return err
	}
	return rename.Error(err, m.outer)
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
