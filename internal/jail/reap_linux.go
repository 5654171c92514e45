//go:build amd64 || arm64

package jail

import (
	"golang.org/x/sys/unix"
)

// reap collects every process that ends: leaders of commands, and orphans.
func (st *starter) reap() {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		st.mu.Lock()
		if err == unix.ECHILD {
			for len(st.running) == 0 {
				st.some.Wait()
			}
			st.mu.Unlock()
			continue
		}
		st.collect()
		st.mu.Unlock()
	}
}

// collect reaps all that has ended.
func (st *starter) collect() {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 || err != nil {
			return
		}
		r := st.running[pid]
		if r == nil || ws.Stopped() || ws.Continued() {
			continue
		}
		delete(st.running, pid)
		r.leader = false
		if len(st.running) == 0 && childless() {
			st.finish(r, &done{r.id, doneStatus, int64(ws)})
			continue
		}
		st.burials.Go(func() { st.bury(r, ws) })
	}
}

// childless reports whether this process has no children left, and reaps those that have ended on the way.
func childless() bool {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.ECHILD {
			return true
		}
		if err != unix.EINTR && (pid <= 0 || err != nil) {
			return false
		}
	}
}

// bury ends what the leader of a command left behind, and only then says that the command has ended.
func (st *starter) bury(r *running, ws unix.WaitStatus) {
	m := &done{r.id, doneStatus, int64(ws)}
	if !st.end(r) {
		m.what = doneStuck
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.finish(r, m)
}

func (st *starter) finish(r *running, m *done) {
	delete(st.byID, r.id)
	st.report(m)
}

// end kills the tree of a command. One at a time: many at once would only slow each other down.
func (st *starter) end(r *running) bool {
	st.killing.Lock()
	defer st.killing.Unlock()
	return killTagged(r.tag, r.tag+1, killPatience, false)
}

// cancel ends a command before its time. Its leader is then reaped as usual.
func (st *starter) cancel(id int64) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if r := st.byID[id]; r != nil && !st.closed {
		st.burials.Go(func() { st.end(r) })
	}
}
