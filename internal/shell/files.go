package shell

import (
	"context"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// staging is the directory of temporary files and the lock, in the root.
const staging = ".hutch-tmp"

// one is the only record of an answer.
func (a *answer) one() (node, error) {
	all, err := nodes(a.body)
	if err == nil && len(all) != 1 {
		err = errGarbled
	}
	if err != nil {
		return node{}, err
	}
	return all[0], nil
}

func (v view) Stat(ctx context.Context, name string) (hutch.Info, error) {
	s := v.s
	if err := s.begin(ctx, "stat", name); err != nil {
		return hutch.Info{}, err
	}
	defer s.end()
	n, err := v.stat(ctx, name)
	if err != nil {
		return hutch.Info{}, fail("stat", name, err)
	}
	return n.info(name), nil
}

func (v view) stat(ctx context.Context, name string) (node, error) {
	a, err := v.s.pool.ask(ctx, true, v.way("stat"), name)
	if err != nil {
		return node{}, err
	}
	if a.word != "ok" {
		return node{}, a.err()
	}
	n, err := a.one()
	if err == nil && v.unlinked && n.mode&fs.ModeSymlink != 0 { // it was none a moment ago
		err = words["link"]
	}
	return n, err
}

func (v view) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		all, err := v.list(ctx, dir)
		if err != nil {
			yield(hutch.Info{}, err)
			return
		}
		prefix := dir + "/"
		if dir == "." {
			prefix = ""
		}
		for _, n := range all {
			if err := ctx.Err(); err != nil {
				yield(hutch.Info{}, fail("list", dir, err))
				return
			}
			name := prefix + n.base
			if len(name) <= hutch.MaxName && !yield(n.info(name), nil) {
				return
			}
		}
	}
}

func (v view) list(ctx context.Context, dir string) ([]node, error) {
	s := v.s
	if err := s.begin(ctx, "list", dir); err != nil {
		return nil, err
	}
	defer s.end()
	a, err := s.pool.ask(ctx, true, v.way("list"), dir)
	if err == nil && a.word != "ok" {
		err = a.err()
	}
	if err != nil {
		return nil, fail("list", dir, err)
	}
	all, err := nodes(a.body)
	if err != nil {
		return nil, fail("list", dir, err)
	}
	root := a.rest == "root"
	all = slices.DeleteFunc(all, func(n node) bool {
		return !utf8.ValidString(n.base) || root && n.base == staging
	})
	slices.SortFunc(all, func(a, b node) int { return strings.Compare(a.base, b.base) })
	return all, nil
}

func (v view) Remove(ctx context.Context, name string) error {
	s := v.s
	if err := s.begin(ctx, "remove", name); err != nil {
		return err
	}
	defer s.end()
	if name == "." {
		return fail("remove", name, hutch.ErrIsDir)
	}
	a, err := s.change(ctx, v.way("remove"), name)
	if err == nil && a.word != "ok" {
		err = a.err()
	}
	if err != nil {
		return fail("remove", name, err)
	}
	return nil
}

func (v view) Rename(ctx context.Context, from, to string) error {
	s := v.s
	if err := hutch.CheckName("rename", to); err != nil {
		return err
	}
	if err := s.begin(ctx, "rename", from); err != nil {
		return err
	}
	defer s.end()
	switch {
	case from == ".":
		return fail("rename", from, &means{"the root has no other name", words["itself"]})
	case to == ".":
		return fail("rename", to, hutch.ErrIsDir)
	}
	a, err := s.change(ctx, v.way("rename"), from, to)
	if err != nil {
		return fail("rename", from, err)
	}
	if a.word == "ok" {
		return nil
	}
	blame := from
	if a.rest == "to" {
		blame = to
	}
	a.rest = ""
	return fail("rename", blame, a.err())
}
