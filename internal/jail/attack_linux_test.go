//go:build amd64 || arm64

package jail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An attack tries one thing from inside a jail and returns nil if it worked.
type attack struct {
	name string
	do   func() error
}

var attackLists = map[string][]attack{"all": attacks, "kill": killAttacks, "protect": protectAttacks, "contain": containAttacks}

// attackMain runs inside the jail: all attacks, one line each.
func attackMain(what string) {
	switch what {
	case "trace":
		traceMain()
	case "int80":
		int80Main()
		return
	}
	for _, a := range attackLists[what] {
		if err := a.do(); err != nil {
			fmt.Printf("held\t%s\t%v\n", a.name, err)
		} else {
			fmt.Printf("BROKEN\t%s\n", a.name)
		}
	}
	fmt.Println("end")
}

func call(nr uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	if _, _, errno := unix.Syscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5]); errno != 0 {
		return errno
	}
	return nil
}

// mustBe turns any other error than want into a success of the attack: the wall that should hold is the one named.
func mustBe(want unix.Errno, err error) error {
	if err != nil && !errors.Is(err, want) {
		fmt.Printf("note\tgot %v, want %v\n", err, want)
		return nil
	}
	return err
}

func read(name string) func() error {
	return func() error { _, err := os.ReadFile(name); return err }
}

func write(name string) func() error {
	return func() error {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	}
}

func list(name string) func() error {
	return func() error {
		l, err := os.ReadDir(name)
		if err == nil && len(l) == 0 {
			return errors.New("empty")
		}
		return err
	}
}

func create(name string) func() error {
	return func() error { return os.WriteFile(name, []byte("x"), 0o644) }
}

func socket(domain, kind, proto int) func() error {
	return func() error { _, err := unix.Socket(domain, kind, proto); return err }
}

func refused(nr uintptr, args ...uintptr) func() error {
	return func() error { return mustBe(unix.EPERM, call(nr, args...)) }
}

func dial(network, env string) func() error {
	return func() error {
		c, err := net.DialTimeout(network, os.Getenv(env), time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
}

func parent(file string) string { return fmt.Sprintf("/proc/%d/%s", os.Getppid(), file) }

var spec = unix.Timespec{}

var attacks = []attack{
	{"read /etc/shadow", read("/etc/shadow")},
	{"read /etc/gshadow", read("/etc/gshadow")},
	{"list /root", list("/root")},
	{"read another file of the owner", func() error { return read(os.Getenv("SECRET_FILE"))() }},
	{"list another folder of the owner", func() error { return list(filepath.Dir(os.Getenv("SECRET_FILE")))() }},
	{"write another file of the owner", func() error { return write(os.Getenv("SECRET_FILE"))() }},
	{"leave by ..", read("../../../../../../../../etc/shadow")},
	{"leave through /proc/1/root", read("/proc/1/root/etc/shadow")},
	{"leave through the helper's root", func() error { return read(parent("root/etc/shadow"))() }},
	{"leave through the helper's folder", func() error { return list(parent("cwd/"))() }},
	{"read the helper's descriptors", func() error { _, err := os.Readlink(parent("fd/3")); return err }},
	{"open the memory of the helper's threads", func() error {
		return eachThread(func(tid int) error { return write(fmt.Sprintf("/proc/%d/mem", tid))() })
	}},
	{"read the environment of the helper's threads", func() error {
		return eachThread(func(tid int) error { return read(fmt.Sprintf("/proc/%d/environ", tid))() })
	}},
	{"leave by a link", func() error {
		if err := os.Symlink("/etc/shadow", "link-out"); err != nil && !os.IsExist(err) {
			return err
		}
		return read("link-out")()
	}},
	{"hard link of a file outside", func() error { return os.Link(os.Getenv("SECRET_FILE"), "hard") }},
	{"rename a file out", func() error {
		_ = os.WriteFile("mine", nil, 0o644)
		return os.Rename("mine", filepath.Join(filepath.Dir(os.Getenv("SECRET_FILE")), "moved"))
	}},
	{"truncate a file outside", func() error { return os.Truncate(os.Getenv("SECRET_FILE"), 0) }},
	{"read /proc/1/environ", read("/proc/1/environ")},
	{"read /proc/1/maps", func() error {
		b, err := os.ReadFile("/proc/1/maps")
		if err == nil && len(b) == 0 {
			return errors.New("empty")
		}
		return err
	}},
	{"open /proc/1/mem", write("/proc/1/mem")},
	{"open the helper's memory", func() error { return write(parent("mem"))() }},
	{"read the helper's environment", func() error { return read(parent("environ"))() }},
	{"read the owner's environment", func() error { return read("/proc/" + os.Getenv("OWNER_PID") + "/environ")() }},
	{"read the helper's memory by call", func() error {
		var b [8]byte
		l := unix.Iovec{Base: &b[0], Len: 8}
		return mustBe(unix.EPERM, call(unix.SYS_PROCESS_VM_READV, uintptr(os.Getppid()), ptr(&l), 1, ptr(&l), 1, 0))
	}},
	{"write /proc/sys", write("/proc/sys/kernel/core_pattern")},
	{"write /proc/sys of the network", write("/proc/sys/net/ipv4/ip_forward")},
	{"write /proc/sysrq-trigger", write("/proc/sysrq-trigger")},
	{"write /proc/self/uid_map", write("/proc/self/uid_map")},
	{"read /proc/kcore", func() error { return nonEmpty("/proc/kcore") }},
	{"write /usr", create("/usr/x")},
	{"write /etc", create("/etc/x")},
	{"write /", create("/x")},
	{"write /dev", create("/dev/x")},
	{"open a disk", write("/dev/vda")},
	{"open /dev/mem", write("/dev/mem")},
	{"open /dev/kmsg", write("/dev/kmsg")},
	{"control groups", list("/sys/fs/cgroup")},
	{"make a character device", func() error { return mustBe(unix.EPERM, unix.Mknod("chr", unix.S_IFCHR|0o666, 0x103)) }},
	{"make a block device", func() error { return mustBe(unix.EPERM, unix.Mknod("blk", unix.S_IFBLK|0o666, 0xfd00)) }},
	{"mount", func() error { return mustBe(unix.EPERM, unix.Mount("tmpfs", "/tmp", "tmpfs", 0, "")) }},
	{"unmount", func() error { return mustBe(unix.EPERM, unix.Unmount("/proc", unix.MNT_DETACH)) }},
	{"chroot", func() error { return mustBe(unix.EPERM, unix.Chroot(".")) }},
	{"pivot_root", refused(unix.SYS_PIVOT_ROOT)},
	{"open_tree", refused(unix.SYS_OPEN_TREE)}, {"fsopen", refused(unix.SYS_FSOPEN)}, {"move_mount", refused(unix.SYS_MOVE_MOUNT)},
	{"mount_setattr", refused(unix.SYS_MOUNT_SETATTR)},
	{"unshare user", refused(unix.SYS_UNSHARE, unix.CLONE_NEWUSER)},
	{"unshare mount", refused(unix.SYS_UNSHARE, unix.CLONE_NEWNS)},
	{"unshare net", refused(unix.SYS_UNSHARE, unix.CLONE_NEWNET)},
	{"clone user", refused(unix.SYS_CLONE, unix.CLONE_NEWUSER|uintptr(unix.SIGCHLD))},
	{"clone pid", refused(unix.SYS_CLONE, unix.CLONE_NEWPID|uintptr(unix.SIGCHLD))},
	{"clone3", func() error { return mustBe(unix.ENOSYS, call(unix.SYS_CLONE3)) }},
	{"a call that is not known yet", func() error { return mustBe(unix.ENOSYS, call(lastCall+1)) }},
	{"setns", refused(unix.SYS_SETNS, 0)},
	{"trace the helper", func() error { return mustBe(unix.EPERM, unix.PtraceAttach(os.Getppid())) }},
	{"keyctl", refused(unix.SYS_KEYCTL)}, {"add_key", refused(unix.SYS_ADD_KEY)}, {"request_key", refused(unix.SYS_REQUEST_KEY)},
	{"bpf", refused(unix.SYS_BPF)}, {"perf_event_open", refused(unix.SYS_PERF_EVENT_OPEN)},
	{"userfaultfd", refused(unix.SYS_USERFAULTFD)}, {"io_uring", refused(unix.SYS_IO_URING_SETUP)},
	{"open_by_handle_at", refused(unix.SYS_OPEN_BY_HANDLE_AT)}, {"kcmp", refused(unix.SYS_KCMP)},
	{"init_module", refused(unix.SYS_INIT_MODULE)}, {"reboot", refused(unix.SYS_REBOOT)}, {"syslog", refused(unix.SYS_SYSLOG)},
	{"set the clock", refused(unix.SYS_CLOCK_SETTIME, 0, uintptr(unsafe.Pointer(&spec)))},
	{"set the host name", refused(unix.SYS_SETHOSTNAME)},
	{"personality", refused(unix.SYS_PERSONALITY, 0x0040000)},
	{"type into the terminal", refused(unix.SYS_IOCTL, 0, unix.TIOCSTI)},
	{"paste into the console", refused(unix.SYS_IOCTL, 0, unix.TIOCLINUX)},
	{"socket vsock", socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
	{"socket packet", socket(unix.AF_PACKET, unix.SOCK_RAW, 0)},
	{"socket alg", socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
	{"socket raw", socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)},
	{"socket netlink audit", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT)},
	{"socket bluetooth", socket(unix.AF_BLUETOOTH, unix.SOCK_RAW, 0)},
	{"connect to a TCP server of the host", dial("tcp", "HOST_TCP")},
	{"connect to an abstract socket of the host", dial("unix", "HOST_ABSTRACT")},
	{"connect to a socket among the host's temporary files", dial("unix", "HOST_SOCKET")},
	{"change the tag", func() error {
		return mustBe(unix.EPERM, unix.Prlimit(0, unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: 5, Max: unix.RLIM_INFINITY}, nil))
	}},
	{"change the tag by its number", func() error {
		return mustBe(unix.EPERM, unix.Prlimit(os.Getpid(), unix.RLIMIT_RTTIME, &unix.Rlimit{Cur: 5, Max: unix.RLIM_INFINITY}, nil))
	}},
	{"change the tag the old way", func() error {
		return mustBe(unix.EPERM, call(unix.SYS_SETRLIMIT, unix.RLIMIT_RTTIME, ptr(&unix.Rlimit{Cur: 5, Max: 6})))
	}},
	{"limit the helper", func() error {
		return mustBe(unix.EPERM, unix.Prlimit(os.Getppid(), unix.RLIMIT_NOFILE, &unix.Rlimit{}, nil))
	}},
	// Of a user without processes: the refusal is another one then.
	{"slow down all of a user", func() error { return mustBe(unix.EPERM, unix.Setpriority(unix.PRIO_USER, 54321, 19)) }},
	{"starve the disk of all of a user", func() error { return mustBe(unix.EPERM, call(unix.SYS_IOPRIO_SET, ioprioUser, 54321, 3<<13)) }},
	{"raise a limit", func() error {
		return unix.Prlimit(0, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil)
	}},
	{"chmod set-user-ID", func() error {
		_ = os.WriteFile("suid", nil, 0o755)
		return mustBe(unix.EPERM, unix.Chmod("suid", 0o4755))
	}},
	{"fchmod set-group-ID", func() error {
		f, err := os.Create("sgid")
		if err != nil {
			return err
		}
		defer f.Close()
		return mustBe(unix.EPERM, unix.Fchmod(int(f.Fd()), 0o2755))
	}},
	{"create set-user-ID", func() error {
		_, err := unix.Open("born", unix.O_CREAT|unix.O_WRONLY, 0o4755)
		return mustBe(unix.EPERM, err)
	}},
	{"create set-user-ID by mknod", func() error { return mustBe(unix.EPERM, unix.Mknod("node", unix.S_IFREG|0o4755, 0)) }},
	{"create set-user-ID by openat2", func() error {
		_, err := unix.Openat2(unix.AT_FDCWD, "born2", &unix.OpenHow{Flags: unix.O_CREAT | unix.O_WRONLY, Mode: 0o4755})
		return mustBe(unix.ENOSYS, err)
	}},
	{"become another user", func() error { return call(unix.SYS_SETUID, 12345) }},
	{"have privileges", func() error {
		b, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return err
		}
		want := []string{"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapInh:\t0000000000000000", "CapAmb:\t0000000000000000",
			"NoNewPrivs:\t1", "Seccomp:\t2"}
		if os.Getenv("BOUNDING") != "" {
			want = append(want, "CapBnd:\t0000000000000000")
		}
		for _, w := range want {
			if !strings.Contains(string(b), w) {
				fmt.Printf("note\tno %s\n", w)
				return nil
			}
		}
		return errors.New("none")
	}},
}

func nonEmpty(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if n, _ := f.Read(make([]byte, 1)); n == 0 {
		return errors.New("empty")
	}
	return nil
}

// eachThread tries something with every thread of the helper until it works.
func eachThread(try func(tid int) error) error {
	dirs, err := os.ReadDir(parent("task"))
	if err != nil {
		return err
	}
	for _, d := range dirs {
		tid, _ := strconv.Atoi(d.Name())
		if err = try(tid); err == nil {
			return nil
		}
	}
	return err
}

// killAttacks are apart: at Isolated they may rightly end other commands.
var killAttacks = []attack{
	{"stop the helper", func() error { return unix.Kill(os.Getppid(), unix.SIGSTOP) }},
	{"kill the helper", func() error { return unix.Kill(os.Getppid(), unix.SIGKILL) }},
	{"end the helper", func() error { return unix.Kill(os.Getppid(), unix.SIGTERM) }},
	{"kill a thread of the helper", func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), unix.SIGKILL) }},
	{"kill other threads of the helper", func() error {
		return eachThread(func(tid int) error { return unix.Kill(tid, unix.SIGTERM) })
	}},
	{"kill other threads of the helper by handle", func() error {
		return eachThread(func(tid int) error {
			fd, err := unix.Open(fmt.Sprintf("/proc/%d", tid), unix.O_DIRECTORY, 0)
			if err != nil {
				return err
			}
			return unix.PidfdSendSignal(fd, unix.SIGTERM, nil, 0)
		})
	}},
	{"have the kernel kill the helper", func() error {
		return eachThread(func(tid int) error {
			owner := struct{ kind, pid int32 }{0, int32(tid)}
			fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			if call(unix.SYS_FCNTL, uintptr(fd[0]), unix.F_SETOWN, uintptr(tid)) != nil {
				if err := call(unix.SYS_FCNTL, uintptr(fd[0]), unix.F_SETOWN_EX, ptr(&owner)); err != nil {
					return err
				}
			}
			_ = call(unix.SYS_FCNTL, uintptr(fd[0]), unix.F_SETSIG, uintptr(unix.SIGTERM))
			_ = call(unix.SYS_FCNTL, uintptr(fd[0]), unix.F_SETFL, unix.O_ASYNC|unix.O_NONBLOCK)
			_, err = unix.Write(fd[1], []byte("x"))
			time.Sleep(20 * time.Millisecond)
			return fmt.Errorf("sent (%v): the helper must survive it", err)
		})
	}},
	{"kill the helper's group", func() error { return unix.Kill(-os.Getppid(), unix.SIGKILL) }},
	{"queue a signal for the helper", func() error {
		var info [128]byte
		return call(unix.SYS_RT_SIGQUEUEINFO, uintptr(os.Getppid()), uintptr(unix.SIGKILL), ptr(&info))
	}},
	{"kill the helper by handle", func() error {
		fd, err := unix.PidfdOpen(os.Getppid(), 0)
		if err != nil {
			return err
		}
		return unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}},
	{"kill the owner", func() error {
		pid, _ := strconv.Atoi(os.Getenv("OWNER_PID"))
		return unix.Kill(pid, unix.SIGKILL)
	}},
}

// hostServices are what a command must not reach.
func hostServices(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	abstract := fmt.Sprintf("@hutch-test-%d-%d", os.Getpid(), time.Now().UnixNano())
	env := []string{"SECRET_FILE=" + secret, "OWNER_PID=" + strconv.Itoa(os.Getpid())}
	for _, s := range []struct{ key, network, address string }{
		{"HOST_TCP", "tcp", "127.0.0.1:0"}, {"HOST_ABSTRACT", "unix", abstract}, {"HOST_SOCKET", "unix", dir + "/socket"},
	} {
		l, err := net.Listen(s.network, s.address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		env = append(env, s.key+"="+l.Addr().String())
	}
	return env
}

// attackJail runs the attacks of one list in a jail, and fails for those that worked but should not.
func attackJail(t *testing.T, j *Jail, what string, mayWork ...string) {
	t.Helper()
	copyBinary(t, filepath.Join(dirOf(j), "attacker"))
	env := append(hostServices(t), "ATTACK="+what)
	if os.Geteuid() == 0 || j.Level() >= Isolated {
		env = append(env, "BOUNDING=1")
	}
	o := runCommand(j, &Command{Args: []string{"./attacker"}, Env: env})
	if o.err != nil || o.ExitCode != 0 || !strings.HasSuffix(o.out, "end\n") {
		t.Fatalf("the attacker did not finish: %s", o)
	}
	worked := map[string]bool{}
	for lines := bufio.NewScanner(strings.NewReader(o.out)); lines.Scan(); {
		kind, name, _ := strings.Cut(lines.Text(), "\t")
		if kind == "BROKEN" {
			worked[name] = true
		}
	}
	for _, name := range mayWork {
		name, maybe := strings.CutPrefix(name, "?")
		if !worked[name] && !maybe {
			t.Errorf("%s should work here", name)
		}
		delete(worked, name)
	}
	for name := range worked {
		t.Errorf("%s: it worked", name)
	}
	if t.Failed() || testing.Verbose() {
		t.Log(o.out)
	}
	run(t, j, "true")
}

func TestAttacks(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		attackJail(t, openJail(t, &Config{Least: level}), "all")
	}, Capped, Isolated, Restricted)
}

func TestAttacksWithNetwork(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		attackJail(t, openJail(t, &Config{Least: level, Network: true}), "all", "connect to a TCP server of the host")
	}, Isolated, Restricted)
}

func TestKillAttacks(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		attackJail(t, openJail(t, &Config{Least: level}), "kill")
	}, Capped, Isolated, Restricted)
}

// TestOlderLandlock lowers the version of Landlock to what older kernels have.
func TestOlderLandlock(t *testing.T) {
	defer func(v int64) { usedLandlock = v }(usedLandlock)
	for usedLandlock = 0; usedLandlock < 6; usedLandlock++ {
		t.Run(strconv.FormatInt(usedLandlock, 10), func(t *testing.T) {
			j := openJail(t, &Config{})
			if l := layer(t, j, "landlock"); l.OK != (usedLandlock > 0) {
				t.Errorf("%+v", l)
			}
			attackJail(t, j, "all")
			attackJail(t, j, "kill", "?kill other threads of the helper")
			attackJail(t, openJail(t, &Config{Network: true}), "all", "connect to a TCP server of the host")
		})
		if usedLandlock == 0 {
			_, err := Start(context.Background(), &Config{Dir: t.TempDir(), Least: Restricted, Ceiling: level(Restricted)})
			var le *LevelError
			if !errors.As(err, &le) || le.Missing[0].Name != "landlock" {
				t.Errorf("restricted without Landlock: %v", err)
			}
			continue
		}
		j := openJail(t, &Config{Least: Restricted})
		if layer(t, j, "signals").OK {
			t.Error("signals are said to be confined")
		}
		attackJail(t, j, "all", restrictedHoles(usedLandlock)...)
	}
}

func level(l Level) *Level { return &l }

// restrictedHoles is what Layers admits of versions of Landlock.
func restrictedHoles(version int64) []string {
	if version < 3 {
		return []string{"truncate a file outside"}
	}
	return nil
}

func layer(t *testing.T, j *Jail, name string) Layer {
	t.Helper()
	for _, l := range j.Layers() {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("no layer %q", name)
	return Layer{}
}

func TestDescriptors(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		f, err := os.Open(t.TempDir()) // something to leak
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for range 20 {
			go runCommand(j, &Command{Args: []string{"sleep", "0.05"}, Stdin: strings.NewReader("x")})
		}
		if got := shell(t, j, "for f in /proc/self/fd/*; do echo ${f##*/}; done"); strings.Join(strings.Fields(got), " ") != "0 1 2" {
			if got != "0\n1\n2\n3\n" { // the shell's own
				t.Errorf("descriptors %q", got)
			}
		}
	})
}

func TestSetUserID(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		before := shell(t, j, "id -u")
		for _, prog := range []string{"su", "mount", "passwd", "ping"} {
			o := runCommand(j, &Command{Args: []string{"sh", "-c", "command -v " + prog + " >/dev/null && " + prog + " --version; grep -H ^Cap /proc/self/status"}})
			if strings.Contains(o.out, "CapEff:\t00000000a") {
				t.Errorf("%s: %s", prog, o)
			}
		}
		if after := shell(t, j, "id -u"); after != before {
			t.Errorf("user %s became %s", before, after)
		}
	}, Isolated, Restricted)
}
