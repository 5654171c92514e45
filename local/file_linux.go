package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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
