//go:build amd64 || arm64

package jail

import (
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// keeper holds the protected names of a jail. A mount goes away with what it is on, and the host may replace a protected
// file at any time; so the keeper looks before every command, and now and then while any runs, and mounts again.
type keeper struct {
	root  string
	names []string
	mu    sync.Mutex
	seals map[string]string // where the read-only mount of each name is
	veil  *veil
}

// protect makes the mounts of all names.
func (w *world) protect() error {
	w.keeper = &keeper{root: w.root, names: w.setup.protect, seals: map[string]string{}}
	if err := w.makeMasks(); err != nil {
		return err
	}
	var err error
	if w.keeper.veil, err = newVeil(w.root, w.setup.poll); err != nil {
		return err
	}
	for _, name := range w.setup.protect {
		if err := w.keeper.seal(name); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) pinParents(name string) error {
	if dir := path.Dir(name); dir != "." {
		_, err := pin(w.root, dir, false)
		return err
	}
	return nil
}

func (k *keeper) seal(name string) (err error) {
	k.seals[name], err = pin(k.root, name, true)
	return err
}

// check restores what is lost, and masks what is new. It must not fail unnoticed. busy says that commands are running.
func (k *keeper) check(busy bool) error {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.checkNames(k.names); err != nil {
		return err
	}
	if len(k.veil.rules) == 0 {
		return nil
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return k.veil.check(busy)
}

func (k *keeper) checkNames(names []string) error {
	for _, name := range names {
		if isMount(path.Join(k.root, k.seals[name])) && k.seals[name] != "" || k.veil.covers(name) {
			continue
		}
		if err := k.restore(name); err != nil {
			return err
		}
	}
	return nil
}

// confine adds a confinement. Commands may be running.
func (k *keeper) confine(c *confine) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	more := slices.DeleteFunc(c.names, func(name string) bool { return name == "." || slices.Contains(k.names, name) })
	if err := k.checkNames(more); err != nil {
		return err
	}
	if err := k.veil.add(c); err != nil {
		return err
	}
	k.names = append(k.names[:len(k.names):len(k.names)], more...)
	return nil
}

// restore protects one name again, with the one privilege that the helper has kept for it.
func (k *keeper) restore(name string) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := setCaps(1<<unix.CAP_SYS_ADMIN, 1<<unix.CAP_SYS_ADMIN); err != nil {
		return err
	}
	defer func() { _ = setCaps(0, 1<<unix.CAP_SYS_ADMIN) }()
	root, err := unix.Open(k.root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(root)
	for range 10 { // the host may be at it
		var ok bool
		if ok, err = reserve(root, name); err == nil && ok {
			err = k.seal(name)
		}
		if err == nil {
			return nil
		}
	}
	return err
}

func isMount(name string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, name, unix.AT_SYMLINK_NOFOLLOW, 0, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// pin makes every part of name a mount on itself, and with seal the end of it read-only. It returns how far it got:
// to the end, or to the first part that is no folder to go into.
func pin(root, name string, seal bool) (string, error) {
	cur, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer func() { unix.Close(cur) }()
	parts := strings.Split(name, "/")
	for i, part := range parts {
		fd, end, err := pinPart(cur, part, seal && i == len(parts)-1, seal)
		if err != nil {
			return "", err
		}
		unix.Close(cur)
		cur = fd
		if end {
			return path.Join(parts[:i+1]...), nil
		}
	}
	return name, nil
}

// pinPart makes part a mount on itself and opens it. It is the end if it is the last, or no folder to go into.
func pinPart(dir int, part string, last, seal bool) (int, bool, error) {
	fd, err := unix.Openat(dir, part, pathOnly, 0)
	if err != nil {
		return -1, false, err
	}
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_TYPE|unix.STATX_MODE, &st); err != nil {
		unix.Close(fd)
		return -1, false, err
	}
	mode := uint32(st.Mode)
	end := last || mode&unix.S_IFMT != unix.S_IFDIR || isPlaceholder(mode)
	attr := uint64(writable)
	if end && seal {
		attr = readOnly
	}
	if st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		err = unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr})
		return fd, end, err
	}
	err = attachOver(fd, fd, attr)
	unix.Close(fd)
	if err != nil {
		return -1, false, err
	}
	fd, err = unix.Openat(dir, part, pathOnly, 0)
	return fd, end, err
}
