//go:build amd64 || arm64

package jail

import (
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

// setUpCaps are what the helper needs while it builds the jail. They are worth something in its own user namespace only.
var setUpCaps = []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP, unix.CAP_SYS_CHROOT}

// confineThread takes all privileges from the calling thread for good, and puts it behind Landlock and the filter.
// All processes started by the thread are confined like it. It returns the version of Landlock.
func confineThread(s *setup) (int, error) {
	if err := dropCaps(); err != nil {
		return 0, step("capabilities", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, step("no_new_privs", err)
	}
	version, err := landlock(s)
	if err != nil && (s.level < Isolated || version != 0) {
		return 0, step("landlock", err)
	}
	return version, step("seccomp", newFilter(rulesFor(s, version)).install())
}

// dropBounding empties the bounding set. Without the privilege to do so there are no capabilities to be had anyway.
func dropBounding() {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP+8; c++ {
		if unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0) == unix.EINVAL {
			break
		}
	}
	const noRoot = 1 | 1<<1 // SECBIT_NOROOT, and locked
	_ = unix.Prctl(unix.PR_SET_SECUREBITS, noRoot, 0, 0, 0)
}

func dropCaps() error {
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
	return setCaps(0, 0)
}

// setCaps sets the capabilities of the calling thread; only those of the first 32 are ever wanted.
func setCaps(effective, permitted uint32) error {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{{Effective: effective, Permitted: permitted}}
	return unix.Capset(&hdr, &data[0])
}

// dropCapsEverywhere does it for all threads of the helper, except for the privilege that the keeper will need. A program
// with cgo cannot; its helper then keeps what it has, out of reach of the commands.
func dropCapsEverywhere(keepMounting bool) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if keepMounting {
		data[0].Permitted = 1 << unix.CAP_SYS_ADMIN
	}
	_, _, _ = syscall.AllThreadsSyscall(unix.SYS_CAPSET, ptr(&hdr), ptr(&data[0]), 0)
	runtime.KeepAlive(&hdr)
	runtime.KeepAlive(&data)
}

// What the helper needs itself.
const (
	leastData  = 512 << 20
	leastFiles = 64
)

// setLimits bounds the helper and with it all commands. It leaves the helper room to work; processLimits takes the
// rest from each command.
func setLimits(l limitSet) error {
	for _, r := range []struct {
		resource int
		want     int64
		least    int64
	}{
		{unix.RLIMIT_CORE, 1, 0}, // 1, unlike 0, also keeps a core from the program that the host may have for them
		{unix.RLIMIT_MEMLOCK, 1 << 20, 0},
		{unix.RLIMIT_MSGQUEUE, 1 << 20, 0},
		{unix.RLIMIT_DATA, l.memory, leastData},
		{unix.RLIMIT_NPROC, above(l.processes), 64},
		{unix.RLIMIT_FSIZE, l.fileSize, 0},
		{unix.RLIMIT_NOFILE, l.openFiles, leastFiles},
	} {
		if r.want == 0 {
			continue
		}
		if err := lower(0, r.resource, uint64(max(r.want, r.least))); err != nil {
			return err
		}
	}
	return nil
}

// spareTasks is how many processes and threads there may be beyond the limit of the commands, for the helper: without a thread that
// it needs it dies.
const spareTasks = 64

func above(processes int64) int64 {
	if processes == 0 {
		return 0
	}
	return processes + spareTasks
}

// softProcesses sets the limit of processes that is passed on to what is started until restore is called.
func softProcesses(want int64) (restore func()) {
	var was unix.Rlimit
	if unix.Prlimit(0, unix.RLIMIT_NPROC, nil, &was) != nil {
		return func() {}
	}
	now := was
	now.Cur = min(was.Cur, uint64(want))
	_ = unix.Prlimit(0, unix.RLIMIT_NPROC, &now, nil)
	return func() { _ = unix.Prlimit(0, unix.RLIMIT_NPROC, &was, nil) }
}

// limitProcess gives a command that has just started what setLimits could not.
func limitProcess(pid int, l limitSet) {
	for _, r := range []struct {
		resource int
		want     int64
	}{
		{unix.RLIMIT_CPU, l.cpu}, {unix.RLIMIT_DATA, l.memory}, {unix.RLIMIT_FSIZE, l.fileSize}, {unix.RLIMIT_NOFILE, l.openFiles},
		{unix.RLIMIT_NPROC, l.processes},
	} {
		if r.want > 0 {
			_ = lower(pid, r.resource, uint64(r.want))
		}
	}
}

// lower sets both limits of a resource, unless the hard one is lower already.
func lower(pid, resource int, want uint64) error {
	var now unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &now); err != nil {
		return err
	}
	if now.Max < want {
		want = now.Max
	}
	if now.Max == want && now.Cur == want {
		return nil
	}
	return unix.Prlimit(pid, resource, &unix.Rlimit{Cur: want, Max: want}, nil)
}
