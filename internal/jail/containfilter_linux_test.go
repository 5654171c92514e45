//go:build amd64 || arm64

package jail

import (
	"testing"

	"golang.org/x/sys/unix"
)

// simulate says what a filter does to a call.
func simulate(t *testing.T, f filter, arch, nr uint32, args ...uint64) uint32 {
	t.Helper()
	words := make([]uint32, 16)
	words[0], words[1] = nr, arch
	for i, a := range args {
		words[4+2*i], words[5+2*i] = uint32(a), uint32(a>>32)
	}
	var acc uint32
	for at := 0; at < len(f); at++ {
		in, yes := f[at], false
		switch in.Code {
		case opLoad:
			acc = words[in.K/4]
			continue
		case opAnd:
			acc &= in.K
			continue
		case opSkip:
			at += int(in.K)
			continue
		case opReturn:
			return in.K
		case opEqual:
			yes = acc == in.K
		case opAtLeast:
			yes = acc >= in.K
		case opAbove:
			yes = acc > in.K
		case opAnySet:
			yes = acc&in.K != 0
		default:
			t.Fatalf("an instruction %#x", in.Code)
		}
		if yes {
			at += int(in.Jt)
		} else {
			at += int(in.Jf)
		}
	}
	t.Fatal("the filter has no end")
	return 0
}

func TestContainFilter(t *testing.T) {
	minus := func(n uint64) uint64 { return -n }
	deny, absent := refuse(unix.EPERM), refuse(unix.ENOSYS)
	first := guarded{numbers: []uint32{1, 2, 3, 4, 9, 1}, group: 1, first: true}
	scoped := guarded{numbers: []uint32{100, 101, 90}, group: 90, scoped: true}
	later := guarded{numbers: []uint32{100, 101, 90}, group: 90}
	hidden := guarded{numbers: []uint32{7}, group: 0, first: true} // its group is none of the namespace
	for _, c := range []struct {
		name string
		g    guarded
		nr   uint32
		args []uint64
		want uint32
	}{
		{"kill 1", first, unix.SYS_KILL, []uint64{1, 9}, deny},
		{"kill in a row", first, unix.SYS_KILL, []uint64{3, 9}, deny},
		{"kill the end of a row", first, unix.SYS_KILL, []uint64{4, 9}, deny},
		{"kill after a row", first, unix.SYS_KILL, []uint64{5, 9}, allow},
		{"kill before a row", first, unix.SYS_KILL, []uint64{8, 9}, allow},
		{"kill a row of one", first, unix.SYS_KILL, []uint64{9, 9}, deny},
		{"kill with more bits", first, unix.SYS_KILL, []uint64{1<<32 | 1, 9}, deny},
		{"kill one's group", first, unix.SYS_KILL, []uint64{0, 9}, allow},
		{"kill everybody", first, unix.SYS_KILL, []uint64{minus(1), 9}, allow},
		{"kill everybody, scoped", scoped, unix.SYS_KILL, []uint64{minus(1), 9}, allow},
		{"kill everybody, unprotected", later, unix.SYS_KILL, []uint64{minus(1), 9}, deny},
		{"kill a group", later, unix.SYS_KILL, []uint64{minus(90), 9}, deny},
		{"kill another group", later, unix.SYS_KILL, []uint64{minus(91), 9}, allow},
		{"kill one's group, hidden", hidden, unix.SYS_KILL, []uint64{0, 9}, allow},
		{"kill a thread", later, unix.SYS_TKILL, []uint64{101, 9}, deny},
		{"kill by both", later, unix.SYS_TGKILL, []uint64{100, 3333, 9}, deny},
		{"preempt", later, unix.SYS_TGKILL, []uint64{100, 3333, uint64(unix.SIGURG)}, allow},
		{"queue", later, unix.SYS_RT_SIGQUEUEINFO, []uint64{5, 9, 1}, deny},
		{"queue, scoped", scoped, unix.SYS_RT_SIGQUEUEINFO, []uint64{5, 9, 1}, allow},
		{"queue for it, scoped", scoped, unix.SYS_RT_SIGQUEUEINFO, []uint64{100, 9, 1}, deny},
		{"queue for a thread", scoped, unix.SYS_RT_TGSIGQUEUEINFO, []uint64{100, 5, 9, 1}, deny},
		{"by handle", scoped, unix.SYS_PIDFD_SEND_SIGNAL, []uint64{3, 9}, absent},
		{"own limit", later, unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_NOFILE, 1 << 40}, allow},
		{"own tag", later, unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_RTTIME, 1 << 40}, deny},
		{"own tag, high bits", later, unix.SYS_PRLIMIT64, []uint64{1 << 32, 1<<32 | unix.RLIMIT_RTTIME, 1}, deny},
		{"limit of another", later, unix.SYS_PRLIMIT64, []uint64{5, unix.RLIMIT_NOFILE, 1}, deny},
		{"look at a limit", later, unix.SYS_PRLIMIT64, []uint64{5, unix.RLIMIT_RTTIME, 0, 1}, allow},
		{"own limit, old", later, unix.SYS_SETRLIMIT, []uint64{unix.RLIMIT_NOFILE, 1}, allow},
		{"own tag, old", later, unix.SYS_SETRLIMIT, []uint64{unix.RLIMIT_RTTIME, 1}, deny},
		{"owner", later, unix.SYS_FCNTL, []uint64{3, unix.F_SETOWN, 100}, deny},
		{"owner group", later, unix.SYS_FCNTL, []uint64{3, unix.F_SETOWN, minus(90)}, deny},
		{"another owner", later, unix.SYS_FCNTL, []uint64{3, unix.F_SETOWN, 5}, allow},
		{"owner by pointer", later, unix.SYS_FCNTL, []uint64{3, unix.F_SETOWN_EX, 5}, deny},
		{"another fcntl", later, unix.SYS_FCNTL, []uint64{3, unix.F_SETFD, 100}, allow},
		{"owner by ioctl", later, unix.SYS_IOCTL, []uint64{3, unix.SIOCSPGRP, 5}, deny},
		{"another ioctl", later, unix.SYS_IOCTL, []uint64{3, unix.TCGETS, 5}, allow},
		{"nice", later, unix.SYS_SETPRIORITY, []uint64{unix.PRIO_PROCESS, 101, 19}, deny},
		{"nice group", later, unix.SYS_SETPRIORITY, []uint64{unix.PRIO_PGRP, 90, 19}, deny},
		{"nice user", later, unix.SYS_SETPRIORITY, []uint64{unix.PRIO_USER, 0, 19}, deny},
		{"nice oneself", later, unix.SYS_SETPRIORITY, []uint64{unix.PRIO_PROCESS, 0, 19}, allow},
		{"disk", later, unix.SYS_IOPRIO_SET, []uint64{1, 100, 0}, deny},
		{"affinity", later, unix.SYS_SCHED_SETAFFINITY, []uint64{100, 8, 1}, deny},
		{"own affinity", later, unix.SYS_SCHED_SETAFFINITY, []uint64{0, 8, 1}, allow},
		{"x32", later, x32Bit | unix.SYS_PRLIMIT64, []uint64{0, unix.RLIMIT_RTTIME, 1}, absent},
		{"no call", later, ^uint32(0), nil, absent},
		{"trace", later, unix.SYS_PTRACE, []uint64{16, 5}, allow},
		{"a call to come", later, 1000, nil, allow},
		{"clone3", later, unix.SYS_CLONE3, nil, allow},
	} {
		if got := simulate(t, containFilter(c.g), auditArch, c.nr, c.args...); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	for _, arch := range []uint32{unix.AUDIT_ARCH_I386, unix.AUDIT_ARCH_ARM, 0} {
		if got := simulate(t, containFilter(first), arch, 1000); got != kill {
			t.Errorf("architecture %#x: %#x", arch, got)
		}
	}
}

// TestContainFilterSize: numbers without rows still fit.
func TestContainFilterSize(t *testing.T) {
	var g guarded
	for n := uint32(3); n < 1000; n += 3 {
		g.numbers = append(g.numbers, n)
	}
	f := containFilter(g)
	for _, n := range []uint64{3, 3 * maxSpans} {
		if got := simulate(t, f, auditArch, unix.SYS_KILL, n, 9); got != refuse(unix.EPERM) {
			t.Errorf("kill %d: %#x", n, got)
		}
	}
	if got := simulate(t, f, auditArch, unix.SYS_IOCTL, 0, unix.SIOCSPGRP); got != refuse(unix.EPERM) {
		t.Errorf("a call after those with long bodies: %#x", got)
	}
}
