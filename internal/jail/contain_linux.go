//go:build amd64 || arm64

package jail

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// contained runs commands in a container whose helper is this process.
type contained struct {
	*starter
	runs     waiting
	dir      int   // handle of the workspace
	before   int64 // what the tag of this process was
	children chan os.Signal
	reaped   chan struct{} // closed when nothing is reaped any more
	scoped   bool          // Landlock keeps the signals of commands among them
	admin    bool          // commands have CAP_SYS_ADMIN
	closing  sync.Once
	failed   error // of closing
}

// containing is true while there is such a jail: two would reap each other's commands.
var containing atomic.Bool

// ownScore must be asked for first while this process can still open it.
var ownScore = sync.OnceValue(openOOMScore)

// spareInContainer is how many threads the runtime has to spare when commands have used up all the processes of the container.
const spareInContainer = 16

func containHere(c *Config) (*Jail, error) {
	s, err := newSetup(c)
	if err != nil {
		return nil, err
	}
	if !containing.CompareAndSwap(false, true) {
		return nil, errors.New("jail: this process contains commands already")
	}
	s.level = Unconfined
	s.count = s.root && s.limits.processes > 0
	e := &contained{children: make(chan os.Signal, 1), reaped: make(chan struct{})}
	if err := e.open(c, s); err != nil {
		containing.Store(false)
		return nil, err
	}
	return &Jail{level: Unconfined, root: c.Dir, layers: e.layers(), env: c.Env, engine: e}, nil
}

// open makes this process a helper.
func (e *contained) open(c *Config, s *setup) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return step("jail: subreaper", err)
	}
	oom := ownScore()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return step("jail: dumpable", err)
	}
	if err := keepDescriptors(); err != nil {
		return step("jail: descriptors", bare(err))
	}
	var err error
	if e.dir, err = unix.Open(s.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return step("jail: workspace", err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		unix.Close(e.dir)
		return step("jail: /dev/null", err)
	}
	catchSignals()
	spareThreads(spareInContainer)
	e.starter, e.before = newStarter(s, null, nil), tagOf(0)
	e.base = "/proc/self/fd/" + strconv.Itoa(e.dir)
	e.oom, e.report, e.confine = oom, e.runs.tell, e.confineThread
	signal.Notify(e.children, unix.SIGCHLD)
	if _, err := e.starter.run(); err != nil {
		signal.Stop(e.children)
		unix.Close(e.dir)
		unix.Close(null)
		return err
	}
	go e.reapOnSignal()
	return nil
}

// keepDescriptors has nothing of this process come along into commands.
func keepDescriptors() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

var caught = make(chan os.Signal, 1)

// catchSignals has no signal end this process: a thread that the filter of the commands has never heard of can be sent one.
func catchSignals() {
	for sig := unix.Signal(1); sig < 32; sig++ {
		switch sig {
		case unix.SIGKILL, unix.SIGSTOP, unix.SIGURG, unix.SIGCHLD, unix.SIGPROF: // none to catch, or none that harms
		default:
			signal.Notify(caught, sig)
		}
	}
}

// confineThread takes from the calling thread what it must not pass on.
func (e *contained) confineThread() error {
	e.yield()
	var err error
	if e.admin, err = dropTracing(); err != nil {
		return step("jail: capabilities", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return step("jail: no_new_privs", err)
	}
	if e.scoped, err = scopeSignals(min(landlockVersion(), int(e.setup.landlock))); err != nil {
		return step("jail: landlock", err)
	}
	g := guarded{numbers: allThreads(), scoped: e.scoped, first: os.Getpid() == 1, group: uint32(unix.Getpgrp())}
	if g.group > 0 {
		g.numbers = append(g.numbers, g.group)
	}
	return step("jail: seccomp", containFilter(g).install())
}

// dropTracing takes from commands the capability that opens this process to them, and the one to become another user where this
// process could then not end them.
func dropTracing() (mayAdmin bool, err error) {
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		return false, err
	}
	drop := [2]uint32{1 << unix.CAP_SYS_PTRACE, 1 << (unix.CAP_PERFMON - 32)}
	if data[0].Effective&(1<<unix.CAP_KILL) == 0 {
		drop[0] |= 1 << unix.CAP_SETUID
	}
	for i := range data {
		data[i].Effective &^= drop[i]
		data[i].Permitted &^= drop[i]
		data[i].Inheritable &^= drop[i]
	}
	return data[0].Permitted&(1<<unix.CAP_SYS_ADMIN) != 0, unix.Capset(&hdr, &data[0])
}

// scopingLandlock is the version that keeps signals in.
const scopingLandlock = 6

// scopeSignals keeps signals of the calling thread and all it starts among themselves, and nothing else. Where the kernel or the
// container does not have it, it does nothing and returns false.
func scopeSignals(version int) (bool, error) {
	if version < scopingLandlock {
		return false, nil
	}
	attr := [3]uint64{2: unix.LANDLOCK_SCOPE_SIGNAL}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return false, errno
	}
	r := &ruleset{fd: int(fd)}
	return true, r.enforce()
}

func (e *contained) run(ctx context.Context, c *Command, env []string) (Status, error) {
	return runBy(ctx, e, &e.runs, c, env)
}

// keepFrom implements engine; nobody gets here at this level.
func (e *contained) keepFrom(context.Context, *Confinement, []string) error {
	return errors.ErrUnsupported
}

func (e *contained) protected() []string { return nil }

// start implements post.
func (e *contained) start(s *start, fds []int) error {
	e.starter.start(s, fds)
	return nil
}

// kill implements post.
func (e *contained) kill(id int64) { e.cancel(id) }

// giveUp implements post.
func (e *contained) giveUp(id int64) { e.runs.tell(&done{id, doneStuck, 0}) }

// reapOnSignal collects every child that ends, also those that nobody here has started: orphans of the container come to
// process 1. Unlike reap it ends with the jail, whoever else may live.
func (e *contained) reapOnSignal() {
	defer close(e.reaped)
	for range e.children {
		e.mu.Lock()
		e.collect()
		e.mu.Unlock()
	}
}

func (e *contained) close() error {
	e.closing.Do(e.end)
	return e.failed
}

// end ends all commands, and then what this process does for them.
func (e *contained) end() {
	e.runs.stop()
	e.mu.Lock()
	e.closed = true
	e.some.Broadcast()
	e.mu.Unlock()
	if !killTagged(e.setup.tag, e.setup.tag+tagsPerJail, killPatience, false) {
		e.failed = errors.New("jail: processes of commands could not be killed")
	}
	signal.Stop(e.children)
	close(e.children)
	<-e.reaped
	e.burials.Wait()
	close(e.forks)
	_ = setTag(e.before)
	unix.Close(e.dir)
	unix.Close(e.null)
	e.runs.lose()
	containing.Store(false)
}
