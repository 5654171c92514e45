package hutch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
)

// Sub is the part of b below dir as a backend of its own: names and errors are
// as seen from dir. The directory need not exist yet. It has the speeds of b
// and of its powers Linker: a command could reach the rest of b. For the same
// reason it is a view and no wall: a link below dir that leads to another
// place in b is followed. Such a place has no name in the view, so Real of
// Linker refuses it, and everything where a link leads to dir itself.
func Sub(b Backend, dir string) (Backend, error) {
	if err := CheckName("sub", dir); err != nil {
		return nil, err
	}
	return &sub{b: b, dir: dir}, nil
}

type sub struct {
	b   Backend
	dir string
}

// As lets the speeds through, with their names translated.
func (s *sub) As(target any) bool {
	switch t := target.(type) {
	case *Walker:
		if w, ok := As[Walker](s.b); ok {
			*t = subWalker{s, w}
			return true
		}
	case *Scanner:
		if c, ok := As[Scanner](s.b); ok {
			*t = subScanner{s, c}
			return true
		}
	case *Globber:
		if g, ok := As[Globber](s.b); ok {
			*t = subGlobber{s, g}
			return true
		}
	case *Grepper:
		if g, ok := As[Grepper](s.b); ok {
			*t = subGrepper{s, g}
			return true
		}
	case *Renamer:
		if r, ok := As[Renamer](s.b); ok {
			*t = subRenamer{s, r}
			return true
		}
	case *Linker:
		if l, ok := As[Linker](s.b); ok {
			*t = subLinker{s, l}
			return true
		}
	}
	return false
}

func (s *sub) Open(ctx context.Context, name string) (File, error) {
	if err := CheckName("open", name); err != nil {
		return nil, err
	}
	f, err := s.b.Open(ctx, join(s.dir, name))
	if err != nil {
		return nil, s.err(err)
	}
	info := f.Info()
	info.Name = name
	return subFile{f, info}, nil
}

type subFile struct {
	File
	info Info
}

func (f subFile) Info() Info { return f.info }

func (s *sub) Stat(ctx context.Context, name string) (Info, error) {
	if err := CheckName("stat", name); err != nil {
		return Info{}, err
	}
	info, err := s.b.Stat(ctx, join(s.dir, name))
	if name == "." && errors.Is(err, fs.ErrNotExist) {
		return Info{Name: ".", Mode: fs.ModeDir | 0o755}, nil
	}
	return s.info(info), s.err(err)
}

func (s *sub) List(ctx context.Context, dir string) iter.Seq2[Info, error] {
	return s.entries(ctx, dir, s.b.List)
}

type subScanner struct {
	s *sub
	c Scanner
}

func (v subScanner) Scan(ctx context.Context, dir string) iter.Seq2[Info, error] {
	return v.s.entries(ctx, dir, v.c.Scan)
}

func (s *sub) entries(ctx context.Context, dir string, list func(context.Context, string) iter.Seq2[Info, error]) iter.Seq2[Info, error] {
	if err := CheckName("list", dir); err != nil {
		return failed[Info](err)
	}
	return func(yield func(Info, error) bool) {
		for info, err := range list(ctx, join(s.dir, dir)) {
			if dir == "." && errors.Is(err, fs.ErrNotExist) {
				return
			}
			if !yield(s.info(info), s.err(err)) {
				return
			}
		}
	}
}

func (s *sub) Write(ctx context.Context, name string, r io.Reader, opts *WriteOptions) (Info, error) {
	if err := s.inner("write", name); err != nil {
		return Info{}, err
	}
	info, err := s.b.Write(ctx, join(s.dir, name), r, opts)
	return s.info(info), s.err(err)
}

func (s *sub) Remove(ctx context.Context, name string) error {
	if err := s.inner("remove", name); err != nil {
		return err
	}
	return s.err(s.b.Remove(ctx, join(s.dir, name)))
}

// inner checks a name that must not be the root of the view, which would be an
// ordinary name in b.
func (s *sub) inner(op, name string) error {
	if err := CheckName(op, name); err != nil {
		return err
	}
	if name == "." {
		return pathError(op, name, ErrIsDir)
	}
	return nil
}

type subWalker struct {
	s *sub
	w Walker
}

func (v subWalker) Walk(ctx context.Context, dir string) iter.Seq2[Info, error] {
	if err := CheckName("walk", dir); err != nil {
		return failed[Info](err)
	}
	return func(yield func(Info, error) bool) {
		for info, err := range v.w.Walk(ctx, join(v.s.dir, dir)) {
			if dir == "." && isAbsent(err, v.s.dir) {
				return
			}
			if !yield(v.s.info(info), v.s.err(err)) {
				return
			}
		}
	}
}

type subGlobber struct {
	s *sub
	g Globber
}

func (v subGlobber) Glob(ctx context.Context, pattern string, opts *GlobOptions) iter.Seq2[Info, error] {
	if opts.Gitignore && v.s.dir != "." {
		return Glob(ctx, unsearched{v.s}, pattern, opts)
	}
	o := *opts
	o.Dir = join(v.s.dir, opts.Dir)
	return func(yield func(Info, error) bool) {
		for info, err := range v.g.Glob(ctx, pattern, &o) {
			if opts.Dir == "." && isAbsent(err, v.s.dir) {
				return
			}
			if !yield(v.s.info(info), v.s.err(err)) {
				return
			}
		}
	}
}

// unsearched is the view without the speeds that search.
type unsearched struct{ *sub }

func (u unsearched) As(target any) bool {
	switch target.(type) {
	case *Globber, *Grepper:
		return false
	}
	return u.sub.As(target)
}

type subGrepper struct {
	s *sub
	g Grepper
}

func (v subGrepper) Grep(ctx context.Context, q Query) iter.Seq2[Match, error] {
	if q.Gitignore && v.s.dir != "." {
		return Grep(ctx, unsearched{v.s}, q) // the rules above the directory are not in view
	}
	dir := q.Dir
	q.Dir = join(v.s.dir, orRoot(dir))
	return func(yield func(Match, error) bool) {
		for m, err := range v.g.Grep(ctx, q) {
			if orRoot(dir) == "." && isAbsent(err, v.s.dir) {
				return
			}
			if err == nil {
				m.Name = relative(v.s.dir, m.Name)
			}
			if !yield(m, v.s.err(err)) {
				return
			}
		}
	}
}

type subRenamer struct {
	s *sub
	r Renamer
}

func (v subRenamer) Rename(ctx context.Context, from, to string) error {
	for _, name := range []string{from, to} {
		if err := CheckName("rename", name); err != nil {
			return err
		}
	}
	switch {
	case from == ".":
		return pathError("rename", from, fmt.Errorf("%w: the root has no other name", fs.ErrInvalid))
	case to == ".":
		return pathError("rename", to, ErrIsDir)
	}
	return v.s.err(v.r.Rename(ctx, join(v.s.dir, from), join(v.s.dir, to)))
}

// info is an Info of b as seen from the directory.
func (s *sub) info(i Info) Info {
	if i.Name != "" {
		i.Name = relative(s.dir, i.Name)
	}
	return i
}

// err is an error of b as seen from the directory.
func (s *sub) err(err error) error {
	var pe *fs.PathError
	if s.dir == "." || !errors.As(err, &pe) || !within(s.dir, pe.Path) {
		return err
	}
	return &fs.PathError{Op: pe.Op, Path: relative(s.dir, pe.Path), Err: pe.Err}
}

// isAbsent reports whether err says that dir itself is not there.
func isAbsent(err error, dir string) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(dir+"/", pe.Path+"/")
}

func orRoot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// failed is a sequence that holds only an error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
