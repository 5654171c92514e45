//go:build amd64 || arm64

package jail

import (
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is for how long at most a running command can change a protected name that the host has replaced.
const watchEvery = 50 * time.Millisecond

const killPatience = 10 * time.Second

// starter starts the commands of a jail and sees to their ends.
type starter struct {
	setup   *setup
	null    int
	keeper  *keeper
	oom     *oomScore
	bounded bool       // the kernel bounds processes though setup.count says that limits do not
	forks   chan *fork // to the confined thread
	base    string     // the workspace
	report  func(*done)
	confine func() error // the thread that forks, in place of what the level says

	mu      sync.Mutex
	closed  bool      // nothing is started any more
	some    sync.Cond // signalled when running grows
	tag     int64
	running map[int]*running // by process id
	byID    map[int64]*running
	killing sync.Mutex
	burials sync.WaitGroup
}

// running is a command whose leader has not been reaped, or whose tree has not been seen dead.
type running struct {
	id     int64
	tag    int64
	pid    int
	leader bool // the leader lives
}

// newStarter makes a starter for a workspace that is the current folder. It has yet to be told how to report.
func newStarter(s *setup, null int, k *keeper) *starter {
	st := &starter{
		setup: s, null: null, keeper: k, base: ".", forks: make(chan *fork), tag: s.tag, running: map[int]*running{}, byID: map[int64]*running{},
	}
	st.some.L = &st.mu
	return st
}

// confined is what became of the thread that forks.
type confined struct {
	version int // of Landlock
	err     error
}

// run confines the thread that forks and starts reaping. It returns the version of Landlock.
func (st *starter) run() (int, error) {
	up := make(chan confined)
	dropped := make(chan struct{})
	go onOwnThread(func() {
		var c confined
		switch {
		case st.confine != nil:
			c.err = st.confine()
		case st.setup.level > Unconfined:
			dropBounding()
			up <- c
			<-dropped
			st.yield()
			c.version, c.err = confineThread(st.setup)
		}
		up <- c
		for f := range st.forks {
			f.done <- f.do()
		}
	})
	if st.confine == nil && st.setup.level > Unconfined {
		<-up
		dropCapsEverywhere(st.keeper != nil) // while it comes out the same on every thread
		close(dropped)
	}
	c := <-up
	if c.err == nil {
		st.attend()
	}
	return c.version, c.err
}

// onOwnThread runs f on a thread that ends with it: it is spoilt for anything else. It is not the first one, which stands for the
// process where the kernel is asked about it.
func onOwnThread(f func()) {
	runtime.LockOSThread()
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	moved := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(moved)
		f()
	}()
	<-moved
	runtime.UnlockOSThread()
}

// attend starts what goes on while commands run.
func (st *starter) attend() {
	if st.confine == nil {
		go st.reap()
		go makeThreads(threadsReady)
	}
	if st.keeper != nil {
		go st.watch()
	}
	if st.counting() {
		go st.census(st.setup.limits.processes)
	}
}

// threadsReady is more than the helper needs at a time: where a bomb has taken all processes and threads that there may be, it
// gets no new ones, and without one that it needs it dies. It is less than helperTasks.
const threadsReady = 12

// makeThreads makes n threads, which then wait for work.
func makeThreads(n int) {
	var here sync.WaitGroup
	all := make(chan struct{})
	here.Add(n)
	for range n {
		go func() {
			runtime.LockOSThread() // so that the others need threads of their own
			here.Done()
			<-all
			runtime.UnlockOSThread()
		}()
	}
	here.Wait()
	close(all)
}

// yield lets the commands give way to a census, so that it comes to its turn among them.
func (st *starter) yield() {
	if st.counting() {
		_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 15)
	}
}

// counting reports whether processes are bounded by nothing but a census.
func (st *starter) counting() bool { return st.setup.count && !st.bounded }

// start runs a command and tells the owner if that fails. The descriptors stay the caller's.
func (st *starter) start(s *start, fds []int) {
	f := &fork{start: s, base: st.base, done: make(chan forked, 1)}
	for i, bit := range []byte{hasStdin, hasStdout, hasStderr} {
		f.files[i] = uintptr(st.null)
		if s.streams&bit != 0 {
			f.files[i], fds = uintptr(fds[0]), fds[1:]
		}
	}
	if s.streams&stderrIsStdout != 0 {
		f.files[2] = f.files[1]
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return
	}
	st.tag++
	if st.keeper.check(len(st.byID) > 0) != nil || setTag(st.tag) != nil {
		st.report(&done{s.id, doneUnsafe, 0})
		return
	}
	st.oom.offer(true)
	restore := st.softly()
	st.forks <- f
	got := <-f.done
	restore()
	st.oom.offer(false)
	if got.err != nil {
		st.report(&done{s.id, got.what, int64(errnoOf(got.err))})
		return
	}
	if st.setup.level > Unconfined || st.confine != nil {
		st.limit(got.pid, s.limits)
	}
	r := &running{id: s.id, tag: st.tag, pid: got.pid, leader: true}
	st.running[r.pid], st.byID[r.id] = r, r
	st.some.Broadcast()
}

// softly has what is started until restore is called inherit a limit of processes: one that was set a moment later would not bind
// what a bomb has started by then. A contained process needs threads of its own in this moment.
func (st *starter) softly() (restore func()) {
	n := st.setup.limits.processes
	switch {
	case n <= 0:
		return func() {}
	case st.confine != nil:
		return softProcesses(above(n))
	case st.setup.level > Unconfined:
		return softProcesses(n)
	}
	return func() {}
}

// watch looks after the protected names while commands run.
func (st *starter) watch() {
	for {
		st.mu.Lock()
		for len(st.byID) == 0 {
			st.some.Wait()
		}
		st.mu.Unlock()
		if st.keeper.check(true) != nil {
			os.Exit(1) // better no jail than one with a hole
		}
		st.keeper.veil.watch.wait(watchEvery)
	}
}

// limit gives a new command its own limits, and those that its first children could have got away with.
func (st *starter) limit(pid int, own limitSet) {
	l := st.setup.limits
	tight := own != limitSet{} || l.cpu > 0 || l.memory > 0 && l.memory < leastData || l.openFiles > 0 && l.openFiles < leastFiles
	if st.confine != nil { // nothing is inherited then
		tight = tight || l != limitSet{}
	} else {
		l.processes = 0
	}
	for _, p := range []struct{ all, own *int64 }{
		{&l.memory, &own.memory}, {&l.cpu, &own.cpu}, {&l.fileSize, &own.fileSize}, {&l.openFiles, &own.openFiles},
	} {
		if *p.own > 0 && (*p.all == 0 || *p.own < *p.all) {
			*p.all = *p.own
		}
	}
	limitProcess(pid, l)
	if tight {
		t := &tightening{tag: st.tag, limits: l, seen: map[int]bool{pid: true}}
		t.look()
		go st.lookAgain(pid, t)
	}
}

// tightening limits what a command has started before it was limited itself.
type tightening struct {
	tag    int64
	limits limitSet
	seen   map[int]bool
}

func (t *tightening) look() {
	for fresh := true; fresh; {
		fresh = false
		for _, p := range tagged(t.tag, t.tag+1) {
			if !t.seen[p] {
				t.seen[p], fresh = true, true
				limitProcess(p, t.limits)
			}
		}
	}
}

// lookAgain finds those that were on their way: a new process has the limits of its parent from before it can be seen.
func (st *starter) lookAgain(pid int, t *tightening) {
	for _, pause := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond, time.Second} {
		time.Sleep(pause)
		st.mu.Lock()
		r := st.running[pid]
		over := st.closed || r == nil || r.tag != t.tag
		if !over {
			t.look()
		}
		st.mu.Unlock()
		if over {
			return
		}
	}
}

func errnoOf(err error) syscall.Errno {
	if e, ok := err.(syscall.Errno); ok {
		return e
	}
	return syscall.EIO
}
