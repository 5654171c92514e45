package composite

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"reflect"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/rename"
)

// Rename implements [hutch.Renamer]. From one backend to another it is no single
// step: a reader may see both files, and an error in the middle leaves both.
func (c *Backend) Rename(ctx context.Context, from, to string) error {
	if err := hutch.CheckName("rename", from); err != nil {
		return err
	}
	if err := check(ctx, "rename", to); err != nil {
		return err
	}
	if from == to || c.fixed(from) || c.fixed(to) || strings.HasPrefix(to, from+"/") {
		return c.renameFixed(ctx, from, to)
	}
	src, inFrom := c.find(from)
	dst, inTo := c.find(to)
	if src == dst || same(src.b, dst.b) {
		err := hutch.Move(ctx, src.b, inFrom, inTo)
		return rename.Error(err, func(name string) string {
			if name == inTo || strings.HasPrefix(name, inTo+"/") {
				return dst.outer(name)
			}
			return src.outer(name)
		})
	}
	if _, ok := src.b.(readOnly); ok { // before anything is copied
		if _, err := c.Stat(ctx, from); err != nil {
			return err
		}
		return &fs.PathError{Op: "rename", Path: from, Err: errReadOnly}
	}
	return hutch.Move(ctx, plain{c}, from, to)
}

// renameFixed answers for names that no rename can change.
func (c *Backend) renameFixed(ctx context.Context, from, to string) error {
	info, err := c.Stat(ctx, from)
	fail := func(name string, err error) error { return &fs.PathError{Op: "rename", Path: name, Err: err} }
	switch {
	case err != nil || from == to:
		return err
	case from == ".", strings.HasPrefix(to, from+"/"):
		return fail(to, fmt.Errorf("%w: a directory does not fit into itself", fs.ErrInvalid))
	case c.fixed(from):
		return fail(from, errMounted)
	case info.IsDir():
		return fail(to, fs.ErrExist)
	}
	return fail(to, hutch.ErrIsDir)
}

// same reports whether a backend is mounted twice, so that a copy from one place
// to the other could be a copy of a directory into itself.
func same(a, b hutch.Backend) bool {
	return reflect.TypeOf(a) == reflect.TypeOf(b) && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// plain is a composite without speeds and powers, for the functions of hutch
// that have no better way.
type plain struct{ c *Backend }

func (plain) As(any) bool { return false }

func (p plain) Open(ctx context.Context, name string) (hutch.File, error) { return p.c.Open(ctx, name) }

func (p plain) Stat(ctx context.Context, name string) (hutch.Info, error) { return p.c.Stat(ctx, name) }

func (p plain) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return p.c.List(ctx, dir)
}

func (p plain) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	return p.c.Write(ctx, name, r, opts)
}

func (p plain) Remove(ctx context.Context, name string) error { return p.c.Remove(ctx, name) }
