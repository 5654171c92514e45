package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/rename"
)

// MaxTree is how many names a directory may hold that is renamed; one with more
// is [hutch.ErrTooLarge].
const MaxTree = 100_000

var errLink = fmt.Errorf("%w: what a link leads to would be there under names that no rule was asked about", fs.ErrPermission)

type renamer struct {
	g *Backend
	r hutch.Renamer
}

// Rename implements [hutch.Renamer].
func (r renamer) Rename(ctx context.Context, from, to string) error {
	if err := hutch.CheckName("rename", from); err != nil {
		return err
	}
	if err := begin(ctx, "rename", to); err != nil {
		return err
	}
	f, t := from, to
	if r.g.asks(Read, Write) {
		var err error
		if f, t, err = r.places(ctx, from, to); err != nil {
			return err
		}
	}
	for range maxTries {
		err := r.settle(ctx, f, t)
		if r.g.links == nil || !errors.Is(err, fs.ErrPermission) {
			return outwards(err, f, t, from, to)
		}
		nowF, nowT, e := r.places(ctx, from, to)
		if e != nil {
			return e
		}
		if nowF == f && nowT == t {
			return outwards(err, f, t, from, to)
		}
		f, t = nowF, nowT
	}
	return &fs.PathError{Op: "rename", Path: to, Err: errMoving}
}

// places is where two names are.
func (r renamer) places(ctx context.Context, from, to string) (f, t string, err error) {
	if f, err = r.g.place(ctx, from); err != nil {
		return "", "", named(err, "rename", from)
	}
	if t, err = r.g.place(ctx, to); err != nil {
		return "", "", named(err, "rename", to)
	}
	return f, t, nil
}

func outwards(err error, f, t, from, to string) error {
	if f == from && t == to {
		return err
	}
	return rename.Error(err, func(inside string) string {
		if inside == t || len(inside) > len(t) && inside[len(t)] == '/' && inside[:len(t)] == t {
			return outside(inside, t, to)
		}
		return outside(inside, f, from)
	})
}

// settle renames when nothing came to what is renamed since it was looked at.
func (r renamer) settle(ctx context.Context, from, to string) error {
	for range maxTries {
		w, err := r.g.traffic.look(ctx, from, to)
		if err != nil {
			return err
		}
		clean := false
		if err = r.check(ctx, from, to); err == nil {
			clean, err = r.g.traffic.alone(w, to, func() error { return r.r.Rename(ctx, from, to) })
		}
		r.g.traffic.lookedAway(w)
		if err != nil || clean {
			return err
		}
	}
	return &fs.PathError{Op: "rename", Path: from, Err: fmt.Errorf("%w: files come below it all the time", hutch.ErrConflict)}
}

// check asks about every name that goes and every one that comes, and shows a
// file where somebody may be asked.
func (r renamer) check(ctx context.Context, from, to string) error {
	var goes, comes *Change
	if r.g.asks(Write) {
		if data, _ := r.g.before(ctx, from); data != nil {
			before, _ := r.g.before(ctx, to)
			goes, comes = changeOf(data, nil), changeOf(before, data)
		}
	}
	if err := r.g.check(ctx, "rename", Write, from, goes); err != nil {
		return err
	}
	if err := r.g.check(ctx, "rename", Write, to, comes); err != nil {
		return err
	}
	return r.checkTree(ctx, from, to)
}

// checkTree asks about what is at from and below it.
func (r renamer) checkTree(ctx context.Context, from, to string) error {
	info, err := r.g.b.Stat(ctx, from)
	switch {
	case errors.Is(err, fs.ErrPermission) && r.isLink(ctx, from):
		return r.link(from)
	case err != nil:
		return renamedOp(err)
	case !info.IsDir():
		return r.g.check(ctx, "rename", Read, from, nil)
	}
	n := 0
	return r.tree(ctx, from, &n, func(e hutch.Info) error {
		link := e.Mode.Type() == fs.ModeSymlink
		if link {
			if err := r.link(e.Name); err != nil {
				return err
			}
		}
		if err := r.g.check(ctx, "rename", Write, e.Name, nil); err != nil {
			return err
		}
		if !e.IsDir() && !link {
			if err := r.g.check(ctx, "rename", Read, e.Name, nil); err != nil {
				return err
			}
		}
		return r.g.check(ctx, "rename", Write, outside(e.Name, from, to), nil)
	})
}

// link is nil where a link may have another name.
func (r renamer) link(name string) error {
	if !r.g.protects {
		return nil
	}
	return &fs.PathError{Op: "rename", Path: name, Err: errLink}
}

func (r renamer) isLink(ctx context.Context, name string) bool {
	for e, err := range scan(r.g.b)(ctx, path.Dir(name)) {
		if err == nil && e.Name == name {
			return e.Mode.Type() == fs.ModeSymlink
		}
	}
	return false
}

// tree calls each for all that is below dir.
func (r renamer) tree(ctx context.Context, dir string, n *int, each func(hutch.Info) error) error {
	entries, err := hutch.Collect(scan(r.g.b)(ctx, dir))
	if err != nil {
		return renamedOp(err)
	}
	for _, e := range entries {
		if *n++; *n > MaxTree {
			return &fs.PathError{Op: "rename", Path: e.Name, Err: fmt.Errorf("%w: more than %d names", hutch.ErrTooLarge, MaxTree)}
		}
		if err := each(e); err != nil {
			return err
		}
		if !e.IsDir() {
			continue
		}
		if err := r.tree(ctx, e.Name, n, each); err != nil {
			return err
		}
	}
	return nil
}

// renamedOp is an error as one of a rename.
func renamedOp(err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: "rename", Path: pe.Path, Err: pe.Err}
	}
	return err
}
