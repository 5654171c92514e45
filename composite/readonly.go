package composite

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/hutch-dev/hutch"
)

// ReadOnly is b without its writes, which are refused with an error that matches
// fs.ErrPermission. It has the speeds of b for reading and of its powers
// [hutch.Linker]; a command could write.
func ReadOnly(b hutch.Backend) hutch.Backend { return readOnly{b} }

type readOnly struct{ b hutch.Backend }

var errReadOnly = fmt.Errorf("%w: read-only", fs.ErrPermission)

// As lets through the speeds for reading, and links.
func (r readOnly) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = hutch.As[hutch.Walker](r.b)
	case *hutch.Scanner:
		*t, ok = hutch.As[hutch.Scanner](r.b)
	case *hutch.Grepper:
		*t, ok = hutch.As[hutch.Grepper](r.b)
	case *hutch.Linker:
		var l hutch.Linker
		if l, ok = hutch.As[hutch.Linker](r.b); ok {
			*t = readOnlyLinker{l}
		}
	}
	return ok
}

func (r readOnly) Open(ctx context.Context, name string) (hutch.File, error) {
	return r.b.Open(ctx, name)
}

func (r readOnly) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return r.b.Stat(ctx, name)
}

func (r readOnly) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return r.b.List(ctx, dir)
}

func (r readOnly) Write(ctx context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, refuse(ctx, "write", name)
}

func (r readOnly) Remove(ctx context.Context, name string) error { return refuse(ctx, "remove", name) }

func refuse(ctx context.Context, op, name string) error {
	if err := check(ctx, op, name); err != nil {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: errReadOnly}
}
