package hutch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"runtime"
	"sync"

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
	// and everything below .git. One of more than 4 MiB is ErrTooLarge.
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
	ctx   context.Context
	b     Backend
	yield func(Match, error) bool
	found int // matching lines so far
	last  Match

	mu     sync.Mutex
	denied error // the first file that could not be read
}

func (g *grepper) run() {
	top, err := g.b.Stat(g.ctx, g.dir)
	if err != nil {
		g.yield(Match{}, err)
		return
	}
	if top.IsDir() {
		g.tree()
		return
	}
	more := true
	err = g.search(g.ctx, g.dir, func(m Match) bool {
		more = g.take(m)
		return more
	})
	if err != nil && more {
		g.yield(Match{}, err)
	}
}

// tree searches the files below a directory, several at a time.
func (g *grepper) tree() {
	var walked error // the first directory that could not be read
	names := func(yield func(string, error) bool) { walked = g.names(yield) }
	for m, err := range search.Ordered(g.ctx, names, runtime.GOMAXPROCS(0), g.file) {
		if err != nil {
			g.yield(Match{}, err)
			return
		}
		if !g.take(m) {
			return
		}
	}
	if err := errors.Join(walked, g.denied); err != nil {
		g.yield(Match{}, err)
	}
}

// names yields the files to search and returns the error of a directory that
// was passed over.
func (g *grepper) names(yield func(string, error) bool) error {
	ig, err := newIgnores(g.ctx, g.b, g.ignore, g.dir)
	if err != nil {
		yield("", err)
		return nil
	}
	w := walker{ctx: g.ctx, list: scan(g.b), listed: ig.read}
	w.enter = func(d Info) bool { return g.enters(d.Name) && !ig.skip(d) }
	w.yield = func(i Info, err error) bool {
		if err == nil && (!i.Mode.IsRegular() || !g.wants(i.Name) || ig.skip(i)) {
			return true
		}
		return yield(i.Name, err)
	}
	w.dir(g.dir, true)
	return w.denied
}

// take hands a line to the consumer and reports whether there may be more.
func (g *grepper) take(m Match) bool {
	if g.max > 0 && g.found == g.max {
		// Only what is still owed to the last match: the lines after it.
		owed := m.Context && m.Name == g.last.Name && m.Line <= g.last.Line+g.query.After
		return owed && g.yield(m, nil)
	}
	if !m.Context {
		g.found++
		g.last = m
	}
	return g.yield(m, nil) && (g.max == 0 || g.found < g.max || g.query.After > 0)
}

// file searches one file of many. What became of it since it was listed, and
// that it may not be read, does not end the search.
func (g *grepper) file(ctx context.Context, name string, emit func(Match) bool) error {
	err := g.search(ctx, name, emit)
	switch {
	case gone(err), errors.Is(err, ErrConflict), errors.Is(err, ErrIsDir), errors.Is(err, errors.ErrUnsupported):
		return nil
	case errors.Is(err, fs.ErrPermission):
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.denied == nil {
			g.denied = err
		}
		return nil
	}
	return err
}

func (g *grepper) search(ctx context.Context, name string, emit func(Match) bool) error {
	f, err := g.b.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	q := g.query
	if g.max > 0 && (q.Max == 0 || q.Max > g.max) {
		q.Max = g.max
	}
	_, err = q.Reader(ctxReader{ctx, f}, func(l search.Line) bool {
		return emit(Match{
			Name: name, Line: l.Number, Text: string(l.Text), Start: l.Start, End: l.End,
			Context: l.Context, Cut: l.Cut,
		})
	})
	return pathError("grep", name, err)
}
