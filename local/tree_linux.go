package local

import (
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// beneath keeps a resolution below the handle that it starts from.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// fdTree is a tree on openat2 (Linux 5.6).
type fdTree struct {
	root int
	// resolve is for what follows links: RESOLVE_NO_SYMLINKS where none may be.
	resolve uint64
}

// newTree opens dir. It falls back to os.Root where openat2 is not there or not
// allowed; that confines as well and only costs time.
func newTree(dir string) (tree, error) {
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	t := &fdTree{root: root}
	fd, err := t.openat(".", unix.O_PATH, 0, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		unix.Close(root)
		return newRootTree(dir)
	}
	unix.Close(fd)
	return t, nil
}

func (t *fdTree) close() error { return unix.Close(t.root) }

func (t *fdTree) straight() tree { return &fdTree{t.root, unix.RESOLVE_NO_SYMLINKS} }

// openat opens a name below the root. Resolve flags come on top of beneath.
func (t *fdTree) openat(name string, flags int, mode uint32, resolve uint64) (int, error) {
	how := unix.OpenHow{Flags: uint64(flags) | unix.O_CLOEXEC, Mode: uint64(mode), Resolve: beneath | resolve}
	for {
		fd, err := unix.Openat2(t.root, name, &how)
		switch err {
		case nil:
			return fd, nil
		case unix.EINTR, unix.EAGAIN: // EAGAIN: something was renamed on the way
		case unix.EXDEV:
			return -1, errEscape
		case unix.ELOOP:
			if resolve&unix.RESOLVE_NO_SYMLINKS != 0 {
				return -1, errLink
			}
			return -1, err
		default:
			return -1, err
		}
	}
}

// parent opens the directory that holds name, following no link.
func (t *fdTree) parent(name string) (dir int, base string, err error) {
	d, base := path.Split(name)
	if d == "" {
		return t.root, base, nil
	}
	dir, err = t.openat(d[:len(d)-1], unix.O_PATH|unix.O_DIRECTORY, 0, unix.RESOLVE_NO_SYMLINKS)
	return dir, base, err
}

// done closes a directory that parent has opened.
func (t *fdTree) done(dir int) {
	if dir != t.root {
		unix.Close(dir)
	}
}

func (t *fdTree) open(name string) (file, error) {
	// O_NONBLOCK: a pipe is opened without waiting, then seen to be one.
	fd, err := t.openat(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0, t.resolve)
	if err != nil {
		return nil, err
	}
	f := &fdFile{fd: fd}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errIrregular
		if st.Mode&unix.S_IFMT == unix.S_IFDIR {
			err = unix.EISDIR
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	f.first = nodeOf(&st)
	return f, nil
}

func (t *fdTree) stat(name string) (node, error) {
	fd, err := t.openat(name, unix.O_PATH, 0, t.resolve)
	if err != nil {
		return node{}, err
	}
	defer unix.Close(fd)
	return fstat(fd)
}

func (t *fdTree) lstat(name string) (node, error) {
	dir, base, err := t.parent(name)
	if err != nil {
		return node{}, err
	}
	defer t.done(dir)
	var st unix.Stat_t
	if err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return node{}, err
	}
	return nodeOf(&st), nil
}

func (t *fdTree) readlink(name string) (string, error) {
	dir, base, err := t.parent(name)
	if err != nil {
		return "", err
	}
	defer t.done(dir)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, base, buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

func (t *fdTree) mkdirs(name string) error {
	err := t.mkdir(name)
	if err != unix.ENOENT || name == "." {
		return err
	}
	if err := t.mkdirs(path.Dir(name)); err != nil {
		return err
	}
	return t.mkdir(name)
}

// mkdir makes one directory; one that is there already will do.
func (t *fdTree) mkdir(name string) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer t.done(dir)
	err = unix.Mkdirat(dir, base, 0o755)
	if err != unix.EEXIST {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return nil
	case unix.S_IFLNK:
		return errLink
	}
	return unix.ENOTDIR
}

func (t *fdTree) lockFile(name string) (*os.File, error) {
	fd, err := t.openat(name, unix.O_RDWR|unix.O_CREAT, 0o600, unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), "lock"), nil
}

func (t *fdTree) create(name string, mode fs.FileMode) (temp, error) {
	fd, err := t.openat(name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, uint32(mode.Perm()), unix.RESOLVE_NO_SYMLINKS)
	if err != nil {
		return nil, err
	}
	return &fdFile{fd: fd}, nil
}

func (t *fdTree) rename(from, to string, noReplace bool) error {
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
	if !noReplace {
		return unix.Renameat(fromDir, fromBase, toDir, toBase)
	}
	err = unix.Renameat2(fromDir, fromBase, toDir, toBase, unix.RENAME_NOREPLACE)
	if err != unix.EINVAL && err != unix.ENOSYS {
		return err
	}
	// A file system without it (some network ones): the lock of the name keeps
	// other users of this package out between the two steps.
	var st unix.Stat_t
	if unix.Fstatat(toDir, toBase, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return unix.EEXIST
	}
	return unix.Renameat(fromDir, fromBase, toDir, toBase)
}

func (t *fdTree) remove(name string) error {
	dir, base, err := t.parent(name)
	if err != nil {
		return err
	}
	defer t.done(dir)
	err = unix.Unlinkat(dir, base, 0)
	if err == unix.EISDIR {
		return unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
	}
	return err
}

func fstat(fd int) (node, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return node{}, err
	}
	return nodeOf(&st), nil
}

func nodeOf(st *unix.Stat_t) node {
	return node{
		size: st.Size, mode: modeOf(uint32(st.Mode)), ino: st.Ino,
		mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(),
		sticky: st.Mode&unix.S_ISVTX != 0,
	}
}

func modeOf(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	}
	return mode
}
