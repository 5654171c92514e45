package local

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"

	"github.com/hutch-dev/hutch"
)

// parent opens the directory that holds name, following no link: there, the
// error is errLink.
func (t *rootTree) parent(name string) (dir *os.Root, base string, err error) {
	if runtime.GOOS == "windows" && strings.ContainsAny(name, `\:`) {
		return nil, "", fs.ErrInvalid // another path separator, a stream of another file
	}
	dir = t.root
	for {
		seg, rest, more := strings.Cut(name, "/")
		if !more {
			return dir, seg, nil
		}
		next, err := enter(dir, seg)
		t.done(dir)
		if err != nil {
			return nil, "", err
		}
		dir, name = next, rest
	}
}

// done closes a directory that parent has opened.
func (t *rootTree) done(dir *os.Root) {
	if dir != t.root {
		dir.Close()
	}
}

// check returns errLink if a link is on the way to name.
func (t *rootTree) check(name string) error {
	dir, _, err := t.parent(name)
	if err == nil {
		t.done(dir)
	}
	return err
}

// through makes a name that runs through a file hutch.ErrNotDir on every system.
func (t *rootTree) through(name string) error {
	err := t.check(name)
	if errors.Is(err, errLink) {
		return nil
	}
	return err
}

// file opens what has the name, for reading.
func (t *rootTree) file(name string) (*os.File, error) {
	if !t.unlinked {
		if err := t.through(name); err != nil {
			return nil, err
		}
		f, err := t.root.OpenFile(name, os.O_RDONLY|nonblock, 0)
		return f, confined(err)
	}
	dir, base, err := t.parent(name)
	if err != nil {
		return nil, err
	}
	defer t.done(dir)
	return itself(dir, base, openIn, (*os.File).Stat)
}

func openIn(dir *os.Root, base string) (*os.File, error) {
	return dir.OpenFile(base, os.O_RDONLY|nonblock, 0)
}

// enter opens a directory that is directly in dir.
func enter(dir *os.Root, seg string) (*os.Root, error) {
	info, err := dir.Lstat(seg)
	switch {
	case err != nil:
		return nil, confined(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, errLink
	case !info.IsDir():
		return nil, hutch.ErrNotDir
	}
	return itself(dir, seg, (*os.Root).OpenRoot, func(r *os.Root) (fs.FileInfo, error) { return r.Stat(".") })
}

// itself opens what has a name directly in dir, and never what a link of that
// name leads to: what was opened is compared with what has the name then. As it
// is held open, nothing else can look the same.
func itself[T interface{ Close() error }](dir *os.Root, base string,
	open func(*os.Root, string) (T, error), stat func(T) (fs.FileInfo, error)) (none T, err error) {
	for try := 0; ; try++ {
		before, err := dir.Lstat(base)
		if err == nil && before.Mode()&fs.ModeSymlink != 0 {
			err = errLink
		}
		if err != nil {
			return none, confined(err)
		}
		v, err := open(dir, base)
		if errors.Is(err, syscall.ELOOP) && try < maxLinks {
			continue // os.Root has met a link that was gone when it read it
		}
		if err != nil {
			return none, confined(err)
		}
		opened, err := stat(v)
		var now fs.FileInfo
		if err == nil {
			now, err = dir.Lstat(base)
		}
		if err == nil && os.SameFile(opened, now) {
			return v, nil
		}
		v.Close()
		if err != nil {
			return none, confined(err)
		}
		if try == maxLinks {
			return none, errLink
		}
	}
}
