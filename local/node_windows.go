package local

import "io/fs"

const nonblock = 0

// nodeOfInfo has no inode and no change time here: a revision is size and
// modification time, which every write of this package makes its own.
func nodeOfInfo(info fs.FileInfo) node {
	return node{size: info.Size(), mode: info.Mode() & (fs.ModeType | fs.ModePerm), mtime: info.ModTime().UnixNano(),
		sticky: info.Mode()&fs.ModeSticky != 0}
}
