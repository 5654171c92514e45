//go:build amd64 || arm64

package jail

import (
	"maps"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A filter of system calls is a classic BPF program over struct seccomp_data: the number, the architecture, and the
// six arguments, of which the low and the high half are looked at one by one.

const (
	dataNr   = 0
	dataArch = 4

	opLoad    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opSkip    = unix.BPF_JMP | unix.BPF_JA
	opAbove   = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opAnySet  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	opAnd     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opReturn  = unix.BPF_RET | unix.BPF_K

	allow = unix.SECCOMP_RET_ALLOW
	kill  = unix.SECCOMP_RET_KILL_PROCESS
)

func refuse(errno unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(errno) }

func low(arg int) uint32  { return uint32(16 + 8*arg) } // both architectures are little-endian
func high(arg int) uint32 { return uint32(20 + 8*arg) }

type filter []unix.SockFilter

func stmt(code uint16, k uint32) unix.SockFilter { return unix.SockFilter{Code: code, K: k} }
func jump(code uint16, k uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no}
}

// calls says what happens to system calls: a body for each, which ends in a return. All others are allowed.
type calls map[uint32]filter

// assemble makes a search tree over the calls. It wants the number loaded.
func (c calls) assemble() filter { return c.tree(slices.Sorted(maps.Keys(c))) }

func (c calls) tree(numbers []uint32) filter {
	if len(numbers) <= 4 {
		var f filter
		for _, nr := range numbers {
			f = append(append(f, jump(opEqual, nr, 0, uint8(len(c[nr])))), c[nr]...)
		}
		return append(f, stmt(opReturn, allow))
	}
	middle := len(numbers) / 2
	below, above := c.tree(numbers[:middle]), c.tree(numbers[middle:])
	f := filter{jump(opAtLeast, numbers[middle], 0, 1), stmt(opSkip, uint32(len(below)))}
	return append(append(f, below...), above...)
}

// The following make bodies. All but the last part of a body fall through to the next if they do not decide.

// whenEqual returns action if the low half of arg, masked, is one of values.
func whenEqual(arg int, mask uint32, action uint32, values ...uint32) filter {
	f := filter{stmt(opLoad, low(arg)), stmt(opAnd, mask)}
	for _, v := range values {
		f = append(f, jump(opEqual, v, 0, 1), stmt(opReturn, action))
	}
	return f
}

// whenSet returns action if any bit of mask is set in the low half of arg.
func whenSet(arg int, mask uint32, action uint32) filter {
	return filter{stmt(opLoad, low(arg)), jump(opAnySet, mask, 0, 1), stmt(opReturn, action)}
}

// whenZero returns action if all 64 bits of arg are 0.
func whenZero(arg int, action uint32) filter {
	return filter{stmt(opLoad, low(arg)), jump(opEqual, 0, 0, 3), stmt(opLoad, high(arg)), jump(opEqual, 0, 0, 1), stmt(opReturn, action)}
}

func always(action uint32) filter { return filter{stmt(opReturn, action)} }

func join(parts ...filter) filter {
	var f filter
	for _, p := range parts {
		f = append(f, p...)
	}
	return f
}

// install puts the calling thread, and all it starts, behind the filter. It needs no_new_privs.
func (f filter) install() error {
	prog := unix.SockFprog{Len: uint16(len(f)), Filter: &f[0]}
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
