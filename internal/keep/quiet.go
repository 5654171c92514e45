package keep

import (
	"context"
	"io"
	"iter"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Quiet is b for what tools and agents do on their own account: nobody is asked
// for it, no link is followed, and it has no speeds or powers.
func Quiet(b hutch.Backend) hutch.Backend {
	if l, ok := hutch.As[hutch.Linker](b); ok {
		b = l.Unlinked()
	}
	return quiet{b}
}

type quiet struct{ b hutch.Backend }

func (q quiet) Open(ctx context.Context, name string) (hutch.File, error) {
	return q.b.Open(guard.Unasked(ctx), name)
}

func (q quiet) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return q.b.Stat(guard.Unasked(ctx), name)
}

func (q quiet) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return q.b.List(guard.Unasked(ctx), dir)
}

func (q quiet) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	return q.b.Write(guard.Unasked(ctx), name, r, o)
}

func (q quiet) Remove(ctx context.Context, name string) error {
	return q.b.Remove(guard.Unasked(ctx), name)
}

// As hides what the backend can do besides.
func (quiet) As(any) bool { return false }
