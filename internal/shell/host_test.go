//go:build linux

package shell

import (
	"context"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
)

// machine is a Host that starts programs on this machine. As a container
// engine, it does not kill what it has started when the streams are let go.
type machine struct {
	mu      sync.Mutex
	started []*proc
	broken  error // of every start from now on
}

type proc struct {
	cmd      *exec.Cmd
	in       *os.File
	out, err *os.File
	done     chan struct{}
	code     int
}

func (m *machine) Start(ctx context.Context, args []string, o StartOptions) (Process, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return nil, m.broken
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	program, err := lookup(args[0], pathOf(o.Env))
	if err != nil {
		return nil, err
	}
	p := &proc{cmd: &exec.Cmd{Path: program, Args: args, Dir: o.Dir, Env: o.Env}, done: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var theirs []*os.File
	pipe := func() (r, w *os.File) {
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		return r, w
	}
	if o.Stdin {
		r, w := pipe()
		p.cmd.Stdin, p.in = r, w
		theirs = append(theirs, r)
	}
	outR, outW := pipe()
	errR, errW := pipe()
	p.cmd.Stdout, p.cmd.Stderr, p.out, p.err = outW, errW, outR, errR
	theirs = append(theirs, outW, errW)
	err = p.cmd.Start()
	for _, f := range theirs {
		f.Close()
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	go p.wait()
	m.started = append(m.started, p)
	return p, nil
}

func lookup(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if st, err := os.Stat(filepath.Join(dir, name)); err == nil && st.Mode()&0o111 != 0 {
			return filepath.Join(dir, name), nil
		}
	}
	return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
}

func (p *proc) wait() {
	p.cmd.Wait()
	ws := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if p.code = ws.ExitStatus(); ws.Signaled() {
		p.code = 128 + int(ws.Signal())
	}
	close(p.done)
}

func (p *proc) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *proc) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *proc) CloseWrite() error           { return p.in.Close() }
func (p *proc) Stderr() io.Reader           { return p.err }

func (p *proc) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.code, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (p *proc) Close() error {
	for _, f := range []*os.File{p.in, p.out, p.err} {
		if f != nil {
			f.Close()
		}
	}
	return nil
}

// init keeps what the test ignores, as nohup makes it do, from the shells: they
// inherit what is ignored, and not what is caught.
func init() {
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// flavours are the shells with their programs that must do.
var flavours = []struct {
	name  string
	links func(t testing.TB, dir string) // fills a directory for the PATH
	only  bool                           // no other programs
}{
	{"dash", func(t testing.TB, dir string) { link(t, "/usr/bin/dash", dir, "sh") }, false},
	{"bash", func(t testing.TB, dir string) { link(t, "/usr/bin/bash", dir, "sh") }, false},
	{"busybox", applets, true},
}

func link(t testing.TB, program, dir, name string) {
	t.Helper()
	if _, err := os.Stat(program); err != nil {
		need.Lacking(t, "shells", err)
	}
	if err := os.Symlink(program, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// applets makes a directory of nothing but busybox.
func applets(t testing.TB, dir string) {
	t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		need.Lacking(t, "shells", err)
	}
	list, err := exec.Command(busybox, "--list").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range strings.Fields(string(list)) {
		link(t, busybox, dir, name)
	}
}

// place is a directory with programs on this machine.
type place struct {
	host *machine
	opts Options
}

func newPlace(t testing.TB, flavour int) *place {
	t.Helper()
	f := flavours[flavour]
	bin := t.TempDir()
	f.links(t, bin)
	path := bin
	if !f.only {
		path += ":/usr/local/bin:/usr/bin:/bin"
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &place{&machine{}, Options{Root: root, Env: []string{"PATH=" + path, "HOME=/"}, UID: os.Getuid(), GID: os.Getgid()}}
}

func (p *place) open(t testing.TB) *Sandbox {
	t.Helper()
	s, err := Open(context.Background(), p.host, &p.opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sandbox(t testing.TB, flavour int) *Sandbox { return newPlace(t, flavour).open(t) }

var _ hutch.Sandbox = (*Sandbox)(nil)
