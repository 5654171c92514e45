//go:build amd64 || arm64

package jail

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// link is the owner's end: the helper's process and the socket to it.
type link struct {
	setup *setup
	proc  *os.Process
	sock  *os.File
	group *cgroup
	guard *guardian
	lock  *os.File // on the private folder

	sending sync.Mutex
	waiting

	ended   chan struct{} // closed when the helper is dead and all of it cleaned up
	closing sync.Once
}

// closeTime bounds how long a helper may take to end by itself.
const closeTime = 15 * time.Second

// send writes one frame; the descriptors ride on its first byte.
func (l *link) send(kind byte, payload []byte, fds ...int) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	raw, err := l.sock.SyscallConn()
	if err != nil {
		return err
	}
	b := append(header{size: len(payload), kind: kind, fds: len(fds)}.encode(), payload...)
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	var failed error
	err = raw.Write(func(fd uintptr) bool {
		for len(b) > 0 {
			var n int
			n, failed = unix.SendmsgN(int(fd), b, oob, nil, unix.MSG_NOSIGNAL)
			if failed == unix.EINTR {
				continue
			}
			if failed != nil {
				return failed != unix.EAGAIN
			}
			b, oob = b[n:], nil
		}
		return true
	})
	if err != nil {
		return err
	}
	return failed
}

func (l *link) receive() (kind byte, payload []byte, err error) {
	var head [headerSize]byte
	if _, err = io.ReadFull(l.sock, head[:]); err != nil {
		return 0, nil, err
	}
	h, err := decodeHeader(head[:], maxReply)
	if err != nil || h.fds != 0 {
		return 0, nil, errFrame
	}
	payload = make([]byte, h.size)
	_, err = io.ReadFull(l.sock, payload)
	return h.kind, payload, err
}

// listen hands the helper's messages to those who wait for them, until the helper is gone; then it cleans up.
func (l *link) listen() {
	for {
		kind, payload, err := l.receive()
		if err != nil || kind != kindDone {
			break
		}
		m, err := decodeDone(payload)
		if err != nil {
			break
		}
		l.tell(m)
	}
	l.lose()
	l.bury()
	close(l.ended)
}

// bury makes sure that nothing is left of a jail whose helper said goodbye or died.
func (l *link) bury() {
	l.sock.Close()
	timer := time.AfterFunc(closeTime, func() { _ = l.proc.Kill() })
	if l.setup.level >= Isolated {
		_ = l.proc.Kill()
	}
	_, _ = l.proc.Wait()
	timer.Stop()
	if l.setup.level < Isolated {
		killTagged(l.setup.tag, l.setup.tag+tagsPerJail, killPatience, true)
	}
	l.group.remove()
	l.guard.close()
	if l.lock != nil {
		removePrivate(l.setup.private)
		l.lock.Close()
	}
}

func (l *link) close() error {
	l.closing.Do(func() { _ = unix.Shutdown(l.fd(), unix.SHUT_RDWR) })
	<-l.ended
	return nil
}

func (l *link) fd() int {
	raw, err := l.sock.SyscallConn()
	fd := -1
	if err == nil {
		_ = raw.Control(func(f uintptr) { fd = int(f) })
	}
	return fd
}

func (l *link) run(ctx context.Context, c *Command, env []string) (Status, error) {
	return runBy(ctx, l, &l.waiting, c, env)
}

// keepFrom implements engine.
func (l *link) keepFrom(ctx context.Context, c *Confinement, protect []string) error {
	names, err := l.guard.add(protect)
	if err != nil {
		return err
	}
	id, ch, err := l.register()
	if err != nil {
		return err
	}
	payload := (&confine{id: id, hide: c.Hide, protect: c.Protect, names: names}).encode()
	if len(payload) > maxPayload {
		l.forget(id)
		return syscall.E2BIG
	}
	if err := l.send(kindConfine, payload); err != nil {
		l.forget(id)
		return ErrGone
	}
	select {
	case m := <-ch:
		switch {
		case m == nil:
			return ErrGone
		case m.value != 0:
			return step("confined names", syscall.Errno(m.value))
		}
		return nil
	case <-ctx.Done():
		l.forget(id)
		return ctx.Err()
	}
}

func (l *link) protected() []string {
	if l.guard == nil {
		return nil
	}
	l.guard.mu.Lock()
	defer l.guard.mu.Unlock()
	return slices.Clone(l.guard.names)
}

// start implements post.
func (l *link) start(s *start, fds []int) error {
	payload := s.encode()
	if len(payload) > maxPayload {
		return syscall.E2BIG
	}
	return l.send(kindStart, payload, fds...)
}

// kill implements post.
func (l *link) kill(id int64) { _ = l.send(kindKill, encodeKill(id)) }

// giveUp implements post: the whole jail goes with the command.
func (l *link) giveUp(int64) { _ = l.proc.Kill() }
