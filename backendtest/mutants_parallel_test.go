//go:build unix

package backendtest

import (
	"context"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
)

// slowly reads r and lets others go first.
func slowly(r io.Reader) io.Reader {
	return readerFunc(func(p []byte) (int, error) {
		for range 20 {
			runtime.Gosched()
		}
		return r.Read(p)
	})
}

// following is a mutant whose readers read, piece by piece, whatever the file is
// at that moment.
func following(t testing.TB) hutch.Backend {
	return reading(func(b hutch.Backend, f hutch.File) io.Reader {
		at := 0
		return readerFunc(func(p []byte) (int, error) {
			data, err := hutch.ReadFile(context.Background(), b, f.Info().Name)
			if err != nil {
				return 0, err
			}
			if at >= len(data) {
				return 0, io.EOF
			}
			n := copy(p[:min(len(p), 16<<10)], data[at:])
			at += n
			runtime.Gosched()
			return n, nil
		})
	})(t)
}

// twoSteps is a mutant that stores a file in two steps.
func twoSteps(t testing.TB) hutch.Backend {
	return writing(func(s hutch.Backend, ctx context.Context, n string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
		data, err := io.ReadAll(r)
		if err != nil {
			return hutch.Info{}, err
		}
		old, _ := hutch.ReadFile(ctx, s, n)
		mixed := append(append([]byte(nil), data[:len(data)/2]...), old[min(len(old), len(data)/2):]...)
		i, err := hutch.WriteFile(ctx, s, n, mixed, &o)
		if err != nil {
			return i, err
		}
		runtime.Gosched()
		return hutch.WriteFile(ctx, s, n, data, &hutch.WriteOptions{Mode: o.Mode})
	})(t)
}

func parallelMutants() []mutant {
	var busy atomic.Int64
	crowded := writing(func(s hutch.Backend, ctx context.Context, n string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
		if busy.Add(1)%50 == 0 {
			return s.Stat(ctx, ".")
		}
		return s.Write(ctx, n, r, &o)
	})
	return []mutant{
		{name: "loses a write in fifty", open: crowded, kills: "Parallel/Files Parallel/Edits"},
		{name: "reads what the file is at the moment", open: following, kills: "Parallel/NoTornReads Reader/Replaced Reader/Removed Reader/Moved"},
		{name: "stores in two steps", open: twoSteps, kills: "Parallel/NoTornReads"},
		{name: "panics when two write at once", open: func(t testing.TB) hutch.Backend {
			var in atomic.Int64
			return writing(func(s hutch.Backend, ctx context.Context, n string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
				defer in.Add(-1)
				if in.Add(1) > 1 {
					return hutch.Info{}, fail("write", n, io.ErrNoProgress)
				}
				for range 50 {
					runtime.Gosched()
				}
				return s.Write(ctx, n, r, &o)
			})(t)
		}, kills: "Parallel/Mixed Parallel/Files"},
		{name: "waits for ever when two edit at once", open: func(t testing.TB) hutch.Backend {
			var mu sync.Mutex
			var n atomic.Int64
			return writing(func(s hutch.Backend, ctx context.Context, name string, r io.Reader, o hutch.WriteOptions) (hutch.Info, error) {
				mu.Lock()
				if n.Add(1) != 100 {
					defer mu.Unlock()
				}
				return s.Write(ctx, name, r, &o)
			})(t)
		}, kills: "Parallel/Edits"},
	}
}
