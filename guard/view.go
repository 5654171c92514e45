package guard

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"

	"github.com/hutch-dev/hutch"
)

const gitignore = ".gitignore"

// view is what a search of op may read, as a backend without speeds that search:
// the functions of package hutch do the rest, with its caps and its order. It
// lists everything: what may not be read is not there when a grep opens it, and
// the results of a glob are looked at.
type view struct {
	g  *Backend
	op Op
}

// As offers Scan.
func (v view) As(target any) bool {
	t, ok := target.(*hutch.Scanner)
	if ok {
		*t = v
	}
	return ok
}

// Open opens what may be read. The rules of a .gitignore that may not are none.
func (v view) Open(ctx context.Context, name string) (hutch.File, error) {
	if v.g.readable(ctx, v.op, name) {
		return v.g.b.Open(ctx, name)
	}
	if path.Base(name) == gitignore {
		return empty{name}, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (v view) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return v.g.b.Stat(ctx, name)
}

func (v view) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return v.g.b.List(ctx, dir)
}

// Scan implements hutch.Scanner.
func (v view) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return scan(v.g.b)(ctx, dir)
}

func (v view) Write(_ context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: errors.ErrUnsupported}
}

func (v view) Remove(_ context.Context, name string) error {
	return &fs.PathError{Op: "remove", Path: name, Err: errors.ErrUnsupported}
}

// empty is a file without content.
type empty struct{ name string }

func (e empty) Info() hutch.Info {
	return hutch.Info{Name: e.name, Mode: hutch.DefaultMode, Rev: "empty"}
}
func (e empty) Read([]byte) (int, error) { return 0, io.EOF }
func (e empty) Close() error             { return nil }
