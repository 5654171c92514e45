//go:build amd64 || arm64

package jail

import (
	"bytes"
	"strconv"

	"golang.org/x/sys/unix"
)

// oomScore makes the kernel end commands before the helper when memory runs out: the helper takes on a higher score while it
// forks, and children keep what they were born with.
type oomScore struct {
	fd        int
	own, born string
}

const oomMore = 300

// openOOMScore is nil if the score cannot be set. It must come before the helper hides itself.
func openOOMScore() *oomScore {
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	var buf [16]byte
	n, _ := unix.Read(fd, buf[:])
	own, err := strconv.Atoi(string(bytes.TrimSpace(buf[:max(n, 0)])))
	if err != nil {
		unix.Close(fd)
		return nil
	}
	return &oomScore{fd: fd, own: strconv.Itoa(own), born: strconv.Itoa(min(own+oomMore, 1000))}
}

func (o *oomScore) offer(children bool) {
	if o == nil {
		return
	}
	score := o.own
	if children {
		score = o.born
	}
	_, _ = unix.Pwrite(o.fd, []byte(score), 0)
}
