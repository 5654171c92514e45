//go:build amd64 || arm64

package jail

import (
	"slices"

	"golang.org/x/sys/unix"
)

// span is a row of process numbers, both ends included.
type span struct{ first, last uint32 }

// maxSpans keeps the bodies that compare with each of them within reach of a jump.
const maxSpans = 60

// spans puts numbers into rows.
func spans(numbers []uint32) (all []span) {
	numbers = slices.Clone(numbers)
	slices.Sort(numbers)
	for _, n := range numbers {
		if k := len(all) - 1; k >= 0 && n <= all[k].last+1 {
			all[k].last = n
			continue
		}
		all = append(all, span{n, n})
	}
	return all[:min(len(all), maxSpans)]
}

// whenWithin returns action if the low half of arg is in one of the rows.
func whenWithin(arg int, action uint32, rows []span) filter {
	f := filter{stmt(opLoad, low(arg))}
	for _, r := range rows {
		f = append(f, jump(opAtLeast, r.first, 0, 2), jump(opAbove, r.last, 1, 0), stmt(opReturn, action))
	}
	return f
}

// guarded is what commands in a container must not disturb.
type guarded struct {
	numbers []uint32 // of the process, its threads and its group
	group   uint32   // 0 if it cannot be named
	scoped  bool     // Landlock keeps signals away from all its threads, also those to come
	first   bool     // it is process 1, which a signal to everybody does not reach
}

// x32Bit is set in the numbers of calls of x32 programs.
const x32Bit = 0x40000000

// containFilter refuses what would let a command escape its tag or disturb this process, and nothing else.
//
// A signal to everybody, kill(-1, …), is refused unless the kernel leaves this process out of it: process 1 of a namespace is never
// meant by it, and with Landlock it is out of reach.
func containFilter(g guarded) filter {
	deny, absent := refuse(unix.EPERM), refuse(unix.ENOSYS)
	f := filter{
		stmt(opLoad, dataArch), jump(opEqual, auditArch, 1, 0), stmt(opReturn, kill),
		stmt(opLoad, dataNr), jump(opAtLeast, x32Bit, 0, 1), stmt(opReturn, absent),
	}
	rows := spans(g.numbers)
	guard := func(arg int) filter { return join(whenWithin(arg, deny, rows), always(allow)) }
	var groups []uint32 // as kill and fcntl name them; group 1 would be everybody, and is nobody's but process 1's
	if g.group > 1 {
		groups = append(groups, -g.group)
	}
	broadcast := groups
	if !g.scoped && !g.first {
		broadcast = append(slices.Clone(groups), ^uint32(0))
	}
	queue := guard(0)
	if !g.scoped {
		queue = always(deny) // its origin can be forged, and a new thread of ours that got it would end us
	}
	c := calls{
		unix.SYS_PRLIMIT64: join(whenZero(2, allow), limitOf(deny)), // on oneself only: threads to come have numbers nobody knows
		unix.SYS_SETRLIMIT: join(whenEqual(0, ^uint32(0), deny, unix.RLIMIT_RTTIME), always(allow)),
		unix.SYS_KILL:      join(whenWithin(0, deny, rows), whenEqual(0, ^uint32(0), deny, broadcast...), always(allow)),
		// The runtime sends this signal from the thread that forks to others; it does no harm, whoever sends it.
		unix.SYS_TGKILL:            join(whenEqual(2, ^uint32(0), allow, uint32(unix.SIGURG)), guard(0)),
		unix.SYS_TKILL:             guard(0),
		unix.SYS_RT_TGSIGQUEUEINFO: guard(0),
		unix.SYS_RT_SIGQUEUEINFO:   queue,
		unix.SYS_PIDFD_SEND_SIGNAL: always(absent), // whom a handle means is out of sight
		unix.SYS_IOCTL:             join(whenEqual(1, ^uint32(0), deny, fioSetOwn, unix.SIOCSPGRP), always(allow)),
		unix.SYS_FCNTL: join(whenEqual(1, ^uint32(0), deny, unix.F_SETOWN_EX), filter{jump(opEqual, unix.F_SETOWN, 1, 0), stmt(opReturn, allow)},
			whenWithin(2, deny, rows), whenEqual(2, ^uint32(0), deny, groups...), always(allow)),
		unix.SYS_SETPRIORITY: join(whenEqual(0, ^uint32(0), deny, unix.PRIO_USER), guard(1)),
		unix.SYS_IOPRIO_SET:  join(whenEqual(0, ^uint32(0), deny, ioprioUser), guard(1)),
	}
	for _, nr := range []uint32{unix.SYS_SCHED_SETAFFINITY, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR} {
		c[nr] = guard(0)
	}
	return append(f, c.assemble()...)
}
