//go:build amd64 || arm64

package jail

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Landlock rights, by what they are for.
const (
	llRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	llExec  = llRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	llWrite = llExec | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE
	llDevice = llRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	llFile   = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV // what a rule on a file may name
)

// landlockVersion is what the kernel has, 0 if nothing.
func landlockVersion() int {
	v, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(v)
}

// handledRights are the rights of files that version knows.
func handledRights(version int) uint64 {
	rights := uint64(1<<13 - 1)
	for _, r := range []struct {
		since int
		right uint64
	}{{2, unix.LANDLOCK_ACCESS_FS_REFER}, {3, unix.LANDLOCK_ACCESS_FS_TRUNCATE}, {5, unix.LANDLOCK_ACCESS_FS_IOCTL_DEV}} {
		if version >= r.since {
			rights |= r.right
		}
	}
	return rights
}

type fileRule struct {
	path   string
	rights uint64
}

// ruleset is a Landlock ruleset being made.
type ruleset struct {
	fd      int
	handled uint64
}

func newRuleset(version int) (*ruleset, error) {
	attr := [3]uint64{handledRights(version)}
	size := 8
	if version >= 6 {
		attr[2], size = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET|unix.LANDLOCK_SCOPE_SIGNAL, 24
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), uintptr(size), 0)
	if errno != 0 {
		return nil, errno
	}
	return &ruleset{fd: int(fd), handled: attr[0]}, nil
}

// add allows rights on path and all below it. A path that is not there is skipped.
func (r *ruleset) add(rule fileRule) error {
	fd, err := unix.Open(rule.path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err == unix.ENOENT || err == unix.EACCES || err == unix.ENOTDIR {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	rights := rule.rights & r.handled
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= llFile
	}
	if rights == 0 {
		return nil
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(r.fd), unix.LANDLOCK_RULE_PATH_BENEATH,
		uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// enforce confines the calling thread and all it starts.
func (r *ruleset) enforce() error {
	_, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, uintptr(r.fd), 0, 0)
	unix.Close(r.fd)
	if errno != 0 {
		return errno
	}
	return nil
}

// fileRules are the rules of a jail; the mounts of an isolated one say the same a second time.
func fileRules(s *setup) []fileRule {
	rules := []fileRule{{s.mount, llWrite}, {"/proc", llRead}}
	for _, name := range deviceNames {
		rules = append(rules, fileRule{"/dev/" + name, llDevice})
	}
	for _, dir := range append(systemDirs, s.visible...) {
		rules = append(rules, fileRule{dir, llExec})
	}
	if s.level >= Isolated {
		rules = append(rules, fileRule{"/", llRead}, fileRule{"/dev/pts", llDevice})
		for _, dir := range scratch {
			rules = append(rules, fileRule{dir, llWrite})
		}
		return rules
	}
	for _, p := range etcPaths("/etc") {
		rules = append(rules, fileRule{"/etc/" + p, llRead})
	}
	for _, p := range []string{"passwd", "group", "hosts"} {
		rules = append(rules, fileRule{"/etc/" + p, llRead})
	}
	if s.network {
		rules = append(rules, fileRule{"/etc/resolv.conf", llRead})
	}
	return append(rules, fileRule{s.private, llWrite})
}

func landlock(s *setup) (int, error) {
	version := min(landlockVersion(), int(s.landlock))
	if version == 0 {
		return 0, unix.ENOSYS
	}
	r, err := newRuleset(version)
	if err != nil {
		return 0, err
	}
	for _, rule := range fileRules(s) {
		if err := r.add(rule); err != nil {
			unix.Close(r.fd)
			return 0, err
		}
	}
	return version, r.enforce()
}
