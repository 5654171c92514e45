package hutch

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"path"

	"github.com/hutch-dev/hutch/internal/search"
)

// GlobOptions qualifies Glob. The zero value searches the whole backend, leaves
// hidden files out and takes no notice of .gitignore.
type GlobOptions struct {
	// Dir is where the pattern starts; "" is the root.
	Dir string
	// Recurse lets a pattern without a slash match the base name at any depth.
	Recurse bool
	// Hidden lets wildcards match names that begin with a dot.
	Hidden bool
	// Gitignore leaves out what the .gitignore files of the backend leave out,
	// and everything below .git. One of more than 4 MiB is ErrTooLarge.
	Gitignore bool
	// Names says that of each Info only Name and the type bits of Mode are wanted:
	// the rest may be zero. Where a look at every file is what costs, that is saved.
	Names bool
}

// Glob yields the files and links whose name, as seen from Dir, matches
// pattern, in the byte order of their names. The same dialect holds everywhere
// in hutch: "*" and "?" match within a segment, "**" as a whole segment matches
// any number of segments, "[a-z]" and "[!a-z]" one character, "{a,b}" either
// alternative, and a backslash takes the next character as it is. A segment
// that begins with a dot is matched only by one that does, or with Hidden.
//
// A pattern that cannot be read is an error that matches fs.ErrInvalid.
func Glob(ctx context.Context, b Backend, pattern string, opts *GlobOptions) iter.Seq2[Info, error] {
	var o GlobOptions
	if opts != nil {
		o = *opts
	}
	o.Dir = orRoot(o.Dir)
	if err := CheckName("glob", o.Dir); err != nil {
		return failed[Info](err)
	}
	g, err := compileGlob("glob", pattern)
	if err != nil {
		return failed[Info](err)
	}
	if s, ok := As[Globber](b); ok {
		return s.Glob(ctx, pattern, &o)
	}
	m := globber{g: g, o: o, byBase: o.Recurse && !g.HasSlash()}
	return func(yield func(Info, error) bool) { m.run(ctx, b, yield) }
}

func compileGlob(op, pattern string) (*search.Glob, error) {
	g, err := search.CompileGlob(pattern)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: pattern, Err: fmt.Errorf("%w: %w", fs.ErrInvalid, err)}
	}
	return g, nil
}

type globber struct {
	g      *search.Glob
	o      GlobOptions
	byBase bool
}

func (m globber) run(ctx context.Context, b Backend, yield func(Info, error) bool) {
	start, err := m.start(ctx, b)
	if err != nil || start == "" {
		if err != nil {
			yield(Info{}, err)
		}
		return
	}
	ig, err := newIgnores(ctx, b, m.o.Gitignore, start)
	if err != nil {
		yield(Info{}, err)
		return
	}
	w := walker{ctx: ctx, list: scan(b), listed: ig.read}
	look := looker{ctx: ctx, b: b}
	w.enter = func(d Info) bool { return m.below(d.Name) && !ig.skip(d) }
	w.yield = func(i Info, err error) bool {
		if err == nil && (!m.match(i.Name) || ig.skip(i)) {
			return true
		}
		if err == nil && !m.o.Names {
			var there bool
			if i, there, err = look.at(i); err == nil && !there {
				return true
			}
		}
		return yield(i, err)
	}
	w.walk(start)
}

// looker completes what Scan has left out, a directory at a time.
type looker struct {
	ctx   context.Context
	b     Backend
	dir   string
	infos map[string]Info
}

func (l *looker) at(i Info) (info Info, there bool, err error) {
	if i.Rev != "" {
		return i, true, nil
	}
	if dir := path.Dir(i.Name); l.infos == nil || dir != l.dir {
		l.dir, l.infos = dir, map[string]Info{}
		for e, err := range l.b.List(l.ctx, dir) {
			if err != nil {
				return e, false, ignoreAbsent(err)
			}
			l.infos[e.Name] = e
		}
	}
	info, there = l.infos[i.Name]
	return info, there, nil
}

// start is the directory below which all matches lie, or "" if it is not there.
func (m globber) start(ctx context.Context, b Backend) (string, error) {
	top, err := b.Stat(ctx, m.o.Dir)
	if err != nil {
		return "", err
	}
	if !top.IsDir() {
		return "", pathError("glob", m.o.Dir, ErrNotDir)
	}
	base := m.g.Base()
	if m.byBase || base == "." {
		return m.o.Dir, nil
	}
	start := join(m.o.Dir, base)
	if CheckName("glob", start) != nil {
		return "", nil // no name of this form can exist
	}
	if info, err := b.Stat(ctx, start); err != nil || !info.IsDir() {
		if err == nil || gone(err) {
			return "", nil
		}
		return "", err
	}
	return start, nil
}

func (m globber) match(name string) bool {
	rel := relative(m.o.Dir, name)
	if m.byBase {
		return m.g.Match(path.Base(rel), m.o.Hidden)
	}
	return m.g.Match(rel, m.o.Hidden)
}

func (m globber) below(dir string) bool {
	if m.byBase {
		return m.o.Hidden || !hidden(dir)
	}
	return m.g.Below(relative(m.o.Dir, dir), m.o.Hidden)
}
