package hutch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"

	"github.com/hutch-dev/hutch/internal/search"
)

// Query is what Grep looks for, and where.
type Query struct {
	// Pattern is a regular expression as package regexp/syntax reads it (RE2),
	// matched against one line at a time, without its line end.
	Pattern    string
	Literal    bool // Pattern is text, not an expression
	IgnoreCase bool

	// Dir is the directory to search, or the one file; "" is the root.
	Dir string
	// Include and Exclude are patterns of the dialect of Glob. A file is
	// searched if it matches one of Include, or Include is empty, and none of
	// Exclude. A pattern without a slash is matched against the base name, any
	// other against the name as seen from Dir. An Exclude pattern also leaves
	// out whole directories.
	Include, Exclude []string
	// Hidden also searches files and directories whose name begins with a dot.
	Hidden bool
	// Gitignore leaves out what the .gitignore files of the backend leave out,
	// and everything below .git.
	Gitignore bool

	// Before and After are how many lines around a match are yielded too.
	Before, After int
	// MaxPerFile and Max bound the matching lines of a file and in all; 0 is no
	// bound.
	MaxPerFile, Max int
	// MaxLine is how many bytes of a line a Match holds; 0 is 64 KiB. Of a
	// longer line the part around the match is kept.
	MaxLine int
}

// Match is one line: one that matches, or with Context one around it.
type Match struct {
	Name       string
	Line       int    // from 1
	Text       string // without its line end; bytes that are no UTF-8 stay as they are
	Start, End int    // the first match in Text, in bytes
	Context    bool   // a line asked for by Before or After
	Cut        bool   // Text is only part of the line
}

// Check returns an error that matches fs.ErrInvalid for a query that Grep
// cannot run.
func (q *Query) Check() error {
	_, err := q.compile()
	return err
}

// Grep yields the lines that match q, ordered by file name in the order of
// Walk, then by line. Binary files (a NUL in the first 8000 bytes), links and
// whatever is no regular file are passed over, unless Dir names a link to a
// file. A file that vanishes or changes while it is read is passed over too; one that
// may not be read does not end the search: the first such error comes last.
//
// A search stops as soon as its consumer does.
func Grep(ctx context.Context, b Backend, q Query) iter.Seq2[Match, error] {
	c, err := q.compile()
	if err != nil {
		return failed[Match](err)
	}
	if g, ok := As[Grepper](b); ok {
		return g.Grep(ctx, q)
	}
	return func(yield func(Match, error) bool) {
		g := grepper{ctx: ctx, b: b, compiled: c, yield: yield}
		g.run()
	}
}

// compiled is a query that was read.
type compiled struct {
	dir              string
	query            search.Query
	include, exclude []*search.Glob
	max              int
	hidden, ignore   bool
}

func (q *Query) compile() (*compiled, error) {
	c := &compiled{dir: orRoot(q.Dir), max: q.Max, hidden: q.Hidden, ignore: q.Gitignore}
	if err := CheckName("grep", c.dir); err != nil {
		return nil, err
	}
	if min(q.Before, q.After, q.Max, q.MaxPerFile, q.MaxLine) < 0 {
		return nil, pathError("grep", c.dir, fmt.Errorf("%w: negative number", fs.ErrInvalid))
	}
	p, err := search.Compile(q.Pattern, search.Options{Literal: q.Literal, IgnoreCase: q.IgnoreCase})
	if err != nil {
		return nil, &fs.PathError{Op: "grep", Path: q.Pattern, Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
	}
	c.query = search.Query{Pattern: p, Before: q.Before, After: q.After, Max: q.MaxPerFile, MaxLine: q.MaxLine}
	if c.include, err = compileGlobs(q.Include); err != nil {
		return nil, err
	}
	c.exclude, err = compileGlobs(q.Exclude)
	return c, err
}

func compileGlobs(patterns []string) ([]*search.Glob, error) {
	var all []*search.Glob
	for _, p := range patterns {
		g, err := compileGlob("grep", p)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// wants reports whether a file found on a walk is to be searched.
func (c *compiled) wants(name string) bool {
	rel := relative(c.dir, name)
	return (c.hidden || !hidden(rel)) &&
		(len(c.include) == 0 || matchAny(c.include, rel)) && !matchAny(c.exclude, rel)
}

// enters reports whether a directory found on a walk is to be searched.
func (c *compiled) enters(name string) bool {
	rel := relative(c.dir, name)
	return (c.hidden || !hidden(rel)) && !matchAny(c.exclude, rel)
}

func matchAny(globs []*search.Glob, rel string) bool {
	for _, g := range globs {
		name := rel
		if !g.HasSlash() {
			name = path.Base(rel)
		}
		if g.Match(name, true) {
			return true
		}
	}
	return false
}

type grepper struct {
	*compiled
	ctx    context.Context
	b      Backend
	yield  func(Match, error) bool
	denied error
}

func (g *grepper) run() {
	top, err := g.b.Stat(g.ctx, g.dir)
	if err != nil {
		g.yield(Match{}, err)
		return
	}
	if !top.IsDir() {
		if _, err := g.file(g.dir); err != nil {
			g.yield(Match{}, err)
		}
		return
	}
	g.tree()
}

func (g *grepper) tree() {
	ig, err := newIgnores(g.ctx, g.b, g.ignore, g.dir)
	if err != nil {
		g.yield(Match{}, err)
		return
	}
	w := walker{ctx: g.ctx, b: g.b, listed: ig.read}
	w.enter = func(d Info) bool { return g.enters(d.Name) && !ig.skip(d) }
	w.yield = func(i Info, err error) bool {
		if err != nil {
			return g.yield(Match{}, err)
		}
		if !i.Mode.IsRegular() || !g.wants(i.Name) || ig.skip(i) {
			return true
		}
		more, err := g.file(i.Name)
		return g.pass(err) && more
	}
	if w.dir(g.dir, true) {
		if err := errors.Join(w.denied, g.denied); err != nil {
			g.yield(Match{}, err)
		}
	}
}

// pass decides about an error of one file of many: whether the search goes on.
func (g *grepper) pass(err error) bool {
	switch {
	case err == nil, gone(err), errors.Is(err, ErrConflict), errors.Is(err, ErrIsDir):
		return true
	case errors.Is(err, fs.ErrPermission):
		if g.denied == nil {
			g.denied = err
		}
		return true
	}
	g.yield(Match{}, err)
	return false
}

// file searches one file and reports whether the search goes on.
func (g *grepper) file(name string) (more bool, err error) {
	f, err := g.b.Open(g.ctx, name)
	if err != nil {
		return true, err
	}
	defer f.Close()
	more = true
	found := 0
	q := g.query
	if g.max > 0 && (q.Max == 0 || q.Max > g.max) {
		q.Max = g.max
	}
	_, err = q.Reader(ctxReader{g.ctx, f}, func(l search.Line) bool {
		more = g.yield(Match{
			Name: name, Line: l.Number, Text: string(l.Text), Start: l.Start, End: l.End,
			Context: l.Context, Cut: l.Cut,
		}, nil)
		if !l.Context {
			found++
		}
		return more
	})
	if g.max > 0 {
		if g.max -= found; g.max == 0 {
			more = false
		}
	}
	return more, pathError("grep", name, err)
}
