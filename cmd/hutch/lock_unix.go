//go:build !windows

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// tryLock takes an exclusive lock that ends when f is closed, if it is free.
func tryLock(f *os.File) (bool, error) {
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
	case nil:
		return true, nil
	case unix.EWOULDBLOCK, unix.EINTR:
		return false, nil
	default:
		return false, err
	}
}
