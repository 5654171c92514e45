package iofs

import (
	"io/fs"
	"strconv"
	"syscall"
	"time"
)

// kernel is what the operating system says about a file of its own: when it
// was last changed, and which one it is.
func kernel(i fs.FileInfo) (changed time.Time, id string, ok bool) {
	st, ok := i.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, "", false
	}
	return time.Unix(st.Ctimespec.Unix()), strconv.FormatUint(st.Ino, 16), true
}
