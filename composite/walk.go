package composite

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// Walk implements [hutch.Walker]. A directory without a mount below it is left
// to the backend that has it.
func (c *Backend) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		if err := check(ctx, "walk", dir); err != nil {
			yield(hutch.Info{}, err)
			return
		}
		w := walker{ctx: ctx, c: c, yield: yield}
		if w.dir(dir, true) && w.denied != nil {
			yield(hutch.Info{}, w.denied)
		}
	}
}

type walker struct {
	ctx    context.Context
	c      *Backend
	yield  func(hutch.Info, error) bool
	denied error // the first directory that could not be read
}

// dir walks one directory and reports whether the walk goes on.
func (w *walker) dir(dir string, top bool) bool {
	if len(w.c.inside[dir]) == 0 {
		return w.whole(dir, top)
	}
	entries, err := hutch.Collect(w.c.List(w.ctx, dir))
	if err != nil && !w.pass(err, top) {
		return false
	}
	// In the order of whole names a directory comes where "dir/" would.
	slices.SortFunc(entries, func(a, b hutch.Info) int { return strings.Compare(walkKey(a), walkKey(b)) })
	for _, e := range entries {
		switch {
		case e.IsDir():
			if !w.dir(e.Name, false) {
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

func walkKey(i hutch.Info) string {
	if i.IsDir() {
		return i.Name + "/"
	}
	return i.Name
}

// whole walks a directory of one backend.
func (w *walker) whole(dir string, top bool) bool {
	m, inner := w.c.find(dir)
	for info, err := range hutch.Walk(w.ctx, m.b, inner) {
		if err != nil {
			return w.pass(w.c.absent(w.ctx, dir, m.err(err)), top)
		}
		info = m.info(info)
		if !tooLong(info.Name) && !w.yield(info, nil) {
			return false
		}
	}
	return true
}

// pass decides about an error: whether the walk goes on in spite of it.
func (w *walker) pass(err error, top bool) bool {
	switch {
	case !top && gone(err): // between its parent's list and its own
		return true
	case !top && errors.Is(err, fs.ErrPermission):
		if w.denied == nil {
			w.denied = err
		}
		return true
	}
	w.yield(hutch.Info{}, err)
	return false
}
