package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// flushInput has a terminal forget what was typed and not read, a line that is not
// ended too.
func flushInput(f *os.File) {
	_ = unix.IoctlSetInt(int(f.Fd()), unix.TCFLSH, unix.TCIFLUSH) // what is no terminal has nothing to forget
}
