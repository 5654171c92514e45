//go:build amd64 || arm64

package jail

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// censusEvery is how often processes are counted where the kernel does not bound them: the time in which a fork bomb can grow
// beyond the limit.
const censusEvery = 5 * time.Millisecond

// census ends the command that has most processes and threads when all together are more than limit. It stands in for the
// resource limit, which does not bind root.
func (st *starter) census(limit int64) {
	idle := int64(0) // processes and threads of the machine before the commands
	for round := 0; ; round++ {
		st.mu.Lock()
		for len(st.byID) == 0 && !st.closed {
			st.some.Wait()
			idle = tasks()
		}
		closed := st.closed
		st.mu.Unlock()
		if closed {
			return
		}
		now := tasks()
		idle = min(idle, now)
		// The whole machine is counted at once; a closer look is taken only when it has grown, and now and then.
		if now-idle > limit/2 || round%100 == 0 {
			st.thin(limit)
		}
		time.Sleep(censusEvery)
	}
}

// thin counts processes and threads by command.
func (st *starter) thin(limit int64) {
	counts := map[int64]int64{}
	total, most := int64(0), int64(0)
	for _, pid := range tagged(st.setup.tag, st.setup.tag+tagsPerJail) {
		var s unix.Stat_t
		if unix.Stat("/proc/"+strconv.Itoa(pid)+"/task", &s) != nil {
			continue
		}
		n, tag := int64(s.Nlink)-2, tagOf(pid)
		total += n
		if counts[tag] += n; counts[tag] > counts[most] {
			most = tag
		}
	}
	if total > limit {
		st.killing.Lock()
		defer st.killing.Unlock()
		killTagged(most, most+1, killPatience, false)
	}
}

// tasks is how many processes and threads the machine has.
func tasks() int64 {
	b, _ := os.ReadFile("/proc/loadavg")
	_, b, _ = bytes.Cut(b, []byte("/"))
	b, _, _ = bytes.Cut(b, []byte(" "))
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n
}
