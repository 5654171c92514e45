package local

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// view is the files of a sandbox, with their links followed or, unlinked,
// refused.
type view struct {
	s        *Sandbox
	unlinked bool
}

var (
	_ hutch.Backend = view{}
	_ hutch.Renamer = view{}
	_ hutch.Scanner = view{}
)

func (v view) Open(ctx context.Context, name string) (hutch.File, error) {
	if err := v.s.begin(ctx, "open", name); err != nil {
		return nil, err
	}
	defer v.s.end()
	f, err := read(v, name, tree.open)
	if err != nil && v.s.absent(name) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fail("open", name, err)
	}
	return newReader(name, f)
}

func (v view) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if err := v.s.begin(ctx, "stat", name); err != nil {
		return hutch.Info{}, err
	}
	defer v.s.end()
	n, err := read(v, name, tree.stat)
	if err == nil && v.s.guard.hides(name, &n) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return hutch.Info{}, fail("stat", name, err)
	}
	return n.info(name), nil
}

// read runs do on name. What is staged is not there for anybody.
func read[T any](v view, name string, do func(tree, string) (T, error)) (T, error) {
	switch {
	case staged(name):
		var none T
		return none, fs.ErrNotExist
	case v.unlinked:
		return do(v.s.tree.straight(), name)
	}
	return follow(v.s, name, do)
}

func (v view) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return v.entries(ctx, dir, true)
}

func (v view) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return v.entries(ctx, dir, false)
}

func (v view) entries(ctx context.Context, dir string, look bool) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		nodes, err := v.list(ctx, dir, look)
		if err != nil {
			yield(hutch.Info{}, err)
			return
		}
		prefix := dir + "/"
		if dir == "." {
			prefix = ""
		}
		for _, n := range nodes {
			if err := ctx.Err(); err != nil {
				yield(hutch.Info{}, fail("list", dir, err))
				return
			}
			name := prefix + n.base
			if len(name) > hutch.MaxName || v.s.guard.hides(name, &n) {
				continue
			}
			info := hutch.Info{Name: name, Mode: n.mode.Type()}
			if look {
				info = n.info(name)
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (v view) list(ctx context.Context, dir string, look bool) ([]node, error) {
	if err := v.s.begin(ctx, "list", dir); err != nil {
		return nil, err
	}
	defer v.s.end()
	nodes, err := read(v, dir, func(t tree, real string) ([]node, error) { return t.list(real, look) })
	if err == nil && len(nodes) == 0 && v.s.absent(dir) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fail("list", dir, err)
	}
	nodes = slices.DeleteFunc(nodes, func(n node) bool { return !utf8.ValidString(n.base) })
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.base, b.base) })
	return nodes, nil
}

func (v view) Remove(ctx context.Context, name string) error {
	if err := v.s.begin(ctx, "remove", name); err != nil {
		return err
	}
	defer v.s.end()
	if name == "." {
		return fail("remove", name, hutch.ErrIsDir)
	}
	err := v.change(ctx, name, false, func(real string) error {
		if v.s.absent(real) {
			return fs.ErrNotExist
		}
		v.s.makeWay(real)
		return v.s.tree.remove(real)
	})
	if err != nil {
		return fail("remove", name, err)
	}
	return nil
}

// change runs do on the name that name really is, when it may be written, with
// the lock of that name held. final also follows a link at the end. When
// somebody puts a link on the way meanwhile, it starts again; unlinked, any
// link is the end of it.
func (v view) change(ctx context.Context, name string, final bool, do func(real string) error) error {
	real := name
	for try := 0; ; try++ {
		err := v.s.guard.check(real)
		if err == nil {
			err = v.s.locked(ctx, real, do)
		}
		if v.unlinked || !errors.Is(err, errLink) || try == maxLinks {
			return err
		}
		if real, err = v.s.realName(name, final); err != nil {
			return err
		}
	}
}

func (s *Sandbox) locked(ctx context.Context, real string, do func(string) error) error {
	unlock, err := s.locks.lock(ctx, real)
	if err != nil {
		return err
	}
	defer unlock()
	return do(real)
}
