package local

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/hutch-dev/hutch"
)

// rootTree is a tree on os.Root: on systems without openat2, and on Linux in
// tests, which hold both to the same answers.
type rootTree struct {
	root     *os.Root
	unlinked bool // links are refused where they would be followed
}

func newRootTree(dir string) (tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &rootTree{root: root}, nil
}

func (t *rootTree) close() error { return t.root.Close() }

func (t *rootTree) straight() tree { return &rootTree{t.root, true} }

// escapes reports whether err is the one of os.Root for a name that leaves the
// root, which has no exported value.
func escapes(err error) bool {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		err = le.Err
	}
	return err != nil && err.Error() == "path escapes from parent"
}

func confined(err error) error {
	if escapes(err) {
		return errEscape
	}
	return err
}

func (t *rootTree) open(name string) (file, error) {
	f, err := t.file(name)
	if err != nil {
		return nil, err
	}
	r := &rootFile{File: f}
	n, err := r.stat()
	switch {
	case err != nil:
	case n.mode.IsDir():
		err = hutch.ErrIsDir
	case !n.mode.IsRegular():
		err = errIrregular
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}

func (t *rootTree) stat(name string) (node, error) {
	if t.unlinked {
		n, err := t.lstat(name)
		if err == nil && n.mode&fs.ModeSymlink != 0 {
			err = errLink
		}
		return n, err
	}
	if err := t.through(name); err != nil {
		return node{}, err
	}
	info, err := t.root.Stat(name)
	if err != nil {
		return node{}, confined(err)
	}
	return nodeOfInfo(info), nil
}

func (t *rootTree) lstat(name string) (node, error) {
	dir, base, err := t.parent(name)
	if err != nil {
		return node{}, err
	}
	defer t.done(dir)
	info, err := dir.Lstat(base)
	if err != nil {
		return node{}, confined(err)
	}
	return nodeOfInfo(info), nil
}

func (t *rootTree) readlink(name string) (string, error) {
	dir, base, err := t.parent(name)
	if err != nil {
		return "", err
	}
	defer t.done(dir)
	target, err := dir.Readlink(base)
	return filepath.ToSlash(target), confined(err)
}

func (t *rootTree) list(name string, _ bool) ([]node, error) {
	dir, err := t.file(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if info, err := dir.Stat(); err != nil || !info.IsDir() {
		return nil, errors.Join(err, hutch.ErrNotDir)
	}
	infos, err := dir.Readdir(-1)
	all := make([]node, 0, len(infos))
	for _, info := range infos {
		n := nodeOfInfo(info)
		n.base = info.Name()
		all = append(all, n)
	}
	return all, err
}

func (t *rootTree) mkdirs(name string) error {
	err := t.mkdir(name)
	if !errors.Is(err, fs.ErrNotExist) || name == "." {
		return err
	}
	if err := t.mkdirs(path.Dir(name)); err != nil {
		return err
	}
	return t.mkdir(name)
}

// mkdir makes one directory; one that is there already will do.
func (t *rootTree) mkdir(name string) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer t.done(dir)
	err = dir.Mkdir(base, 0o755)
	if !errors.Is(err, fs.ErrExist) {
		return confined(err)
	}
	info, err := dir.Lstat(base)
	switch {
	case err != nil:
		return confined(err)
	case info.Mode()&fs.ModeSymlink != 0:
		return errLink
	case !info.IsDir():
		return hutch.ErrNotDir
	}
	return nil
}

func (t *rootTree) lockFile(name string) (*os.File, error) {
	if err := t.check(name); err != nil {
		return nil, err
	}
	f, err := t.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	return f, confined(err)
}

func (t *rootTree) create(name string, mode fs.FileMode) (temp, error) {
	if err := t.check(name); err != nil {
		return nil, err
	}
	f, err := t.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return nil, confined(err)
	}
	return &rootFile{File: f, name: name, root: t.root}, nil
}

func (t *rootTree) rename(from, to string, noReplace bool) error {
	fromDir, fromBase, err := t.parent(from)
	if err != nil {
		return err
	}
	defer t.done(fromDir)
	toDir, toBase, err := t.parent(to)
	if err != nil {
		return err
	}
	defer t.done(toDir)
	if noReplace { // the lock of the name keeps other users of this package out
		if _, err := toDir.Lstat(toBase); err == nil {
			return fs.ErrExist
		}
	}
	if path.Dir(from) == path.Dir(to) {
		return confined(toDir.Rename(fromBase, toBase))
	}
	return confined(t.root.Rename(from, to)) // os.Root has no way from one handle to another
}

func (t *rootTree) remove(name string) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer t.done(dir)
	err = confined(dir.Remove(base))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if info, e := dir.Lstat(base); e == nil && info.IsDir() {
		return hutch.ErrIsDir
	}
	return err
}

func nodeOfInfo(info fs.FileInfo) node {
	n := node{
		size: info.Size(), mode: info.Mode() & (fs.ModeType | fs.ModePerm),
		mtime: info.ModTime().UnixNano(), sticky: info.Mode()&fs.ModeSticky != 0,
	}
	n.ino, n.ctime = identity(info)
	return n
}

// rootFile is a file opened through os.Root, read or written.
type rootFile struct {
	*os.File
	name string
	root *os.Root
}

func (f *rootFile) stat() (node, error) {
	info, err := f.File.Stat()
	if err != nil {
		return node{}, err
	}
	return nodeOfInfo(info), nil
}

func (f *rootFile) chmod(mode fs.FileMode) error { return f.File.Chmod(mode.Perm()) }
func (f *rootFile) touch(t time.Time) error      { return f.root.Chtimes(f.name, t, t) }
