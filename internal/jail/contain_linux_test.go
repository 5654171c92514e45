//go:build amd64 || arm64

package jail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/need"
	"golang.org/x/sys/unix"
)

// inside is true in a process that is the helper of its own commands: the tests then run in what Contain makes.
var inside = os.Getenv("CONTAINED") != ""

// insideTests are those that run there: what any jail promises, and what only this one does.
const insideTests = "^(TestContain.*|TestStatus|TestCannotStart|TestStreams|TestWriters|TestEnvironment|TestTimeout|TestCancel|TestConcurrent|TestClose|" +
	"TestSurvivors.*|TestOthersLive|TestLimits|TestForkBomb|TestOOMScore|TestDescriptors)$"

func needInside(t testing.TB) {
	t.Helper()
	if !inside {
		t.Skip("it runs in TestContained")
	}
}

// openContained opens the jail of a contained process for one test.
func openContained(t testing.TB, c *Config) *Jail {
	t.Helper()
	if v, err := strconv.ParseInt(os.Getenv("LANDLOCK"), 10, 64); err == nil {
		usedLandlock = v
	}
	own := Config{Dir: c.Dir, Root: c.Root, Env: c.Env, Limits: c.Limits}
	j, err := Contain(context.Background(), &own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	return j
}

// dockerCaps are those that a container of root has unless somebody says otherwise.
const dockerCaps = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FSETID | 1<<unix.CAP_FOWNER | 1<<unix.CAP_MKNOD |
	1<<unix.CAP_NET_RAW | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETFCAP | 1<<unix.CAP_SETPCAP |
	1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_KILL | 1<<unix.CAP_AUDIT_WRITE

// enterMain is process 1 of new namespaces. It makes of them what is left of a container without a file system of its own, and goes
// on as the test binary.
func enterMain() {
	caps, _ := strconv.ParseUint(os.Getenv("ENTER"), 0, 64)
	runtime.LockOSThread()
	check := func(what string, err error) {
		if err != nil {
			fmt.Println(what, err)
			os.Exit(1)
		}
	}
	check("private mounts", unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	check("proc", unix.Mount("proc", "/proc", "proc", 0, ""))
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if caps&(1<<c) == 0 {
			check("bounding set", unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0))
		}
	}
	os.Unsetenv("ENTER")
	check("exec", syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}

// onlyInside are the tests that only a contained process has.
const onlyInside = "^TestContain([^C].*|C[^o].*)$"

// TestContained runs the tests of insideTests in processes that contain their commands: in front of namespaces as root, and as a user
// in the midst of others. What only they have is tested with fewer capabilities and without what newer kernels have, too.
func TestContained(t *testing.T) {
	if inside {
		t.Skip("this is such a process")
	}
	world := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	user := &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		user.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	caps := func(set uint64) string { return fmt.Sprintf("ENTER=%#x", set) }
	const weak = 1<<unix.CAP_SETUID | 1<<unix.CAP_SYS_PTRACE | 1<<unix.CAP_PERFMON | 1<<unix.CAP_DAC_OVERRIDE
	for _, c := range []struct {
		name, tests string
		attr        *syscall.SysProcAttr
		env         []string
	}{
		{"root", insideTests, world, []string{caps(dockerCaps)}},
		{"root with old Landlock", onlyInside, world, []string{caps(dockerCaps), "LANDLOCK=5"}},
		{"root who cannot kill", onlyInside, world, []string{caps(weak)}},
		{"root who cannot kill with old Landlock", onlyInside, world, []string{caps(weak), "LANDLOCK=5"}},
		{"user", insideTests, user, nil},
		{"user with old Landlock", onlyInside, user, []string{"LANDLOCK=5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if os.Geteuid() != 0 && c.attr == world {
				t.Skip("namespaces need root")
			}
			runInside(t, c.tests, c.attr, c.env...)
		})
	}
}

// runInside runs tests in a new process that contains its commands.
func runInside(t *testing.T, tests string, attr *syscall.SysProcAttr, env ...string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hutch-contained-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "test")
	copyBinary(t, bin)
	if attr.Credential != nil {
		for _, p := range []string{dir, bin} {
			if err := os.Chown(p, int(attr.Credential.Uid), int(attr.Credential.Gid)); err != nil {
				need.Lacking(t, "jail", err)
			}
		}
	}
	args := []string{"-test.short", "-test.run", tests}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.SysProcAttr = dir, attr
	cmd.Env = append(append(os.Environ(), "CONTAINED=1", "TMPDIR="+dir, "HOME="+dir), env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !bytes.Contains(out, []byte("PASS")) {
		t.Fatal(err)
	}
}

// children counts the children of this process, and those of them that nobody has reaped.
func children() (all, zombies int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range dirs {
		b, _ := os.ReadFile(f)
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			all++
			if fields[0] == "Z" {
				zombies++
			}
		}
	}
	return all, zombies
}

func TestContainZombies(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{})
	if got := shell(t, j, `i=0; while [ $i -lt 500 ]; do (: &); i=$((i+1)); done; echo done`); got != "done\n" {
		t.Errorf("%q", got)
	}
	if all, _ := children(); all != 0 {
		t.Errorf("%d children are left", all)
	}
	// An orphan of somebody else, while no command runs.
	pid, err := syscall.ForkExec("/bin/sh", []string{"sh", "-c", "sleep 0.1 & exit 0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, fmt.Sprintf("%d and its child are reaped", pid), func() bool { all, _ := children(); return all == 0 })
}

// TestContainOtherUser: root of a container can become another user, whose limits it may not look at.
func TestContainOtherUser(t *testing.T) {
	needInside(t)
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	j := openJail(t, &Config{})
	m := marker()
	script := "setsid setpriv --reuid 1234 sleep " + m + " & sleep 0.2; grep ^Uid /proc/$!/status; true"
	o := runCommand(j, &Command{Args: []string{"sh", "-c", script}})
	if o.err != nil || o.ExitCode != 0 {
		t.Errorf("%s", o)
	}
	hdr := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&hdr, &data[0]); err != nil {
		t.Fatal(err)
	}
	if can := data[0].Effective&(1<<unix.CAP_KILL) != 0; can != strings.Contains(o.out, "1234") {
		t.Errorf("with CAP_KILL %v: %s", can, o)
	}
	if left := processesNamed(m); left != nil {
		t.Errorf("%v live on", left)
	}
}

// TestContainTraced: a command that traces another one and never lets go does not keep it from ending.
func TestContainTraced(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{})
	copyBinary(t, filepath.Join(dirOf(j), "attacker"))
	traced := make(chan outcome)
	go func() {
		traced <- runCommand(j, &Command{Args: []string{"sh", "-c", "echo $$ > pid; exec sleep 50"}, Timeout: 2 * time.Second})
	}()
	tracer := make(chan outcome)
	go func() {
		tracer <- runCommand(j, &Command{Args: []string{"./attacker"}, Env: []string{"ATTACK=trace"}, Timeout: 25 * time.Second})
	}()
	if o := <-traced; o.err != nil || !o.TimedOut || o.Duration > 8*time.Second {
		t.Errorf("the traced one: %s", o)
	}
	if o := <-tracer; o.Signal != "SIGKILL" || o.out != "seized\n" {
		t.Errorf("the tracer: %s", o)
	}
}

// traceMain seizes the process whose number is in the file pid, and keeps it.
func traceMain() {
	go onOwnThread(seize) // whose number is not that of the process
	select {}
}

func seize() {
	for {
		b, _ := os.ReadFile("pid")
		pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err == nil {
			err = unix.PtraceSeize(pid)
		}
		if err == nil {
			fmt.Println("seized")
			time.Sleep(time.Hour)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestContainAttacks(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{})
	spareThreads(2 * spareInContainer) // of which the filter knows half
	scoped := layer(t, j, "signals").OK
	attackJail(t, j, "contain", mayWorkInside(scoped, "fault a thread of the helper")...)
	// Group 1 is everybody but process 1.
	attackJail(t, j, "kill", append(mayWorkInside(scoped, "kill other threads of the helper"), "?kill the helper's group")...)
	if os.Getpid() != 1 {
		return // the signal must not get out
	}
	o := runCommand(j, &Command{Args: []string{"sh", "-c", "sleep 50 & kill -9 -1; wait $!; echo $?"}})
	if o.out != "137\n" {
		t.Errorf("a signal to everybody: %s", o)
	}
	run(t, j, "true")
}

// mayWorkInside is what root can do to its own files in /proc, and what Layers admits of older kernels.
func mayWorkInside(scoped bool, onThreads string) (names []string) {
	if os.Geteuid() == 0 {
		names = append(names, "?raise the score of the helper")
	}
	if !scoped {
		names = append(names, onThreads)
	}
	return names
}
