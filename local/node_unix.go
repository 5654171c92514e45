//go:build unix

package local

import (
	"io/fs"
	"syscall"
)

// nonblock keeps the opening of a pipe from waiting for its other end.
const nonblock = syscall.O_NONBLOCK

func nodeOfInfo(info fs.FileInfo) node {
	n := node{size: info.Size(), mode: info.Mode() & (fs.ModeType | fs.ModePerm), mtime: info.ModTime().UnixNano(),
		sticky: info.Mode()&fs.ModeSticky != 0}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		n.ino = uint64(st.Ino)
		n.ctime = changeTime(st)
	}
	return n
}
