package guard

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
)

// Glob implements [hutch.Globber]. The directory that the Check is asked about
// is the one in which the search begins: Dir and what the pattern names before
// its first wildcard.
func (g *Backend) Glob(ctx context.Context, pattern string, opts *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	var o hutch.GlobOptions
	if opts != nil {
		o = *opts
	}
	dir := o.Dir
	if dir == "" {
		dir = "."
	}
	base, rest := splitPattern(pattern)
	start := join(dir, base)
	if base == "." || !fs.ValidPath(base) || hutch.CheckName("glob", start) != nil || hutch.CheckName("glob", dir) != nil {
		return g.infos(ctx, "glob", Glob, dir, func(ctx context.Context, real string) iter.Seq2[hutch.Info, error] {
			o.Dir = real
			return g.globAt(ctx, pattern, o)
		})
	}
	o.Recurse = false // the pattern has a slash
	return g.infos(ctx, "glob", Glob, start, func(ctx context.Context, real string) iter.Seq2[hutch.Info, error] {
		info, err := g.b.Stat(ctx, real)
		switch {
		case err == nil && !info.IsDir(), errors.Is(err, fs.ErrNotExist), errors.Is(err, hutch.ErrNotDir):
			return g.globNothing(ctx, dir)
		case err != nil:
			return failed[hutch.Info](err)
		}
		o.Dir = real
		return g.globAt(ctx, rest, o)
	})
}

// globNothing finds nothing in dir, if there is such a directory.
func (g *Backend) globNothing(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	real, err := g.real(ctx, dir)
	var info hutch.Info
	if err == nil {
		info, err = g.b.Stat(ctx, real)
	}
	switch {
	case err != nil:
		return failed[hutch.Info](outward(err, real, dir))
	case !info.IsDir():
		return failed[hutch.Info](&fs.PathError{Op: "glob", Path: dir, Err: hutch.ErrNotDir})
	}
	return func(func(hutch.Info, error) bool) {}
}

// globAt searches a real directory.
func (g *Backend) globAt(ctx context.Context, pattern string, o hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	if o.Gitignore && !g.ignoresReadable(ctx, o.Dir) {
		return hutch.Glob(ctx, view{g, Glob}, pattern, &o)
	}
	return hutch.Glob(ctx, g.b, pattern, &o)
}

// ignoresReadable reports whether what is guarded may look for files by itself:
// no .gitignore that counts for dir is kept from the caller. Without a Globber
// there is nothing to be gained.
func (g *Backend) ignoresReadable(ctx context.Context, dir string) bool {
	if _, ok := hutch.As[hutch.Globber](g.b); !ok {
		return false
	}
	for above := dir; above != "."; {
		above = path.Dir(above)
		if !g.readable(ctx, Glob, path.Join(above, gitignore)) {
			return false
		}
	}
	for i, err := range hutch.Glob(ctx, g.b, "**/"+gitignore, &hutch.GlobOptions{Dir: dir, Hidden: true}) {
		if err != nil || !g.readable(ctx, Glob, i.Name) {
			return false
		}
	}
	return true
}

// readable reports whether op may read a file without asking anybody.
func (g *Backend) readable(ctx context.Context, op Op, name string) bool {
	if g.c.Visible(Grep, name) {
		return true
	}
	return op != Grep && !g.asks(Read) && g.check(ctx, "read", Read, name, nil) == nil
}

// splitPattern takes a pattern apart behind the directory that it names before
// its first wildcard, "." if it names none.
func splitPattern(pattern string) (base, rest string) {
	var name strings.Builder
	base, rest = ".", pattern
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case strings.IndexByte("*?[{", c) >= 0:
			return base, rest
		case c == '/':
			base, rest = name.String(), pattern[i+1:]
		case c == '\\' && i+1 < len(pattern):
			i++
		}
		name.WriteByte(pattern[i])
	}
	return base, rest
}

// Grep implements [hutch.Grepper].
func (g *Backend) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	dir := q.Dir
	if dir == "" {
		dir = "."
	}
	one := false // file, which was asked about by itself
	s := sequence[hutch.Match]{ctx: ctx, g: g, verb: "grep", ops: []Op{Grep, Read}, dir: dir}
	s.list = func(ctx context.Context, real string) iter.Seq2[hutch.Match, error] {
		info, err := g.b.Stat(ctx, real)
		if err != nil {
			return failed[hutch.Match](err)
		}
		q.Dir, one = real, !info.IsDir()
		if !one {
			return g.grepTree(ctx, q)
		}
		if err := g.check(ctx, "grep", Read, real, nil); err != nil {
			return failed[hutch.Match](err)
		}
		return hutch.Grep(ctx, g.b, q)
	}
	s.show = func(m *hutch.Match, real string) bool {
		seen := one && m.Name == real || g.c.Visible(Grep, m.Name)
		m.Name = outside(m.Name, real, dir)
		return seen
	}
	return s.run
}

// grepTree searches a real directory. What may not be seen is kept from what is
// guarded as well, where that searches by itself.
func (g *Backend) grepTree(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	if _, ok := hutch.As[hutch.Grepper](g.b); ok {
		if out, ok := g.leftOut(ctx, q); ok {
			q.Exclude = append(q.Exclude[:len(q.Exclude):len(q.Exclude)], out...)
			return hutch.Grep(ctx, g.b, q)
		}
	}
	return hutch.Grep(ctx, view{g, Grep}, q)
}

// maxLeftOut is how many patterns are given to a backend that searches by itself.
const maxLeftOut = 64

// leftOut are patterns of Exclude for just the files below q.Dir that Grep may
// not see. ok is false where there are none.
func (g *Backend) leftOut(ctx context.Context, q hutch.Query) (patterns []string, ok bool) {
	for above := q.Dir; q.Gitignore && above != "."; {
		above = path.Dir(above)
		if !g.c.Visible(Grep, path.Join(above, gitignore)) {
			return nil, false
		}
	}
	segments := map[string]bool{} // of what is seen
	var unseen []string
	for i, err := range hutch.Glob(ctx, g.b, "**", &hutch.GlobOptions{Dir: q.Dir, Hidden: true}) {
		if err != nil {
			return nil, false
		}
		rel := outside(i.Name, q.Dir, ".")
		if g.c.Visible(Grep, i.Name) {
			for s := range strings.SplitSeq(rel, "/") {
				segments[s] = true
			}
			continue
		}
		if len(unseen) == maxLeftOut || q.Gitignore && path.Base(rel) == gitignore {
			return nil, false
		}
		unseen = append(unseen, rel)
	}
	for _, rel := range unseen {
		p := escape(rel)
		// Without a slash the pattern holds for every file and directory of that name.
		if len(p) > 4096 || segments[rel] {
			return nil, false
		}
		patterns = append(patterns, p)
	}
	return patterns, true
}

// escape is name as a pattern of Glob that matches nothing else.
func escape(name string) string {
	var s strings.Builder
	for _, c := range name {
		if strings.ContainsRune(`\*?[]{},!`, c) {
			s.WriteByte('\\')
		}
		s.WriteRune(c)
	}
	return s.String()
}

// failed is a sequence that holds only an error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
