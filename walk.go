package hutch

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
)

// Walk yields the files and links below dir, in the byte order of their whole
// names ("a-b", "a/x", "ab"), and never a directory, pipe, device or socket.
// A directory that may not be read does not end the walk: the rest is yielded
// and the first such error comes last.
func Walk(ctx context.Context, b Backend, dir string) iter.Seq2[Info, error] {
	if w, ok := As[Walker](b); ok {
		return w.Walk(ctx, dir)
	}
	return func(yield func(Info, error) bool) {
		if err := CheckName("walk", dir); err != nil {
			yield(Info{}, err)
			return
		}
		w := walker{ctx: ctx, list: b.List, yield: yield}
		w.walk(dir)
	}
}

// walker is the one recursion of Walk, Glob and Grep.
type walker struct {
	ctx    context.Context
	yield  func(Info, error) bool
	list   func(ctx context.Context, dir string) iter.Seq2[Info, error]
	enter  func(dir Info) bool                    // whether to go into a directory; nil: always
	listed func(dir string, entries []Info) error // sees what a directory holds; may be nil
	denied error                                  // the first directory that could not be read
}

// scan is the cheapest way to see what is in a directory.
func scan(b Backend) func(context.Context, string) iter.Seq2[Info, error] {
	if s, ok := As[Scanner](b); ok {
		return s.Scan
	}
	return b.List
}

func (w *walker) walk(dir string) {
	if w.dir(dir, true) && w.denied != nil {
		w.yield(Info{}, w.denied)
	}
}

// dir walks one directory and reports whether the walk goes on.
func (w *walker) dir(dir string, top bool) bool {
	entries, err := Collect(w.list(w.ctx, dir))
	switch {
	case err == nil:
	case top, !errors.Is(err, fs.ErrPermission) && !gone(err):
		w.yield(Info{}, err)
		return false
	case gone(err): // between its parent's list and its own
		return true
	default:
		if w.denied == nil {
			w.denied = err
		}
	}
	if w.listed != nil {
		if err := w.listed(dir, entries); err != nil {
			w.yield(Info{}, err)
			return false
		}
	}
	slices.SortFunc(entries, compareWalk)
	for _, e := range entries {
		if err := w.ctx.Err(); err != nil {
			w.yield(Info{}, pathError("walk", dir, err))
			return false
		}
		switch {
		case e.IsDir():
			if (w.enter == nil || w.enter(e)) && !w.dir(e.Name, false) {
				return false
			}
		case e.Mode.IsRegular() || e.Mode.Type() == fs.ModeSymlink:
			if !w.yield(e, nil) {
				return false
			}
		}
	}
	return true
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNotDir)
}

// compareWalk orders the entries of one directory such that a walk that goes
// down where it meets a directory is in the byte order of whole names.
func compareWalk(a, b Info) int {
	n := min(len(a.Name), len(b.Name))
	if c := strings.Compare(a.Name[:n], b.Name[:n]); c != 0 {
		return c
	}
	return int(after(a, n)) - int(after(b, n))
}

// after is the byte that follows the first n bytes of an entry's whole name in
// the names of the files it stands for; 0 where there is none.
func after(i Info, n int) byte {
	switch {
	case n < len(i.Name):
		return i.Name[n]
	case i.IsDir():
		return '/'
	}
	return 0
}
