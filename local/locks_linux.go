package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockable says that locks hold among processes and end with them.
const lockable = true

// lockRange takes the lock of one byte, or returns errLocked. It belongs to
// the open file, so two sandboxes in one process exclude each other as well.
func lockRange(f *os.File, at int64, alone bool) error {
	lk := unix.Flock_t{Type: unix.F_RDLCK, Start: at, Len: 1}
	if alone {
		lk.Type = unix.F_WRLCK
	}
	return setLock(f, &lk)
}

func unlockRange(f *os.File, at int64) {
	setLock(f, &unix.Flock_t{Type: unix.F_UNLCK, Start: at, Len: 1})
}

func setLock(f *os.File, lk *unix.Flock_t) error {
	for {
		switch err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, lk); err {
		case unix.EINTR:
		case unix.EAGAIN, unix.EACCES:
			return errLocked
		default:
			return err
		}
	}
}

// unlinked reports whether the file has no name any more.
func unlinked(f *os.File) bool {
	var st unix.Stat_t
	return unix.Fstat(int(f.Fd()), &st) != nil || st.Nlink == 0
}
