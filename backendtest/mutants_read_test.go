//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
)

func nameMutants() []mutant {
	ctxFirst := breaking(func(b *broken) {
		s := b.b
		b.open = func(ctx context.Context, n string) (hutch.File, error) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return s.Open(ctx, n)
		}
		b.write = func(ctx context.Context, n string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
			data, err := io.ReadAll(r)
			if err != nil {
				return hutch.Info{}, err
			}
			return s.Write(ctx, n, bytes.NewReader(data), o)
		}
	})
	return []mutant{
		{name: "trims blanks of names", open: renaming(func(n string) string { return strings.TrimSpace(n) }), kills: "Names/Odd Names/OddWritten"},
		{name: "takes a backslash for a slash", open: renaming(func(n string) string { return strings.ReplaceAll(n, `\`, "/") }), kills: "Names/Walked Names/OddWritten"},
		{name: "has no regard to case", open: renaming(strings.ToLower), kills: "Names/Distinct"},
		{name: "cuts names after 2000 bytes", open: renaming(func(n string) string { return n[:min(len(n), 2000)] }), kills: "Names/Longest"},
		{name: "cleans names instead of refusing them", open: renaming(path.Clean), kills: "Names/Refused Names/RefusedWrites"},
		{name: "looks at the context or the reader before the name", open: ctxFirst, kills: "Names/CheckedFirst Names/WritesCheckedFirst"},
	}
}

// zeroed is a reader that begins anew each time it has ended.
type zeroed struct {
	data string
	r    *strings.Reader
}

func (z *zeroed) Read(p []byte) (int, error) {
	n, err := z.r.Read(p)
	if err != nil {
		z.r.Reset(z.data)
	}
	return n, err
}

func readMutants() []mutant {
	all := func(f func(string) string) func(hutch.Backend, hutch.File) io.Reader {
		return func(_ hutch.Backend, file hutch.File) io.Reader {
			data, _ := io.ReadAll(file)
			return strings.NewReader(f(string(data)))
		}
	}
	shared := func() func(hutch.Backend, hutch.File) io.Reader {
		var mu sync.Mutex
		at := map[string]io.Reader{}
		return func(_ hutch.Backend, file hutch.File) io.Reader {
			mu.Lock()
			defer mu.Unlock()
			if at[file.Info().Name] == nil {
				at[file.Info().Name] = file
			}
			return at[file.Info().Name]
		}
	}
	return []mutant{
		{name: "reads CRLF as LF", open: reading(all(func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") })), kills: "Read/Bytes"},
		{name: "reads 4 MiB at most", open: reading(func(_ hutch.Backend, f hutch.File) io.Reader { return io.LimitReader(f, 4*mib) }), kills: "Read/Large"},
		{name: "reads a file again after its end", open: reading(func(_ hutch.Backend, f hutch.File) io.Reader {
			data, _ := io.ReadAll(f)
			return &zeroed{string(data), strings.NewReader(string(data))}
		}), kills: "Read/Buffers"},
		{name: "has one position for all readers", open: func(t testing.TB) hutch.Backend { return reading(shared())(t) }, kills: "Read/Apart"},
		{name: "reads at the wrong place", open: breaking(func(b *broken) {
			s := b.b
			b.open = func(ctx context.Context, n string) (hutch.File, error) {
				f, err := s.Open(ctx, n)
				if err != nil {
					return nil, err
				}
				return offByOne{f}, nil
			}
		}), kills: "Read/At"},
		{name: "opens files without a revision", open: breaking(func(b *broken) {
			s := b.b
			b.open = func(ctx context.Context, n string) (hutch.File, error) {
				f, err := s.Open(ctx, n)
				if err != nil {
					return nil, err
				}
				i := f.Info()
				i.Rev = ""
				return withInfo{f, i}, nil
			}
		}), kills: "Read/Info Rev/Stable"},
		{name: "takes what is missing for refused", open: meaning(fs.ErrNotExist, fs.ErrPermission), kills: "Errors/Missing Errors/MissingWritten Sub/Missing"},
		{name: "takes a directory for bad", open: meaning(hutch.ErrIsDir, fs.ErrInvalid), kills: "Errors/Dir Errors/DirWritten Remove/Dir"},
		{name: "takes a file on the way for missing", open: meaning(hutch.ErrNotDir, fs.ErrNotExist), kills: "Errors/File Errors/Parent Errors/ParentWritten"},
		{name: "tells another name", open: erring(func(n string, err error) error { return fail("op", "/"+n, err.(*fs.PathError).Err) }),
			kills: "Errors/Missing Errors/Dir Errors/File Errors/Parent Names/Refused Sub/Names"},
		{name: "tells a path of the host", open: erring(func(n string, err error) error {
			return fail("op", n, &fs.PathError{Op: "open", Path: "/srv/data/" + n, Err: err.(*fs.PathError).Err})
		}), kills: "Errors/Missing"},
	}
}

type offByOne struct{ hutch.File }

func (f offByOne) ReadAt(p []byte, off int64) (int, error) {
	return f.File.(io.ReaderAt).ReadAt(p, off+1)
}

func listMutants() []mutant {
	reverse := func(_ string, all []hutch.Info) []hutch.Info { slices.Reverse(all); return all }
	depthFirst := func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
		return func(yield func(hutch.Info, error) bool) { depthFirst(b, ctx, dir, yield) }
	}
	return []mutant{
		{name: "has no root while it is empty", open: breaking(func(b *broken) {
			s := b.b
			b.stat = func(ctx context.Context, n string) (hutch.Info, error) {
				if all, _ := hutch.Collect(s.List(ctx, ".")); n == "." && len(all) == 0 {
					return hutch.Info{}, fail("stat", n, fs.ErrNotExist)
				}
				return s.Stat(ctx, n)
			}
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
				if all, _ := hutch.Collect(s.List(ctx, ".")); n == "." && len(all) == 0 {
					return mapSeq(s.List(ctx, "missing"), func(i hutch.Info, err error) (hutch.Info, error) { return i, err })
				}
				return s.List(ctx, n)
			}
		}), kills: "Stat/Root List/Empty Walk/Empty FS/Empty"},
		{name: "says size 0", open: infos(func(i hutch.Info) hutch.Info { i.Size = 0; return i }), kills: "Stat/File Read/Info"},
		{name: "has directories with a revision", open: infos(func(i hutch.Info) hutch.Info { i.Rev += "x"; return i }), kills: "Stat/Dir"},
		{name: "has revisions that cannot be printed", open: infos(func(i hutch.Info) hutch.Info {
			if !i.IsDir() {
				i.Rev += "\n"
			}
			return i
		}), kills: "Rev/Form"},
		{name: "lists the wrong way round", open: listing(reverse), kills: "List/Order FS/TestFS"},
		{name: "lists no directories", open: listing(func(_ string, all []hutch.Info) []hutch.Info {
			return slices.DeleteFunc(all, hutch.Info.IsDir)
		}), kills: "List/Entries Walk/Dir FS/TestFS"},
		{name: "lists 1000 names at most", open: listing(func(_ string, all []hutch.Info) []hutch.Info { return all[:min(len(all), 1000)] }), kills: "List/Many"},
		{name: "walks in the order of entries", open: walking(depthFirst), kills: "Walk/Order Speeds/Walk"},
		{name: "walks over directories too", open: walking(func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
			return func(yield func(hutch.Info, error) bool) {
				for i, err := range hutch.Walk(ctx, b, dir) {
					if d, e := b.Stat(ctx, path.Dir(i.Name)); err == nil && e == nil && !yield(d, nil) || !yield(i, err) {
						return
					}
				}
			}
		}), kills: "Walk/Entries Walk/Order Speeds/Walk Speeds/Sub"},
		{name: "walks beside its directory", open: walking(func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
			return func(yield func(hutch.Info, error) bool) {
				for i, err := range hutch.Walk(ctx, b, ".") {
					if (err != nil || dir == "." || strings.HasPrefix(i.Name, dir)) && !yield(i, err) {
						return
					}
				}
			}
		}), kills: "Walk/Dir Speeds/Walk Speeds/Sub"},
	}
}

func depthFirst(b hutch.Backend, ctx context.Context, dir string, yield func(hutch.Info, error) bool) bool {
	for i, err := range b.List(ctx, dir) {
		if err != nil || !i.IsDir() {
			if !yield(i, err) {
				return false
			}
			continue
		}
		if !depthFirst(b, ctx, i.Name, yield) {
			return false
		}
	}
	return true
}

func useMutants() []mutant {
	deaf := context.WithoutCancel
	return []mutant{
		{name: "does not look at the context when it reads", open: breaking(func(b *broken) {
			s := b.b
			b.open = func(ctx context.Context, n string) (hutch.File, error) { return s.Open(deaf(ctx), n) }
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] { return s.List(deaf(ctx), n) }
		}), kills: "Cancel/Before Cancel/List"},
		{name: "walks on when the context has ended", open: walking(func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
			return hutch.Walk(deaf(ctx), b, dir)
		}), kills: "Cancel/Walk"},
		{name: "globs on when the context has ended", do: func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				return hutch.Glob(deaf(ctx), b, p, o)
			}
		}, kills: "Cancel/Glob"},
		{name: "greps on when the context has ended", open: grepping(func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
			return hutch.Grep(deaf(ctx), b, q)
		}), kills: "Cancel/Grep Cancel/Before"},
		{name: "keeps files open", open: breaking(func(b *broken) {
			s := b.b
			b.open = func(ctx context.Context, n string) (hutch.File, error) {
				f, err := s.Open(ctx, n)
				if err == nil {
					null, _ := os.Open(os.DevNull)
					f = keeper{f, null}
				}
				return f, err
			}
		}), kills: "Release/Open"},
		{name: "leaves goroutines behind that list", open: breaking(func(b *broken) {
			s := b.b
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] { return pulling(ctx, s.List(ctx, n)) }
		}), kills: "Release/List"},
		{name: "leaves goroutines behind that walk", open: walking(func(b hutch.Backend, ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
			return pulling(ctx, hutch.Walk(ctx, b, dir))
		}), kills: "Release/Walk"},
		{name: "leaves goroutines behind that glob", do: func(do *functions) {
			do.glob = func(ctx context.Context, b hutch.Backend, p string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
				return pulling(ctx, hutch.Glob(ctx, b, p, o))
			}
		}, kills: "Release/Glob"},
		{name: "leaves goroutines behind that grep", open: grepping(func(b hutch.Backend, ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
			return pulling(ctx, hutch.Grep(ctx, b, q))
		}), kills: "Release/Grep"},
		{name: "is locked while it lists", open: breaking(func(b *broken) {
			s := b.b
			var mu sync.Mutex
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
				return func(yield func(hutch.Info, error) bool) {
					mu.Lock()
					defer mu.Unlock()
					s.List(ctx, n)(yield)
				}
			}
		}), kills: "Release/Inside"},
		{name: "goes on after a list was broken off", open: breaking(func(b *broken) {
			s := b.b
			b.list = func(ctx context.Context, n string) iter.Seq2[hutch.Info, error] {
				return func(yield func(hutch.Info, error) bool) {
					for i, err := range s.List(ctx, n) {
						yield(i, err)
					}
				}
			}
		}), kills: "Release/List"},
		{name: "knows nothing of directories", open: breaking(func(b *broken) {
			s := b.b
			b.stat = func(ctx context.Context, n string) (hutch.Info, error) {
				i, err := s.Stat(ctx, n)
				if err == nil && i.IsDir() && n != "." {
					err = fail("stat", n, fs.ErrNotExist)
				}
				return i, err
			}
		}), kills: "Stat/Dir List/Entries FS/TestFS Write/Parents"},
	}
}

type keeper struct {
	hutch.File
	null *os.File
}

// pulling gives what seq gives, by a goroutine that nobody stops before ctx ends.
func pulling[T any](ctx context.Context, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type pair struct {
		v   T
		err error
	}
	return func(yield func(T, error) bool) {
		c := make(chan pair)
		go func() {
			defer close(c)
			for v, err := range seq {
				select {
				case c <- pair{v, err}:
				case <-ctx.Done():
					return
				}
			}
		}()
		for p := range c {
			if !yield(p.v, p.err) {
				return
			}
		}
	}
}
