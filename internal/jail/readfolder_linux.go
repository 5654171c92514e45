//go:build amd64 || arm64

package jail

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Where the parts of an entry are, as getdents64(2) lays them out.
const (
	direntIno  = 0
	direntSize = 16
	direntType = 18
	direntName = 19
)

func readFolder(fd int) (all []entry, err error) {
	var buf [16 << 10]byte
	for {
		n, err := unix.Getdents(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return all, err
		}
		for b := buf[:n]; len(b) > 0; {
			size := binary.NativeEndian.Uint16(b[direntSize:])
			e := entry{unix.ByteSliceToString(b[direntName:size]), uint32(b[direntType]), binary.NativeEndian.Uint64(b[direntIno:])}
			b = b[size:]
			if e.base == "." || e.base == ".." {
				continue
			}
			if e.kind == unix.DT_UNKNOWN {
				e.kind = kindOf(fd, e.base)
			}
			all = append(all, e)
		}
	}
}

func kindOf(dir int, base string) uint32 {
	var st unix.Stat_t
	if unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return unix.DT_UNKNOWN
	}
	return st.Mode & unix.S_IFMT >> 12
}
