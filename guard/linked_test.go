package guard_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// linked is a backend in memory that has links: files with a mark in them.
type linked struct {
	*core
	direct bool // through no link
	speeds bool // it searches by itself
}

type core struct {
	b  *state.Backend
	mu sync.Mutex
	// opened are the names of files that were opened, not those of links.
	opened map[string]bool
	// onUse is called before an operation on a name takes place.
	onUse func(name string)
	// renaming is called when something is about to be renamed.
	renaming func()
	failing  error // of a list, for what comes next
}

const mark = "\x00link\x00"

func newLinked() *linked {
	return &linked{core: &core{b: state.New(nil), opened: map[string]bool{}}}
}

// link makes name lead to target.
func (l *linked) link(target, name string) {
	if _, err := hutch.WriteFile(ctx, l.b, name, []byte(mark+target), nil); err != nil {
		panic(err)
	}
}

func (c *core) target(name string) (string, bool) {
	data, _ := hutch.ReadFile(ctx, c.b, name) // which has no links but ours
	return strings.CutPrefix(string(data), mark)
}

func (l *linked) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Linker:
		*t = linkLinker{l}
	case *hutch.Renamer:
		*t = linkRenamer{l}
	case *hutch.Globber:
		*t = l
		return l.speeds
	case *hutch.Grepper:
		*t = l
		return l.speeds
	default:
		return false
	}
	return true
}

func (l *linked) resolve(name string, final bool) (string, error) {
	todo, done, links := strings.Split(name, "/"), ".", 0
	for len(todo) > 0 {
		seg := todo[0]
		todo = todo[1:]
		if seg == ".." {
			if done == "." {
				return "", fmt.Errorf("%w: link leaves", fs.ErrPermission)
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, seg)
		target, is := l.target(next)
		if !is || len(todo) == 0 && !final {
			done = next
			continue
		}
		if links++; links > 40 {
			return "", fmt.Errorf("%w: loop", fs.ErrInvalid)
		}
		if l.direct {
			return "", fmt.Errorf("%w: a link", fs.ErrPermission)
		}
		if rest, ok := strings.CutPrefix(target, "/workspace"); ok {
			done, target = ".", strings.TrimPrefix(rest, "/")
		} else if path.IsAbs(target) {
			return "", fmt.Errorf("%w: link leaves", fs.ErrPermission)
		}
		if target = strings.Trim(target, "/"); target != "" {
			todo = append(strings.Split(target, "/"), todo...)
		}
	}
	return done, nil
}

// at is what name leads to for an operation op.
func (l *linked) at(op, name string, final bool) (string, error) {
	if err := hutch.CheckName(op, name); err != nil {
		return "", err
	}
	if l.onUse != nil {
		l.onUse(name)
	}
	real, err := l.resolve(name, final)
	if err != nil {
		return "", &fs.PathError{Op: op, Path: name, Err: err}
	}
	return real, nil
}

// as gives an error the caller's name.
func as(err error, name string) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return &fs.PathError{Op: pe.Op, Path: name, Err: pe.Err}
	}
	return err
}

func (l *linked) Open(ctx context.Context, name string) (hutch.File, error) {
	real, err := l.at("open", name, true)
	if err != nil {
		return nil, err
	}
	f, err := l.b.Open(ctx, real)
	if err != nil {
		return nil, as(err, name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened[real] = true
	return linkFile{f, name}, nil
}

type linkFile struct {
	hutch.File
	name string
}

func (f linkFile) Info() hutch.Info {
	i := f.File.Info()
	i.Name = f.name
	return i
}

func (l *linked) Stat(ctx context.Context, name string) (hutch.Info, error) {
	real, err := l.at("stat", name, true)
	if err != nil {
		return hutch.Info{}, err
	}
	i, err := l.b.Stat(ctx, real)
	i.Name = name
	return i, as(err, name)
}

func (l *linked) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		real, err := l.at("list", dir, true)
		if err != nil {
			yield(hutch.Info{}, err)
			return
		}
		for i, err := range l.b.List(ctx, real) {
			if l.failing != nil {
				err, l.failing = l.failing, nil
			}
			if err == nil {
				if _, is := l.target(i.Name); is && !i.IsDir() {
					i.Mode |= fs.ModeSymlink
				}
				i.Name = path.Join(dir, path.Base(i.Name))
			}
			if !yield(i, as(err, dir)) || err != nil {
				return
			}
		}
	}
}

func (l *linked) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	real, err := l.at("write", name, true)
	if err != nil {
		return hutch.Info{}, err
	}
	i, err := l.b.Write(ctx, real, r, o)
	i.Name = name
	return i, as(err, name)
}

func (l *linked) Remove(ctx context.Context, name string) error {
	real, err := l.at("remove", name, false)
	if err != nil {
		return err
	}
	return as(l.b.Remove(ctx, real), name)
}

// slow is l without the speeds that search.
func (l *linked) slow() *linked { return &linked{l.core, l.direct, false} }

func (l *linked) Glob(ctx context.Context, pattern string, o *hutch.GlobOptions) iter.Seq2[hutch.Info, error] {
	return hutch.Glob(ctx, l.slow(), pattern, o)
}

func (l *linked) Grep(ctx context.Context, q hutch.Query) iter.Seq2[hutch.Match, error] {
	return hutch.Grep(ctx, l.slow(), q)
}

type linkLinker struct{ l *linked }

func (l linkLinker) Real(_ context.Context, name string) (string, error) {
	return l.l.at("real", name, true)
}

func (l linkLinker) Unlinked() hutch.Backend { return &linked{l.l.core, true, l.l.speeds} }

type linkRenamer struct{ l *linked }

func (l linkRenamer) Rename(ctx context.Context, from, to string) error {
	f, err := l.l.at("rename", from, false)
	if err != nil {
		return err
	}
	t, err := l.l.at("rename", to, false)
	if err != nil {
		return err
	}
	if l.l.renaming != nil {
		l.l.renaming()
	}
	err = l.l.b.Rename(ctx, f, t)
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == t {
		return as(err, to)
	}
	return as(err, from)
}
