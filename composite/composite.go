// Package composite makes one backend out of several: a default for everything,
// and others mounted in it by prefix.
//
// A mounted backend sees names without its prefix. The longest prefix wins, so
// that mounts nest. What the backend around a mount has at the mount point or
// below it is hidden, in every operation, search included; so is a file of its
// where a directory above a mount point must be. Only names count: a link of
// one backend never leads into another, and may lead to what is hidden.
//
// Mount points and the directories above them are always there, also where no
// backend has them. They are shown as directories of mode 0755 without a
// time, and are fixed: writing to one, or renaming a file to one, is
// [hutch.ErrIsDir], removing or renaming one is fs.ErrPermission, whatever is in
// it. So [hutch.RemoveAll] of a directory with a mount in it is refused before
// anything is gone, and of "." stops at the first of them.
//
// Errors carry the names of the composite. A name that is longer than
// [hutch.MaxName] with its prefix is no name here and is left out of lists and
// searches.
package composite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// Routes says what is mounted where: "/project/" and "project" both mount a
// backend at the name "project". [ReadOnly] makes a mount read-only.
type Routes map[string]hutch.Backend

// Backend is several backends as one. It is safe for concurrent use, and closes
// none of them.
//
// It has the speeds [hutch.Walker], [hutch.Scanner], [hutch.Grepper] and
// [hutch.Renamer] and uses those of the mounted backends where it can. Renaming
// within one backend is what that backend makes of it; from one to another it
// is a copy and a removal, as in [hutch.Move].
//
// It has the power [hutch.Execer] where the default backend has it, or else
// exactly one of the others. Commands run there and do not see the files of the
// other backends: Dir must be a directory of that backend, else the error matches
// errors.ErrUnsupported and says which directory would do. The empty Dir is
// the root of the composite, as everywhere, and so a directory of the default
// backend. It has [hutch.Signaler] and [hutch.Confiner] where that backend has them.
//
// It has the power [hutch.Linker] where all of its backends have it. A link that
// leads to a name that a mount hides leads nowhere: Real refuses it.
//
// It has the power [hutch.Snapshotter] where all of its backends have it that are
// not [ReadOnly]; those stay as they are. Each is taken at a moment of its own, and
// goes back with what a mount hides.
//
// It has the power [hutch.Rooted] where commands see the files of that backend
// under Root followed by their names in the composite: always, if that is the
// default backend and is Rooted itself, and where a backend at "project" has
// a Root that ends in "/project", such as "/workspace/project". Otherwise no Root
// would be true. A name of another mount has a path below Root too, like every
// name, but for now commands find nothing there, or what the mount hides.
type Backend struct {
	mounts map[string]*mount   // by mount point; that of the default is "."
	inside map[string][]string // names of fixed entries directly in a directory, sorted
	exec   *mount              // where commands run; nil: nowhere
}

type mount struct {
	at string
	b  hutch.Backend
}

// New makes a composite of def and routes, which it copies. A backend that is
// nil, a prefix that names no directory or the root, and two prefixes that name
// the same are errors that match fs.ErrInvalid.
func New(def hutch.Backend, routes Routes) (*Backend, error) {
	if def == nil {
		return nil, fmt.Errorf("composite: %w: the default backend is nil", fs.ErrInvalid)
	}
	c := &Backend{
		mounts: map[string]*mount{".": {".", def}},
		inside: map[string][]string{},
	}
	for _, prefix := range slices.Sorted(maps.Keys(routes)) {
		at, err := mountPoint(prefix)
		switch {
		case err != nil:
			return nil, fmt.Errorf("composite: prefix %q: %w", prefix, err)
		case routes[prefix] == nil:
			return nil, fmt.Errorf("composite: prefix %q: %w: the backend is nil", prefix, fs.ErrInvalid)
		case c.mounts[at] != nil:
			return nil, fmt.Errorf("composite: prefix %q: %w: something is mounted there already", prefix, fs.ErrInvalid)
		}
		c.mounts[at] = &mount{at, routes[prefix]}
		c.fix(at)
	}
	c.exec = c.executor()
	return c, nil
}

// mountPoint is the name that a prefix stands for.
func mountPoint(prefix string) (string, error) {
	at := strings.TrimSuffix(strings.TrimPrefix(prefix, "/"), "/")
	if at == "" || at == "." {
		return "", fmt.Errorf("%w: the root is the place of the default backend", fs.ErrInvalid)
	}
	return at, hutch.CheckName("mount", at)
}

// fix notes a mount point and the directories above it.
func (c *Backend) fix(at string) {
	for name := at; name != "."; name = path.Dir(name) {
		dir := path.Dir(name)
		if at, found := slices.BinarySearch(c.inside[dir], name); !found {
			c.inside[dir] = slices.Insert(c.inside[dir], at, name)
		}
	}
}

// fixed reports whether name is a mount point, the root, or a directory above one.
func (c *Backend) fixed(name string) bool {
	return c.mounts[name] != nil || len(c.inside[name]) > 0
}

// find is the mount that has name, and its name in there.
func (c *Backend) find(name string) (m *mount, inner string) {
	for at := name; ; at = path.Dir(at) {
		if m := c.mounts[at]; m != nil {
			return m, m.inner(name)
		}
	}
}

// inner is a name at or below the mount point as the mounted backend has it.
func (m *mount) inner(name string) string {
	switch {
	case m.at == ".":
		return name
	case name == m.at:
		return "."
	}
	return name[len(m.at)+1:]
}

// outer is a name of the mounted backend as the composite has it.
func (m *mount) outer(name string) string {
	switch {
	case m.at == ".":
		return name
	case name == ".":
		return m.at
	}
	return m.at + "/" + name
}

// tooLong reports whether a name, valid in a mount, is no name of the composite.
func tooLong(name string) bool { return len(name) > hutch.MaxName }

func (m *mount) info(i hutch.Info) hutch.Info {
	i.Name = m.outer(i.Name)
	return i
}

// As offers the speeds and, where they can be had, the powers of a composite.
func (c *Backend) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = c, true
	case *hutch.Scanner:
		*t, ok = c, true
	case *hutch.Grepper:
		*t, ok = c, true
	case *hutch.Renamer:
		*t, ok = c, true
	case *hutch.Execer:
		*t, ok = c.execer()
	case *hutch.Signaler:
		*t, ok = c.signaler()
	case *hutch.Confiner:
		*t, ok = c.confiner()
	case *hutch.Rooted:
		*t, ok = c.rooted()
	case *hutch.Linker:
		*t, ok = c.linker()
	case *hutch.Snapshotter:
		*t, ok = c.snapshotter()
	}
	return ok
}

func check(ctx context.Context, op, name string) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	return ctx.Err()
}

// fixedInfo describes a name that is fixed.
func fixedInfo(name string) hutch.Info {
	return hutch.Info{Name: name, Mode: fs.ModeDir | 0o755}
}

// Open implements [hutch.Backend].
func (c *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	if err := check(ctx, "open", name); err != nil {
		return nil, err
	}
	if c.fixed(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: hutch.ErrIsDir}
	}
	m, inner := c.find(name)
	f, err := m.b.Open(ctx, inner)
	if err != nil {
		return nil, c.absent(ctx, name, m.err(err))
	}
	return m.file(f), nil
}

// Stat implements [hutch.Backend].
func (c *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if err := check(ctx, "stat", name); err != nil {
		return hutch.Info{}, err
	}
	if c.fixed(name) {
		return fixedInfo(name), nil
	}
	m, inner := c.find(name)
	info, err := m.b.Stat(ctx, inner)
	if err != nil {
		return hutch.Info{}, c.absent(ctx, name, m.err(err))
	}
	return m.info(info), nil
}

// Write implements [hutch.Backend]. Below a directory that is there only because
// of a mount and that hides a file, nothing can be written: [hutch.ErrNotDir].
func (c *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := check(ctx, "write", name); err != nil {
		return hutch.Info{}, err
	}
	if c.fixed(name) {
		return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: hutch.ErrIsDir}
	}
	m, inner := c.find(name)
	info, err := m.b.Write(ctx, inner, r, opts)
	if err != nil {
		return hutch.Info{}, m.err(err)
	}
	return m.info(info), nil
}

// Remove implements [hutch.Backend].
func (c *Backend) Remove(ctx context.Context, name string) error {
	if err := check(ctx, "remove", name); err != nil {
		return err
	}
	switch {
	case name == ".":
		return &fs.PathError{Op: "remove", Path: name, Err: hutch.ErrIsDir}
	case c.fixed(name):
		return &fs.PathError{Op: "remove", Path: name, Err: errMounted}
	}
	m, inner := c.find(name)
	return c.absent(ctx, name, m.err(m.b.Remove(ctx, inner)))
}

var errMounted = fmt.Errorf("%w: a backend is mounted here or below", fs.ErrPermission)

// absent is err for a reader of name: where a parent of it hides a file, the
// backend says that this is no directory, but here it is one, without name.
func (c *Backend) absent(ctx context.Context, name string, err error) error {
	var pe *fs.PathError
	if !errors.Is(err, hutch.ErrNotDir) || !errors.As(err, &pe) {
		return err
	}
	for dir := path.Dir(name); c.mounts[dir] == nil; dir = path.Dir(dir) {
		if !c.fixed(dir) {
			continue
		}
		m, inner := c.find(dir)
		if i, e := m.b.Stat(ctx, inner); e == nil && !i.IsDir() {
			return &fs.PathError{Op: pe.Op, Path: name, Err: fs.ErrNotExist}
		}
	}
	return err
}
