package local

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch"
)

// tree is what a Sandbox asks of the operating system. Names are checked
// before; every method is confined to the directory by the system itself,
// whatever links are in it and whoever changes them meanwhile. Errors are bare:
// the caller puts operation and name around them.
type tree interface {
	// open opens a regular file for reading, following links inside.
	open(name string) (file, error)
	// stat describes a name, following links inside.
	stat(name string) (node, error)
	// lstat describes a name, and a link as itself. No link is followed on the
	// way: there, the error is errLink.
	lstat(name string) (node, error)
	readlink(name string) (string, error)
	// list describes what is in a directory, in no order, links as themselves.
	// Unless asked to look at each, it may give no more than names and types.
	list(name string, look bool) ([]node, error)
	// mkdirs makes a directory and its parents.
	mkdirs(name string) error
	// lockFile opens a file for locks and makes it if it is not there.
	lockFile(name string) (*os.File, error)
	// create makes a new file for writing.
	create(name string, mode fs.FileMode) (temp, error)
	// rename gives a file another name. noReplace makes an existing target
	// fs.ErrExist. No link is followed, neither on the way nor at the end.
	rename(from, to string, noReplace bool) error
	// remove removes a file, a link or an empty directory; no link is followed.
	remove(name string) error
	// straight is the same tree, but where open, stat and list would follow a
	// link the error is errLink. It is not closed.
	straight() tree
	close() error
}

// file is an open regular file; stat is called again to see changes in place.
type file interface {
	Read(p []byte) (int, error)
	ReadAt(p []byte, off int64) (int, error)
	Seek(offset int64, whence int) (int64, error)
	stat() (node, error)
	Close() error
}

// temp is a file that is being written.
type temp interface {
	Write(p []byte) (int, error)
	chmod(mode fs.FileMode) error
	touch(t time.Time) error
	stat() (node, error)
	Close() error
}

// node is what the system says of a file.
type node struct {
	base         string // last segment; only in lists
	size         int64
	mode         fs.FileMode
	mtime, ctime int64 // nanoseconds since 1970
	ino          uint64
	sticky       bool
}

func (n *node) info(name string) hutch.Info {
	i := hutch.Info{Name: name, Mode: n.mode, ModTime: time.Unix(0, n.mtime)}
	if !n.mode.IsDir() {
		i.Size = n.size
		i.Rev = n.rev()
	}
	return i
}

// rev is the revision; see the package comment for what it promises.
func (n *node) rev() string {
	var buf [64]byte
	b := strconv.AppendUint(buf[:0], n.ino, 36)
	b = strconv.AppendInt(append(b, '-'), n.size, 36)
	b = strconv.AppendInt(append(b, '-'), n.mtime, 36)
	b = strconv.AppendInt(append(b, '-'), n.ctime, 36)
	return string(b)
}

// unchanged reports whether the content is that of o. The change time is left
// out: it also moves when the last name of an open file is taken over.
func (n *node) unchanged(o *node) bool {
	return n.size == o.size && n.mtime == o.mtime
}

var (
	// errLink: a link is on the way and was not followed.
	errLink = onTheWay{}
	// errEscape: a link leads out of the workspace.
	errEscape = escape{}
	// errIrregular: neither file nor directory.
	errIrregular = irregular{}
)

type escape struct{}

func (escape) Error() string        { return "link leaves the workspace" }
func (escape) Is(target error) bool { return target == fs.ErrPermission }

type onTheWay struct{}

func (onTheWay) Error() string        { return "link on the way" }
func (onTheWay) Is(target error) bool { return target == fs.ErrPermission }

type irregular struct{}

func (irregular) Error() string        { return "not a regular file" }
func (irregular) Is(target error) bool { return target == errors.ErrUnsupported }

// plain turns an error of the system into one of hutch, without the path that
// the system may have put around it.
func plain(err error) error {
	var m *mapped
	var errno syscall.Errno
	if errors.As(err, &m) {
		return m
	}
	if errors.As(err, &errno) {
		return ofErrno(errno)
	}
	switch e := err.(type) {
	case *fs.PathError:
		return plain(e.Err)
	case *os.LinkError:
		return plain(e.Err)
	}
	return err
}

func ofErrno(errno syscall.Errno) error {
	switch errno {
	case syscall.EISDIR, syscall.ENOTEMPTY:
		return hutch.ErrIsDir
	case syscall.ENOTDIR:
		return hutch.ErrNotDir
	case syscall.ENOENT:
		return fs.ErrNotExist
	case syscall.EEXIST:
		return fs.ErrExist
	case syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.EBUSY, syscall.ENOEXEC:
		return &mapped{errno, fs.ErrPermission}
	case syscall.ENAMETOOLONG, syscall.EINVAL, syscall.ELOOP:
		return &mapped{errno, fs.ErrInvalid}
	case syscall.EFBIG, syscall.ENOSPC, syscall.EDQUOT:
		return &mapped{errno, hutch.ErrTooLarge}
	case syscall.ENXIO:
		return errIrregular
	}
	return errno
}

// mapped is an error of the system that means one of ours.
type mapped struct {
	errno syscall.Errno
	means error
}

func (m *mapped) Error() string   { return m.errno.Error() }
func (m *mapped) Unwrap() []error { return []error{m.errno, m.means} }
