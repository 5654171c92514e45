package backendtest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"

	"github.com/hutch-dev/hutch"
)

// Plain is b without its speeds and powers: every function of hutch takes the
// slow way through the five methods. Of the powers it lets [hutch.Linker] through,
// without which there are wrappers that let nothing through.
func Plain(b hutch.Backend) hutch.Backend { return plain{b} }

type plain struct{ b hutch.Backend }

// As hides everything but links.
func (p plain) As(target any) bool {
	t, ok := target.(*hutch.Linker)
	if !ok {
		return false
	}
	l, ok := hutch.As[hutch.Linker](p.b)
	if ok {
		*t = plainLinker{l}
	}
	return ok
}

type plainLinker struct{ hutch.Linker }

func (l plainLinker) Unlinked() hutch.Backend { return Plain(l.Linker.Unlinked()) }

func (p plain) Open(ctx context.Context, name string) (hutch.File, error) { return p.b.Open(ctx, name) }

func (p plain) Stat(ctx context.Context, name string) (hutch.Info, error) { return p.b.Stat(ctx, name) }

func (p plain) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return p.b.List(ctx, dir)
}

func (p plain) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	return p.b.Write(ctx, name, r, opts)
}

func (p plain) Remove(ctx context.Context, name string) error { return p.b.Remove(ctx, name) }

// meanings are the errors that callers tell apart.
var meanings = []error{
	fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported, hutch.ErrConflict,
	hutch.ErrIsDir, hutch.ErrNotDir, hutch.ErrTooLarge, hutch.ErrClosed, context.Canceled, context.DeadlineExceeded,
}

// sameError fails unless both errors have one meaning and name.
func (t *env) sameError(what string, got, want error) {
	t.Helper()
	if (got == nil) != (want == nil) {
		t.Errorf("%s: error %v, want %v", what, got, want)
		return
	}
	for _, m := range meanings {
		if errors.Is(got, m) != errors.Is(want, m) {
			t.Errorf("%s: error %q, want the meaning of %q", what, got, want)
		}
	}
	var g, w *fs.PathError
	if errors.As(want, &w) && (!errors.As(got, &g) || g.Path != w.Path) {
		t.Errorf("%s: error %q, want the name of %q", what, got, want)
	}
}
