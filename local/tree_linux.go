package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// beneath keeps a resolution below the handle that it starts from.
const beneath = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS

// fdTree is a tree on openat2 (Linux 5.6).
type fdTree struct {
	root int
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
	fd, err := t.openat(name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0, 0)
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
	fd, err := t.openat(name, unix.O_PATH, 0, 0)
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

func (t *fdTree) list(name string, look bool) ([]node, error) {
	fd, err := t.openat(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := direntBuffers.Get().(*[32 << 10]byte)
	defer direntBuffers.Put(buf)
	var all []node
	for {
		n, err := unix.Getdents(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return all, err
		}
		if all, err = appendNodes(all, fd, buf[:n], look); err != nil {
			return nil, err
		}
	}
}

var direntBuffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// appendNodes describes the entries in buf, as getdents64(2) lays them out. One
// that vanished meanwhile is left out.
func appendNodes(all []node, dir int, buf []byte, look bool) ([]node, error) {
	for len(buf) > 0 {
		d := (*unix.Dirent)(unsafe.Pointer(&buf[0]))
		name := buf[unsafe.Offsetof(d.Name):d.Reclen]
		buf = buf[d.Reclen:]
		base := unix.ByteSliceToString(name)
		if base == "." || base == ".." {
			continue
		}
		if mode := uint32(d.Type) << 12; !look && sure(mode) {
			all = append(all, node{base: base, mode: modeOf(mode)})
			continue
		}
		var st unix.Stat_t
		switch err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW); err {
		case nil:
			n := nodeOf(&st)
			n.base = base
			all = append(all, n)
		case unix.ENOENT:
		default:
			return nil, err
		}
	}
	return all, nil
}

// sure reports whether the type of an entry tells enough: some file systems say
// none, and a directory or socket may stand for something that is hidden.
func sure(mode uint32) bool { return mode == unix.S_IFREG || mode == unix.S_IFLNK }

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

// fdFile is a bare descriptor: an os.File costs two more system calls.
type fdFile struct {
	mu    sync.Mutex // against Close while a call runs
	fd    int
	first node // when it was opened
}

// with runs f on the descriptor unless it is closed.
func (f *fdFile) with(do func(fd int) (int, error)) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return 0, os.ErrClosed
	}
	for {
		n, err := do(f.fd)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// opened is the state when the file was opened for reading.
func (f *fdFile) opened() node { return f.first }

func (f *fdFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.fd >= 0 {
		n, err := unix.Read(f.fd, p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
	return 0, os.ErrClosed
}

func (f *fdFile) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	done := 0
	for done < len(p) {
		n, err := f.with(func(fd int) (int, error) { return unix.Pread(fd, p[done:], off+int64(done)) })
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func (f *fdFile) Seek(offset int64, whence int) (at int64, err error) {
	_, err = f.with(func(fd int) (int, error) {
		at, err = unix.Seek(fd, offset, whence)
		return 0, err
	})
	return at, err
}

func (f *fdFile) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		n, err := f.with(func(fd int) (int, error) { return unix.Write(fd, p[done:]) })
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

func (f *fdFile) chmod(mode fs.FileMode) error { return unix.Fchmod(f.fd, uint32(mode.Perm())) }

func (f *fdFile) touch(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(f.fd), 0, uintptr(unsafe.Pointer(&[2]unix.Timespec{ts, ts})), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (f *fdFile) stat() (node, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return node{}, os.ErrClosed
	}
	return fstat(f.fd)
}

func (f *fdFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fd < 0 {
		return os.ErrClosed
	}
	fd := f.fd
	f.fd = -1
	return unix.Close(fd)
}
