package composite

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// Grep implements [hutch.Grepper]. Each backend searches its own files where
// that gives what the search of the composite as one tree would; else the
// composite is searched as one tree.
func (c *Backend) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	return func(yield func(hutch.Match, error) bool) {
		dir := q.Dir
		if dir == "" {
			dir = "."
		}
		if err := check(ctx, "grep", dir); err != nil {
			yield(hutch.Match{}, err)
			return
		}
		switch {
		case len(c.inside[dir]) == 0 && !(q.Gitignore && c.ignoredAbove(ctx, dir)):
			c.grepOne(ctx, q, dir, yield)
		case len(c.inside[dir]) > 0 && divisible(q):
			g := grepper{ctx: ctx, c: c, q: q, top: dir, yield: yield}
			if g.tree(dir) && g.denied != nil {
				yield(hutch.Match{}, g.denied)
			}
		default:
			hutch.Grep(ctx, plain{c}, q)(yield)
		}
	}
}

// ignoredAbove reports whether there may be rules for what is in dir that the
// backend of dir does not know.
func (c *Backend) ignoredAbove(ctx context.Context, dir string) bool {
	m, _ := c.find(dir)
	for at := m.at; at != "."; {
		at = path.Dir(at)
		if _, err := c.Stat(ctx, path.Join(at, ".gitignore")); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// grepOne searches a directory or a file without a mount below it.
func (c *Backend) grepOne(ctx context.Context, q hutch.Query, dir string, yield func(hutch.Match, error) bool) {
	m, inner := c.find(dir)
	q.Dir = inner
	for match, err := range hutch.Grep(ctx, m.b, q) {
		if err != nil {
			yield(hutch.Match{}, c.absent(ctx, dir, m.err(err)))
			return
		}
		match.Name = m.outer(match.Name)
		if !tooLong(match.Name) && !yield(match, nil) {
			return
		}
	}
}

// divisible reports whether the matches for q in a tree are those in its parts.
// Patterns with a slash and rules of .gitignore look at names from the top,
// Exclude also at the directories on the way, and which lines after the last
// match of all are yielded depends on what the whole search has found.
func divisible(q hutch.Query) bool {
	slash := func(p string) bool { return strings.Contains(p, "/") }
	return !q.Gitignore && len(q.Exclude) == 0 && !slices.ContainsFunc(q.Include, slash) && (q.Max == 0 || q.After == 0)
}

// grepper searches backend by backend, and one that is mounted in another when
// its turn comes in the order of names.
type grepper struct {
	ctx    context.Context
	c      *Backend
	q      hutch.Query
	top    string
	yield  func(hutch.Match, error) bool
	found  int   // matching lines so far
	denied error // the first thing that could not be read
}

// tree searches dir, which is fixed or the top, and the mounts below it. It
// reports whether the search goes on.
func (g *grepper) tree(dir string) bool {
	m, inner := g.c.find(dir)
	mounts := g.mountedIn(m, dir)
	q := g.q
	q.Dir, q.Max, q.Exclude = inner, 0, nil
	for _, at := range mounts {
		q.Exclude = append(q.Exclude, escape(at[len(prefix(dir)):])+"/**")
	}
	for match, err := range hutch.Grep(g.ctx, m.b, q) {
		if err != nil {
			if !g.pass(m.err(err)) {
				return false
			}
			break
		}
		match.Name = m.outer(match.Name)
		for len(mounts) > 0 && mounts[0]+"/" < match.Name {
			if !g.mount(mounts[0]) {
				return false
			}
			mounts = mounts[1:]
		}
		if g.c.fixed(match.Name) || tooLong(match.Name) { // a file there is hidden
			continue
		}
		if !g.take(match) {
			return false
		}
	}
	for _, at := range mounts {
		if !g.mount(at) {
			return false
		}
	}
	return true
}

// mountedIn lists what is mounted below dir directly in m, in the order of
// the files in there.
func (g *grepper) mountedIn(m *mount, dir string) []string {
	var all []string
	for at := range g.c.mounts {
		if at == "." || !strings.HasPrefix(at, prefix(dir)) {
			continue
		}
		if around, _ := g.c.find(path.Dir(at)); around == m {
			all = append(all, at)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(a+"/", b+"/") })
	return all
}

// prefix is what names below dir begin with.
func prefix(dir string) string {
	if dir == "." {
		return ""
	}
	return dir + "/"
}

// mount searches a mount, unless it is hidden.
func (g *grepper) mount(at string) bool {
	if !g.q.Hidden && strings.Contains("/"+at[len(prefix(g.top)):], "/.") {
		return true
	}
	return g.tree(at)
}

func (g *grepper) take(m hutch.Match) bool {
	if !m.Context {
		g.found++
	}
	return g.yield(m, nil) && (g.q.Max == 0 || g.found < g.q.Max)
}

// pass decides about an error: whether the search goes on in spite of it.
func (g *grepper) pass(err error) bool {
	switch {
	case gone(err): // a directory that is there because of a mount
		return true
	case errors.Is(err, fs.ErrPermission):
		if g.denied == nil {
			g.denied = err
		}
		return true
	}
	g.yield(hutch.Match{}, err)
	return false
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
