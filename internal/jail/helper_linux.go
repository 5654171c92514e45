//go:build amd64 || arm64

package jail

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	helperName = "hutch-jail"
	helperSock = 3
)

// The helper is this program, executed with another name and with a socket to its owner.
func init() {
	if len(os.Args) == 1 && os.Args[0] == helperName && isSocket(helperSock) {
		syscall.Exit(helperMain()) // there is nothing to flush, and the race detector would wait for a second
	}
}

func isSocket(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

// helper is the state of the process that lives in the jail.
type helper struct {
	setup  *setup
	in     receiver
	null   int
	keeper *keeper // nil at lesser levels
	*starter

	sending sync.Mutex // of frames to the owner
}

func helperMain() int {
	unix.CloseOnExec(helperSock)
	_ = unix.CloseRange(helperSock+1, ^uint(0)>>1, unix.CLOSE_RANGE_CLOEXEC)
	h := &helper{in: receiver{sock: helperSock, limit: maxPayload}}
	kind, payload, fds, err := h.in.next()
	closeAll(fds)
	if err != nil || kind != kindSetup {
		return 1
	}
	if h.setup, err = decodeSetup(payload); err != nil {
		return 1
	}
	answer, err := h.open()
	if err != nil {
		answer = failure(err)
	}
	if sendFrame(helperSock, kindReady, answer.encode()) != nil || err != nil {
		return 1
	}
	go spareThreads(8)
	h.serve()
	h.close()
	return 0
}

func failure(err error) *ready {
	var errno syscall.Errno
	errors.As(err, &errno)
	r := &ready{failed: "set-up", errno: int64(errno)}
	var se *stepError
	if errors.As(err, &se) {
		r.failed = se.step
		var inner *stepError
		if errors.As(se.err, &inner) {
			r.failed += ": " + inner.step
		}
	}
	return r
}

// hearIgnored catches what the owner ignores, as nohup makes it do: commands inherit what is ignored, and not what is caught.
func hearIgnored() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// open builds the jail around this process.
func (h *helper) open() (*ready, error) {
	s := h.setup
	unix.Umask(0o022)
	hearIgnored()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, step("subreaper", err)
	}
	answer := &ready{}
	oom := openOOMScore()
	var err error
	if answer.root, answer.notes, err = h.enter(); err != nil {
		return nil, err
	}
	if h.null, err = unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, step("/dev/null", err)
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return nil, step("dumpable", err)
	}
	if min(landlockVersion(), int(s.landlock)) < 6 { // commands can send signals to threads that the filter does not know
		signal.Notify(make(chan os.Signal, 1))
		spareThreads(8) // for the filter to know
	}
	h.starter = newStarter(s, h.null, h.keeper)
	h.starter.report = h.send
	if s.level > Unconfined {
		if err := setLimits(s.limits); err != nil {
			return nil, step("limits", err)
		}
	}
	h.starter.oom = oom
	h.starter.bounded = slices.Contains(answer.notes, pidsBounded)
	version, err := h.starter.run()
	if err != nil {
		return nil, err
	}
	answer.landlock = int64(version)
	return answer, nil
}

// spareThreads makes the runtime have threads to spare. It cannot go on without one that it needs, and when commands have used
// up all the processes that there can be, none is to be had.
func spareThreads(n int) {
	var started, ended sync.WaitGroup
	all := make(chan struct{})
	started.Add(n)
	for range n {
		ended.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started.Done()
			<-all
		})
	}
	started.Wait()
	close(all)
	ended.Wait()
}

// enter goes to where commands will run, and returns where they see the workspace.
func (h *helper) enter() (string, []string, error) {
	s := h.setup
	if s.level >= Isolated {
		w := &world{setup: s}
		if err := w.build(); err != nil {
			return "", nil, err
		}
		h.keeper = w.keeper
		if err := unix.Sethostname([]byte("hutch")); err != nil {
			return "", nil, step("host name", err)
		}
		if !s.network {
			if err := loopback(); err != nil {
				w.notes = append(w.notes, "lo=no")
			}
		}
		return w.root, w.notes, step("workspace", unix.Chdir(w.root))
	}
	fd, err := unix.Open(s.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, step("workspace", err)
	}
	defer unix.Close(fd)
	if err := sameFolder(fd, s); err != nil {
		return "", nil, step("workspace", err)
	}
	return s.dir, nil, step("workspace", unix.Fchdir(fd))
}

// loopback brings up the only interface of a new network namespace.
func loopback() error {
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(sock)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(sock), unix.SIOCSIFFLAGS, ptr(ifr))
	runtime.KeepAlive(ifr)
	if errno != 0 {
		return errno
	}
	return nil
}

// serve does what the owner asks for until it goes away or talks nonsense.
func (h *helper) serve() {
	for {
		kind, payload, fds, err := h.in.next()
		if err != nil {
			closeAll(fds)
			return
		}
		switch kind {
		case kindStart:
			s, err := decodeStart(payload)
			if err != nil || len(fds) != streamCount(s.streams) {
				closeAll(fds)
				return
			}
			h.start(s, fds)
			closeAll(fds)
		case kindKill:
			id, err := decodeKill(payload)
			closeAll(fds)
			if err != nil {
				return
			}
			h.cancel(id)
		case kindSignal:
			id, sig, err := decodeSignal(payload)
			closeAll(fds)
			if err != nil {
				return
			}
			h.signal(id, sig)
		case kindConfine:
			c, err := decodeConfine(payload)
			closeAll(fds)
			if err != nil || h.keeper == nil {
				return
			}
			go h.confineNames(c)
		default:
			closeAll(fds)
			return
		}
	}
}

// confineNames may take a while where there are many files.
func (h *helper) confineNames(c *confine) {
	m := &done{id: c.id, what: doneConfine}
	if err := h.keeper.confine(c); err != nil {
		m.value = int64(errnoOf(err))
	}
	h.send(m)
}

func streamCount(streams byte) (n int) {
	for _, bit := range []byte{hasStdin, hasStdout, hasStderr} {
		if streams&bit != 0 {
			n++
		}
	}
	return n
}

func (h *helper) send(m *done) {
	h.sending.Lock()
	defer h.sending.Unlock()
	_ = sendFrame(helperSock, kindDone, m.encode())
}

// close ends everything that was started. As process 1 of its namespace the helper takes all others with it by ending.
func (h *helper) close() {
	if h.setup.level >= Isolated {
		return
	}
	killTagged(h.setup.tag, h.setup.tag+tagsPerJail, killPatience, false)
	if h.setup.private != "" {
		removePrivate(h.setup.private)
	}
}
