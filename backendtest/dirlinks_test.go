//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

func (d *dirBackend) Real(ctx context.Context, name string) (string, error) {
	if err := hutch.CheckName("real", name); err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	real, err := d.find("real", name, !d.wrong["leaves the last link"])
	switch {
	case errors.Is(err, fs.ErrInvalid) && d.wrong["takes a loop for a refusal"]:
		err = fail("real", name, fs.ErrPermission)
	case errors.Is(err, fs.ErrPermission) && d.wrong["leaves absolute links as they are"]:
		return name, nil
	}
	return real, err
}

func (d *dirBackend) Unlinked() hutch.Backend {
	if d.wrong["follows links in Unlinked"] {
		return d
	}
	return unlinkedDir{d}
}

// unlinkedDir is a dirBackend that goes through no link. What it reads it holds
// open when it looks for links, so that none can come between.
type unlinkedDir struct{ *dirBackend }

// check looks for a link in a name, with last also at its end.
func (u unlinkedDir) check(op, name string, last bool) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	for i := 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' || i == len(name) && !last && !u.wrong["refuses to remove a link"] {
			continue
		}
		if info, err := os.Lstat(u.host(name[:i])); err == nil && info.Mode().Type() == fs.ModeSymlink {
			return fail(op, name, fs.ErrPermission)
		}
	}
	return nil
}

func (u unlinkedDir) hold(ctx context.Context, op, name string) (*os.File, error) {
	if err := u.check(op, name, true); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if u.wrong["opens what it has looked at"] {
		for range 300 { // until it is another
			if u.check(op, name, true) != nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
		f, err := os.Open(u.host(name))
		return f, u.meaning(op, name, err)
	}
	root, err := os.OpenRoot(u.at)
	if err != nil {
		return nil, err
	}
	defer func() { root.Close() }()
	segments := strings.Split(name, "/")
	for _, s := range segments[:len(segments)-1] {
		next, err := root.OpenRoot(s)
		if err == nil {
			defer next.Close()
			info, _ := next.Stat(".")
			err = itself(root, s, info)
		}
		if err != nil {
			return nil, u.meaning(op, name, err)
		}
		root = next
	}
	f, err := root.Open(path.Base(name))
	if err != nil {
		return nil, u.meaning(op, name, err)
	}
	info, _ := f.Stat()
	if err := itself(root, path.Base(name), info); err != nil {
		f.Close()
		return nil, u.meaning(op, name, err)
	}
	return f, nil
}

// itself fails unless base in dir is what is held open.
func itself(dir *os.Root, base string, held fs.FileInfo) error {
	now, err := dir.Lstat(base)
	if err == nil && !os.SameFile(now, held) {
		err = fs.ErrPermission
	}
	return err
}

func (u unlinkedDir) meaning(op, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fail(op, name, fs.ErrNotExist)
	case strings.Contains(err.Error(), "not a directory"):
		return fail(op, name, hutch.ErrNotDir)
	}
	return fail(op, name, fs.ErrPermission)
}

func (u unlinkedDir) Open(ctx context.Context, name string) (hutch.File, error) {
	f, err := u.hold(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := u.info(f, name)
	if err == nil && info.IsDir() {
		err = hutch.ErrIsDir
	}
	if err != nil {
		return nil, fail("open", name, err)
	}
	data, err := io.ReadAll(f)
	return dirFile{bytes.NewReader(data), info}, err
}

func (u unlinkedDir) info(f *os.File, name string) (hutch.Info, error) {
	fi, err := f.Stat()
	if err != nil {
		return hutch.Info{}, err
	}
	// The revision is that of the name, which the checks here do not swap.
	info, _, err := u.stat("stat", name, name, false)
	info.Size, info.Mode, info.ModTime = fi.Size(), fi.Mode().Type()|fi.Mode().Perm(), fi.ModTime()
	if fi.IsDir() {
		info.Size, info.Rev = 0, ""
	}
	return info, err
}

func (u unlinkedDir) Stat(ctx context.Context, name string) (hutch.Info, error) {
	f, err := u.hold(ctx, "stat", name)
	if err != nil {
		return hutch.Info{}, err
	}
	defer f.Close()
	return u.info(f, name)
}

func (u unlinkedDir) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		all, err := u.list(ctx, dir)
		for _, info := range all {
			if ctx.Err() != nil {
				break
			}
			if !yield(info, nil) {
				return
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(hutch.Info{}, err)
		}
	}
}

// list looks at names, which may lead elsewhere for a moment, until it has seen
// what the directory that is held open has.
func (u unlinkedDir) list(ctx context.Context, dir string) ([]hutch.Info, error) {
	for range 1000 {
		f, err := u.hold(ctx, "list", dir)
		if err != nil {
			return nil, err
		}
		bases, err := f.Readdirnames(-1)
		f.Close()
		if err != nil {
			return nil, fail("list", dir, hutch.ErrNotDir)
		}
		all, err := hutch.Collect(u.dirBackend.List(ctx, dir))
		if ctx.Err() != nil {
			return nil, err
		}
		bases = slices.DeleteFunc(bases, func(b string) bool { return hutch.CheckName("list", path.Join(dir, b)) != nil })
		slices.Sort(bases)
		if err == nil && slices.EqualFunc(all, bases, func(i hutch.Info, b string) bool { return path.Base(i.Name) == b }) {
			return all, nil
		}
	}
	return nil, fail("list", dir, hutch.ErrConflict)
}

func (u unlinkedDir) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := u.check("write", name, true); err != nil {
		return hutch.Info{}, err
	}
	return u.dirBackend.Write(ctx, name, r, opts)
}

func (u unlinkedDir) Remove(ctx context.Context, name string) error {
	if err := u.check("remove", name, false); err != nil {
		return err
	}
	return u.dirBackend.Remove(ctx, name)
}
