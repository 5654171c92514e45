package deepagent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// copied is a snapshot of Copied.
type copied struct {
	c      *copier
	files  listing
	closed bool
}

// Close implements [hutch.Snapshot].
func (s *copied) Close() error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if !s.closed {
		s.closed = true
		s.c.drop(s.files)
	}
	return nil
}

// Restore implements [hutch.Snapshot].
func (s *copied) Restore(ctx context.Context) error {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if s.closed {
		return fmt.Errorf("deepagent: restore: snapshot: %w", hutch.ErrClosed)
	}
	now, err := s.c.take(ctx)
	if err != nil {
		return err
	}
	defer s.c.drop(now)
	todo, err := plan(now, s.files)
	if err != nil {
		return err
	}
	_, b, err := s.c.unlinked()
	if err != nil {
		return err
	}
	w := &rewinder{b: b, now: parents(now), then: parents(s.files)}
	return w.change(guard.Unasked(ctx), todo)
}

// change is one thing to do to go back; before and after are nil where there is
// nothing.
type change struct {
	name          string
	before, after *entry
	order         order
}

// order is when a change is made: what is in the way first, and links that are in
// nobody's way last, since they cannot be made again.
type order int

const (
	removeFile order = iota
	removeLinkInTheWay
	writeFile
	removeLink
)

// plan is what there is to do, in order.
func plan(now, then listing) ([]change, error) {
	var todo []change
	dirs := parents(then)
	for name, was := range then {
		is, there := now[name]
		switch {
		case there && is.same(was):
			continue
		case was.isLink():
			return nil, &fs.PathError{Op: "restore", Path: name, Err: fmt.Errorf("%w: a link cannot be made again", errors.ErrUnsupported)}
		case there && is.isLink():
			todo = append(todo, change{name, &is, nil, removeLinkInTheWay}, change{name, nil, &was, writeFile})
		case there:
			todo = append(todo, change{name, &is, &was, writeFile})
		default:
			todo = append(todo, change{name, nil, &was, writeFile})
		}
	}
	for name, is := range now {
		if _, stays := then[name]; stays {
			continue
		}
		c := change{name, &is, nil, removeFile}
		if is.isLink() {
			c.order = removeLink
		}
		if is.isLink() && dirs[name] {
			c.order = removeLinkInTheWay
		}
		todo = append(todo, c)
	}
	slices.SortFunc(todo, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.order, b.order), strings.Compare(a.name, b.name))
	})
	return todo, nil
}

// parents are the directories that files are in.
func parents(all listing) map[string]bool {
	dirs := map[string]bool{}
	for name := range all {
		for dir := path.Dir(name); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	return dirs
}

// rewinder makes changes in a backend without links. now and then are the directories
// of before and after.
type rewinder struct {
	b         hutch.Backend
	now, then map[string]bool
}

// change makes all changes, or with an error none.
func (w *rewinder) change(ctx context.Context, todo []change) error {
	for _, c := range todo {
		if err := w.unchanged(ctx, c); err != nil {
			return err
		}
	}
	for i := range todo {
		err := w.do(ctx, &todo[i], w.then)
		if err == nil {
			continue
		}
		for _, done := range slices.Backward(todo[:i]) {
			if e := w.undo(context.WithoutCancel(ctx), done); e != nil {
				err = errors.Join(err, fmt.Errorf("not undone: %w", e))
			}
		}
		return err
	}
	return nil
}

// unchanged fails where a file is not what was looked at.
func (w *rewinder) unchanged(ctx context.Context, c change) error {
	if c.before != nil && c.before.isLink() {
		return nil
	}
	i, err := w.b.Stat(ctx, c.name)
	switch {
	case c.before == nil && err == nil && i.Mode.IsRegular():
		return changed(c.name)
	case c.before == nil: // nothing, or something in the way of which writing decides
		return nil
	case errors.Is(err, fs.ErrNotExist), err == nil && i.Rev != c.before.rev:
		return changed(c.name)
	}
	return err
}

func changed(name string) error {
	return &fs.PathError{Op: "restore", Path: name, Err: hutch.ErrConflict}
}

// do makes one change and notes the revision that came of it. dirs are those that
// stay where they have become empty.
func (w *rewinder) do(ctx context.Context, c *change, dirs map[string]bool) error {
	if c.after == nil {
		return w.remove(ctx, *c, dirs)
	}
	o := &hutch.WriteOptions{IfRev: hutch.Absent, Mode: c.after.mode}
	if c.before != nil {
		o.IfRev = c.before.rev
	}
	i, err := w.b.Write(ctx, c.name, bytes.NewReader(c.after.c.data), o)
	if err != nil {
		return err
	}
	after := *c.after
	after.rev = i.Rev
	c.after = &after
	return nil
}

// remove removes a file or a link, and the directories that were there for it alone.
func (w *rewinder) remove(ctx context.Context, c change, dirs map[string]bool) error {
	if err := w.unchanged(ctx, c); err != nil {
		return err
	}
	if err := w.b.Remove(ctx, c.name); err != nil {
		return err
	}
	for dir := path.Dir(c.name); !dirs[dir] && dir != "."; dir = path.Dir(dir) {
		if w.b.Remove(ctx, dir) != nil {
			break // not empty
		}
	}
	return nil
}

func (w *rewinder) undo(ctx context.Context, c change) error {
	if c.before != nil && c.before.isLink() {
		return &fs.PathError{Op: "restore", Path: c.name, Err: fmt.Errorf("%w: a link cannot be made again", errors.ErrUnsupported)}
	}
	return w.do(ctx, &change{name: c.name, before: c.after, after: c.before}, w.now)
}
