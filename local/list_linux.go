package local

import (
	"encoding/binary"
	"sync"

	"golang.org/x/sys/unix"
)

func (t *fdTree) list(name string, look bool) ([]node, error) {
	fd, err := t.openat(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0, t.resolve)
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

// Where the parts of an entry are: inode and offset come first.
const (
	direntSize = 16
	direntType = 18
	direntName = 19
)

// appendNodes describes the entries in buf, as getdents64(2) lays them out. One
// that vanished meanwhile is left out.
func appendNodes(all []node, dir int, buf []byte, look bool) ([]node, error) {
	for len(buf) > 0 {
		size := binary.NativeEndian.Uint16(buf[direntSize:])
		kind := uint32(buf[direntType])
		base := unix.ByteSliceToString(buf[direntName:size])
		buf = buf[size:]
		if base == "." || base == ".." {
			continue
		}
		if mode := kind << 12; !look && sure(mode) {
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
