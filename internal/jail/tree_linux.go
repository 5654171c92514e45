//go:build amd64 || arm64

package jail

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Every process that a command starts carries the command's tag: a number that is inherited and that the filter
// of system calls keeps from being changed. It is the soft limit of RLIMIT_RTTIME, which means nothing to a process that
// may not be scheduled in real time, and no command may. The first tag of a jail is random, so that tags of jails differ.

const tagsPerJail = 1 << 32

// setTag gives the calling process a tag, to be inherited by what it starts next.
func setTag(tag int64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_RTTIME, nil, &now); err != nil {
		return err
	}
	now.Cur = uint64(tag)
	return unix.Prlimit(0, unix.RLIMIT_RTTIME, &now, nil)
}

// tagOf reads the tag of a process, -1 if it has none that we may see.
func tagOf(pid int) int64 {
	var l unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_RTTIME, nil, &l)
	if err == unix.EPERM && containing.Load() {
		return tagOfOther(pid)
	}
	if err != nil {
		return -1
	}
	return int64(l.Cur)
}

// tagOfOther reads the tag of a process that has become another user, as root of a container can.
func tagOfOther(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		return -1
	}
	_, b, _ = bytes.Cut(b, []byte("Max realtime timeout"))
	if f := bytes.Fields(b); len(f) > 0 {
		if tag, err := strconv.ParseInt(string(f[0]), 10, 64); err == nil {
			return tag
		}
	}
	return -1
}

// tagged lists the processes, other than this one, with a tag from first up to but not including end.
func tagged(first, end int64) []int {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	self := os.Getpid()
	var pids []int
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == self {
			continue
		}
		if tag := tagOf(pid); tag >= first && tag < end {
			pids = append(pids, pid)
		}
	}
	return pids
}

// signalTagged sends a signal to pid if it still is a process with such a tag.
func signalTagged(pid int, first, end int64, sig unix.Signal) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if tag := tagOf(pid); tag >= first && tag < end {
		_ = unix.PidfdSendSignal(fd, sig, nil, 0)
	}
}

// killGroups ends the process groups that these processes are in, each at one stroke: no fork of a member gets away. Groups hold
// nothing but processes with tags, since every command begins a session. It returns the processes of which that is not true
// yet, or no more to be seen.
func killGroups(pids []int) (rest []int) {
	done := map[int]bool{}
	own := unix.Getpgrp()
	for _, pid := range pids {
		group, err := unix.Getpgid(pid)
		switch {
		case err != nil || group <= 1 || group == own:
			rest = append(rest, pid)
		case !done[group]:
			done[group] = true
			_ = unix.Kill(-group, unix.SIGKILL)
		}
	}
	return rest
}

// killTagged ends all processes with such a tag, and reports whether they are gone. It goes by groups, one at a stroke or, where
// every process has its own, with as few calls as can be: it is a race with forks. What has ended must be reaped by
// somebody meanwhile; where that is not up to us, with strangers, it is enough that it has ended.
func killTagged(first, end int64, patience time.Duration, strangers bool) bool {
	deadline := time.Now().Add(patience)
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		pids := tagged(first, end)
		for _, pid := range killGroups(pids) {
			signalTagged(pid, first, end, unix.SIGKILL)
		}
		if pause > time.Millisecond {
			freeTraced(pids, first, end)
		}
		if strangers {
			pids = slices.DeleteFunc(pids, hasEnded)
		}
		if len(pids) == 0 {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(pause)
	}
}

// freeTraced ends the commands that trace one of these processes: what has ended cannot be reaped before its tracer lets go of it.
func freeTraced(pids []int, first, end int64) {
	for _, pid := range pids {
		thread := statusNumber(pid, "TracerPid")
		tracer := statusNumber(thread, "Tgid")
		if thread <= 0 || tracer <= 1 || tracer == os.Getpid() {
			continue
		}
		if tag := tagOf(tracer); tag > 0 && (tag < first || tag >= end) {
			signalTagged(tracer, tag, tag+1, unix.SIGKILL)
		}
	}
}

// statusNumber reads a number that the kernel shows of a process or thread, 0 if there is none.
func statusNumber(pid int, field string) int {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, b, _ = bytes.Cut(b, []byte("\n"+field+":\t"))
	b, _, _ = bytes.Cut(b, []byte("\n"))
	n, _ := strconv.Atoi(string(b))
	return n
}

// hasEnded reports whether a process is gone, or only waits to be reaped.
func hasEnded(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || bytes.HasPrefix(b[bytes.LastIndexByte(b, ')')+1:], []byte(" Z"))
}
