//go:build amd64 || arm64

package jail

import (
	"os"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"
)

// lastCall is the newest system call that was looked at when this was written; later ones do not exist for commands.
const lastCall = unix.SYS_RSEQ_SLICE_YIELD

// deniedCalls are of no use to a confined command, or a way to more kernel than it should reach.
var deniedCalls = append([]uint32{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_OPEN_TREE_ATTR,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_STATMOUNT, unix.SYS_LISTMOUNT, unix.SYS_LISTNS,
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD, unix.SYS_PROCESS_MADVISE,
	unix.SYS_PROCESS_MRELEASE, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN,
	unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_KEXEC_LOAD,
	unix.SYS_KEXEC_FILE_LOAD, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SWAPON,
	unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME,
	unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_NAME_TO_HANDLE_AT,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK, unix.SYS_LOOKUP_DCOOKIE, unix.SYS_VHANGUP, unix.SYS_SYSLOG,
	unix.SYS_NFSSERVCTL, unix.SYS_LSM_SET_SELF_ATTR, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES, unix.SYS_FILE_SETATTR,
}, deniedHere...)

const (
	newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
		unix.CLONE_NEWPID | unix.CLONE_NEWNET
	setIDs = unix.S_ISUID | unix.S_ISGID
)

const (
	fioSetOwn  = 0x8901 // FIOSETOWN
	ioprioUser = 3      // IOPRIO_WHO_USER
)

// rules says how strict the filter is.
type rules struct {
	families  []uint32 // of sockets; netlink is for routes only
	guarded   []uint32 // processes that must not be signalled
	noSignals bool     // not at many processes at once either
}

// rulesFor: without a network namespace a socket reaches the services of the host, and Landlock does not stop connect().
func rulesFor(s *setup, landlock int) rules {
	inet := []uint32{unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
	unixToo := append([]uint32{unix.AF_UNIX}, inet...)
	switch {
	case s.level >= Isolated && (!s.network || landlock >= 6):
		return rules{families: unixToo, guarded: threads()}
	case s.level >= Isolated:
		return rules{families: inet, guarded: threads()}
	}
	r := rules{guarded: append(threads(), uint32(s.owner)), noSignals: true}
	if s.network {
		r.families = inet
	}
	return r
}

// threads lists the threads of the helper, as far as the filter has room.
func threads() []uint32 {
	all := allThreads()
	return all[:min(len(all), maxGuarded)]
}

// allThreads lists the threads of this process. The kernel takes the number of a thread for that of its process, and
// to Landlock the thread that forks is one of the commands.
func allThreads() []uint32 {
	all := []uint32{uint32(unix.Getpid()), uint32(unix.Gettid())}
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, t := range tasks {
		if tid, err := strconv.ParseUint(t.Name(), 10, 32); err == nil && !slices.Contains(all, uint32(tid)) {
			all = append(all, uint32(tid))
		}
	}
	return all
}

// maxGuarded keeps the bodies that compare with each of them within reach of a jump.
const maxGuarded = 40

// newFilter refuses with EPERM what a command must not do, and with ENOSYS what it should do in an older way.
func newFilter(r rules) filter {
	deny, absent := refuse(unix.EPERM), refuse(unix.ENOSYS)
	f := filter{
		stmt(opLoad, dataArch), jump(opEqual, auditArch, 1, 0), stmt(opReturn, kill),
		stmt(opLoad, dataNr), jump(opAbove, lastCall, 0, 1), stmt(opReturn, absent), // also x32, whose numbers are huge
	}
	c := calls{
		unix.SYS_CLONE:       join(whenSet(0, newNamespaces, deny), always(allow)),
		unix.SYS_CLONE3:      always(absent), // its flags are out of sight
		unix.SYS_OPENAT2:     always(absent), // so is its mode
		unix.SYS_IOCTL:       join(whenEqual(1, ^uint32(0), deny, unix.TIOCSTI, unix.TIOCLINUX, fioSetOwn, unix.SIOCSPGRP), always(allow)),
		unix.SYS_PERSONALITY: join(whenEqual(0, ^uint32(0), allow, 0, 8, 0x20000, 0x20008, ^uint32(0)), always(deny)),
		unix.SYS_PRLIMIT64:   join(whenZero(2, allow), limitOf(deny)),
	}
	c.files(deny)
	c.sockets(r)
	c.signals(r, deny)
	for _, nr := range deniedCalls {
		c[nr] = always(deny)
	}
	return append(f, c.assemble()...)
}

// limitOf allows prlimit64 on oneself, except for the resource that carries the tag.
func limitOf(deny uint32) filter {
	return join(
		whenEqual(1, ^uint32(0), deny, unix.RLIMIT_RTTIME),
		whenEqual(0, ^uint32(0), allow, 0),
		always(deny),
	)
}

// files refuses devices, and programs that run as their owner: the workspace is reachable on the host.
func (c calls) files(deny uint32) {
	mode := func(arg int) filter { return join(whenSet(arg, setIDs, deny), always(allow)) }
	device := func(arg int) filter {
		return join(whenEqual(arg, unix.S_IFMT, deny, unix.S_IFCHR, unix.S_IFBLK), mode(arg))
	}
	creating := func(flags int) filter {
		make := uint32(unix.O_CREAT | unix.O_TMPFILE&^unix.O_DIRECTORY)
		m := mode(flags + 1)
		return join(filter{stmt(opLoad, low(flags)), jump(opAnySet, make, 1, 0), stmt(opReturn, allow)}, m)
	}
	c[unix.SYS_OPENAT] = creating(2)
	c[unix.SYS_FCHMOD] = mode(1)
	c[unix.SYS_FCHMODAT] = mode(2)
	c[unix.SYS_FCHMODAT2] = mode(2)
	c[unix.SYS_MKNODAT] = device(2)
	for _, old := range oldFileCalls {
		switch old.kind {
		case 'o':
			c[old.nr] = creating(1)
		case 'm':
			c[old.nr] = mode(1)
		case 'd':
			c[old.nr] = device(1)
		case 'r':
			c[old.nr] = join(whenEqual(0, ^uint32(0), deny, unix.RLIMIT_RTTIME), always(allow))
		}
	}
}

// oldCall is a call that only some architectures have: o open, m chmod or creat, d mknod, r setrlimit.
type oldCall struct {
	nr   uint32
	kind byte
}

func (c calls) sockets(r rules) {
	var body filter
	refused := refuse(unix.EACCES)
	for _, family := range r.families {
		if family == unix.AF_NETLINK {
			body = append(body, stmt(opLoad, low(0)), jump(opEqual, unix.AF_NETLINK, 0, 4),
				stmt(opLoad, low(2)), jump(opEqual, unix.NETLINK_ROUTE, 0, 1), stmt(opReturn, allow), stmt(opReturn, refused))
			continue
		}
		body = append(body, whenEqual(0, ^uint32(0), allow, family)...)
	}
	c[unix.SYS_SOCKET] = join(body, always(refused))
	c[unix.SYS_SOCKETPAIR] = join(whenEqual(0, ^uint32(0), allow, unix.AF_UNIX), always(refused))
}

// signals keeps commands from the helper, and from its owner where it is at hand.
func (c calls) signals(r rules, deny uint32) {
	targets := slices.Clone(r.guarded)
	if r.noSignals {
		targets = append(targets, ^uint32(0))
	}
	for _, pid := range r.guarded {
		targets = append(targets, -pid)
	}
	guard := func(arg int) filter { return join(whenEqual(arg, ^uint32(0), deny, targets...), always(allow)) }
	for _, nr := range []uint32{
		unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_OPEN,
		unix.SYS_SCHED_SETAFFINITY, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR,
	} {
		c[nr] = guard(0)
	}
	c[unix.SYS_SETPRIORITY] = join(whenEqual(0, ^uint32(0), deny, unix.PRIO_USER), guard(1)) // all of the user include them
	c[unix.SYS_IOPRIO_SET] = join(whenEqual(0, ^uint32(0), deny, ioprioUser), guard(1))
	c[unix.SYS_PIDFD_SEND_SIGNAL] = always(refuse(unix.ENOSYS)) // a folder in /proc serves as a handle too
	owner := guard(2)
	c[unix.SYS_FCNTL] = join(whenEqual(1, ^uint32(0), deny, unix.F_SETOWN_EX),
		filter{jump(opEqual, unix.F_SETOWN, 1, 0), stmt(opReturn, allow)}, owner)
}
