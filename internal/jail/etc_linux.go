//go:build amd64 || arm64

package jail

import (
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// etcAllowed is what commands see of the host's /etc: settings that programs need to run at all, and nothing that says who
// uses this machine. A "*" at the end matches any rest.
var etcAllowed = []string{
	"alternatives", "bash.bashrc", "ca-certificates*", "crypto-policies", "debian_version", "fonts", "inputrc", "java*",
	"ld.so.cache", "ld.so.conf*", "localtime", "locale.alias", "locale.conf", "magic*", "mime.types", "nsswitch.conf",
	"os-release", "perl", "profile", "protocols", "python3*", "redhat-release", "alpine-release", "services", "shells",
	"terminfo", "timezone",
}

// etcDeep are allowed paths below folders that also hold secrets.
var etcDeep = []string{
	"ssl/certs", "ssl/openssl.cnf", "ssl/cert.pem", "pki/ca-trust/extracted", "pki/tls/certs", "pki/tls/cert.pem",
	"pki/tls/openssl.cnf",
}

// etcPaths lists the allowed paths that exist in the folder etc.
func etcPaths(etc string) []string {
	var found []string
	entries, _ := os.ReadDir(etc)
	for _, e := range entries {
		for _, pattern := range etcAllowed {
			prefix, wild := strings.CutSuffix(pattern, "*")
			if e.Name() == pattern || wild && strings.HasPrefix(e.Name(), prefix) {
				found = append(found, e.Name())
				break
			}
		}
	}
	for _, p := range etcDeep {
		if _, err := os.Lstat(path.Join(etc, p)); err == nil {
			found = append(found, p)
		}
	}
	return found
}

func (w *world) etc() error {
	if err := os.Mkdir("/etc", 0o755); err != nil {
		return err
	}
	for _, p := range etcPaths(oldRoot + "/etc") {
		if w.copySmall("/etc/" + p) {
			continue
		}
		if err := w.show("/etc/" + p); err != nil {
			return err
		}
	}
	files := map[string]string{
		"passwd": "root:x:0:0:root:/:/usr/sbin/nologin\nuser:x:1000:1000:user:" + homeDir + ":/bin/sh\n" +
			"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n",
		"group":    "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n",
		"hosts":    "127.0.0.1\tlocalhost hutch\n::1\tlocalhost ip6-localhost\n",
		"hostname": "hutch\n",
	}
	if w.setup.network {
		files["resolv.conf"] = w.setup.resolv
	}
	for name, text := range files {
		if err := os.WriteFile("/etc/"+name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return os.Symlink("/proc/self/mounts", "/etc/mtab")
}

// copySmall copies a small file and reports whether it did: that costs a third of a mount.
func (w *world) copySmall(name string) bool {
	const small = 32 << 10
	fd, err := unix.Openat2(w.old, name, &unix.OpenHow{Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOFOLLOW | unix.O_NONBLOCK, Resolve: unix.RESOLVE_IN_ROOT})
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > small {
		return false
	}
	buf := make([]byte, small+1)
	n, err := unix.Read(fd, buf)
	if err != nil || int64(n) != st.Size || os.MkdirAll(path.Dir(name), 0o755) != nil {
		return false
	}
	return os.WriteFile(name, buf[:n], 0o444) == nil
}

// devices binds the usual six devices and gives the jail terminals of its own.
func (w *world) devices() error {
	if err := os.MkdirAll("/dev", 0o755); err != nil {
		return err
	}
	for _, name := range deviceNames {
		err := w.bind("/dev/"+name, "/dev/"+name, unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
		if err != nil && (err != unix.ENOENT || name == "null") {
			return err
		}
	}
	for link, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink(target, "/dev/"+link); err != nil {
			return err
		}
	}
	if err := os.Mkdir("/dev/pts", 0o755); err != nil {
		return err
	}
	if unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") != nil {
		w.notes = append(w.notes, "pts=no")
		return nil
	}
	return os.Symlink("pts/ptmx", "/dev/ptmx")
}

var deviceNames = []string{"null", "zero", "full", "random", "urandom", "tty"}

// procMasked tell more about the machine than a command needs, and procRootOnly tell it to the host's root: that is what
// commands are, as far as files go, if the owner is.
var (
	procMasked   = []string{"acpi", "asound", "kallsyms", "keys", "latency_stats", "sched_debug", "scsi"}
	procRootOnly = []string{"kcore", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "pagetypeinfo", "slabinfo", "sysrq-trigger",
		"timer_list", "vmallocinfo", "iomem", "ioports", "mtrr"}
)

// proc mounts the jail's own /proc. All of it is read-only: the few writable files of a process in it are not worth a
// writable /proc/sys.
func (w *world) proc() error {
	if err := os.Mkdir("/proc", 0o755); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", writable0|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	if w.setup.count {
		w.boundPids()
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/proc", 0, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return err
	}
	masked := procMasked
	if w.setup.root {
		masked = append(slices.Clone(masked), procRootOnly...)
	}
	for _, name := range masked {
		fd, err := unix.Open("/proc/"+name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		err = mask(fd)
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	return nil
}

// pidsBounded is the note that boundPids did it.
const pidsBounded = "pids=bounded"

// boundPids bounds the numbers of processes, and with them the processes. The kernel keeps 300 numbers back after the first
// round. Before Linux 6.14 the bound is not of the namespace and cannot be written from within one.
func (w *world) boundPids() {
	const file = "/proc/sys/kernel/pid_max"
	err := os.WriteFile(file, []byte(itoa(w.setup.limits.processes+helperTasks+300)), 0)
	if err == nil {
		w.notes = append(w.notes, pidsBounded)
	}
}

// mask puts something empty over what fd is.
func mask(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return coverEmpty(fd)
	}
	null, err := unix.Open("/dev/null", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	return attachOver(null, fd, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
}
