//go:build amd64 || arm64

package jail

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawn starts a helper and asks it to build the jail.
func spawn(ctx context.Context, s *setup, group *cgroup) (*link, *ready, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, step("socket", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "helper")
	_ = unix.SetNonblock(pair[0], true)
	l := &link{setup: s, sock: os.NewFile(uintptr(pair[0]), "owner"), group: group, ended: make(chan struct{})}
	l.proc, err = startHelper(s, theirs)
	theirs.Close() // now, so that a helper that dies is seen to be gone
	if err != nil {
		l.sock.Close()
		return nil, nil, err
	}
	answer, err := l.open(ctx)
	if err != nil {
		_ = l.proc.Kill()
		_, _ = l.proc.Wait()
		l.sock.Close()
		return nil, nil, err
	}
	return l, answer, nil
}

func startHelper(s *setup, sock *os.File) (*os.Process, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, step("/dev/null", err)
	}
	defer null.Close()
	proc, err := os.StartProcess("/proc/self/exe", []string{helperName}, &os.ProcAttr{
		Dir:   "/",
		Env:   []string{"GOMAXPROCS=2", "GODEBUG=asyncpreemptoff=1"},
		Files: []*os.File{null, null, null, sock},
		Sys:   helperAttr(s),
	})
	if err != nil && s.level >= Isolated {
		return nil, step("namespaces", bare(err))
	}
	return proc, step("helper", bareOrNil(err))
}

func bareOrNil(err error) error {
	if err == nil {
		return nil
	}
	return bare(err)
}

// helperAttr asks for the namespaces of the helper.
func helperAttr(s *setup) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if s.level < Isolated {
		return attr
	}
	attr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS |
		syscall.CLONE_NEWCGROUP
	if !s.network {
		attr.Cloneflags |= syscall.CLONE_NEWNET
	}
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 1000, HostID: os.Getegid(), Size: 1}}
	attr.AmbientCaps = setUpCaps
	return attr
}

// open sends the set-up and waits for the answer.
func (l *link) open(ctx context.Context) (*ready, error) {
	stop := context.AfterFunc(ctx, func() { _ = l.proc.Kill() })
	defer stop()
	err := l.send(kindSetup, l.setup.encode())
	// While the helper builds: it takes milliseconds to get into an old control group, and nothing runs in the jail yet.
	if err := l.group.add(l.proc.Pid); err != nil {
		return nil, step("control group", bare(err))
	}
	var kind byte
	var payload []byte
	if err == nil {
		kind, payload, err = l.receive()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil || kind != kindReady {
		return nil, step("helper", unix.EPIPE)
	}
	answer, err := decodeReady(payload)
	if err != nil {
		return nil, step("helper", err)
	}
	if answer.failed != "" {
		return nil, step(answer.failed, syscall.Errno(answer.errno))
	}
	return answer, nil
}

// newTag picks the first tag of a jail: random, and below the hard limit of the resource that carries it.
func newTag() (int64, error) {
	var now unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_RTTIME, nil, &now); err != nil {
		return 0, err
	}
	var b [8]byte
	_, _ = rand.Read(b[:])
	tag := int64(binary.LittleEndian.Uint64(b[:])>>8 | 1<<55)
	if now.Max < uint64(tag)+tagsPerJail {
		if now.Max < 2*tagsPerJail {
			return 0, unix.EPERM
		}
		tag = tag%int64(now.Max-tagsPerJail) + 1
	}
	return tag, nil
}
