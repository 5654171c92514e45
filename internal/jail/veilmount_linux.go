//go:build amd64 || arm64

package jail

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// masks are what commands see in the place of what is hidden: an empty file and an empty folder that nobody may open.
type masks struct {
	file, dir     int // handles
	fileID, dirID inode
}

const maskDir = "/.hidden"

// makeMasks makes them, in the root of the jail, which is read-only later.
func (w *world) makeMasks() error {
	for _, dir := range []string{maskDir, maskDir + "/dir"} {
		if err := unix.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	fd, err := unix.Open(maskDir+"/file", unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	unix.Close(fd)
	return unix.Chmod(maskDir+"/dir", 0)
}

func (m *masks) open() (err error) {
	for _, p := range []struct {
		name string
		fd   *int
		id   *inode
	}{{"/file", &m.file, &m.fileID}, {"/dir", &m.dir, &m.dirID}} {
		if *p.fd, err = unix.Open(maskDir+p.name, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
			return err
		}
		st, err := statx(*p.fd)
		if err != nil {
			return err
		}
		*p.id = inodeOf(&st)
	}
	return nil
}

func (m *masks) is(st *unix.Statx_t) bool {
	id := inodeOf(st)
	return id == m.fileID || id == m.dirID
}

func statx(fd int) (st unix.Statx_t, err error) {
	const want = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_INO | unix.STATX_NLINK | unix.STATX_MTIME | unix.STATX_CTIME | unix.STATX_BTIME
	err = unix.Statx(fd, "", unix.AT_EMPTY_PATH, want, &st)
	return st, err
}

func inodeOf(st *unix.Statx_t) inode {
	return inode{unix.Mkdev(st.Dev_major, st.Dev_minor), st.Ino}
}

func isFolder(st *unix.Statx_t) bool    { return st.Mode&unix.S_IFMT == unix.S_IFDIR }
func isMountRoot(st *unix.Statx_t) bool { return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0 }

// raise gives the calling thread the one privilege that the helper has kept. It must be locked to its goroutine.
func (v *veil) raise() error {
	if v.raised {
		return nil
	}
	err := setCaps(1<<unix.CAP_SYS_ADMIN, 1<<unix.CAP_SYS_ADMIN)
	v.raised = err == nil
	return err
}

func (v *veil) lower() {
	if v.raised {
		_ = setCaps(0, 1<<unix.CAP_SYS_ADMIN)
		v.raised = false
	}
}

// each does something with all that commands can reach under a name: what it leads to now, and what it leads to for those who are
// in a folder from before something was mounted over it. The handle is closed afterwards.
func (v *veil) each(dir *folder, base string, do func(fd int) error) error {
	if !dir.veiled {
		if err := v.one(v.root, path.Join(dir.name, base), do); err != nil {
			return err
		}
	}
	var err error
	v.byLayers(dir, base, func(layer int, rest string) bool {
		err = v.one(layer, rest, do)
		return err == nil
	})
	return err
}

// byLayers calls do with every layer that leads to what is in a folder under base, and with the rest of the way, until do
// returns false. None leads through a mask.
func (v *veil) byLayers(dir *folder, base string, do func(layer int, rest string) bool) {
	for at, rest := dir, base; at != nil && len(v.layers) > 0; at, rest = at.up, path.Join(path.Base(at.name), rest) {
		for _, layer := range v.layers[at.id] {
			if !do(layer, rest) {
				return
			}
		}
		if at.masked {
			return
		}
	}
}

func (v *veil) one(dir int, name string, do func(fd int) error) error {
	for range 10 { // somebody may be at it
		fd, err := openBelow(dir, name, unix.O_PATH|unix.O_NOFOLLOW)
		if err != nil {
			return ignoreLost(err)
		}
		err = do(fd)
		unix.Close(fd)
		if !lost(err) {
			return err
		}
	}
	return nil // there is word of the next one to have the name
}

// hide masks what is in a folder under base.
func (v *veil) hide(dir *folder, base string) error {
	loose := v.loose(path.Join(dir.name, base))
	if err := v.pinAbove(dir, loose); err != nil {
		return err
	}
	err := v.each(dir, base, v.maskOne)
	if err == unix.EACCES && dir.up != nil {
		return v.hide(dir.up, path.Base(dir.name)) // nobody can look into it now, but its owner can change that
	}
	return err
}

func (v *veil) maskOne(fd int) error {
	st, err := statx(fd)
	if err != nil || v.masks.is(&st) || st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return err
	}
	mask := v.masks.file
	if isFolder(&st) {
		mask, v.under = v.masks.dir, inodeOf(&st)
		if err := v.addLayer(inodeOf(&st), fd); err != nil {
			return err
		}
	} else {
		v.hidden[inodeOf(&st)] = st.Btime
		v.linked = v.linked || st.Nlink > 1
	}
	if err := v.raise(); err != nil {
		return err
	}
	return attachOver(mask, fd, readOnly|unix.MOUNT_ATTR_NOEXEC)
}

// pinAbove makes mounts of a folder and of those above it that cannot move without making something visible or writable, so
// that they cannot move. The first few, loose, can.
func (v *veil) pinAbove(dir *folder, loose int) error {
	if dir.up == nil || strings.Count(dir.name, "/") < loose {
		return nil
	}
	if err := v.pinAbove(dir.up, loose); err != nil {
		return err
	}
	if dir.up.readOnly && !dir.up.layered(v) {
		return nil
	}
	return v.each(dir.up, path.Base(dir.name), v.pinOne)
}

func (v *veil) pinOne(fd int) error {
	st, err := statx(fd)
	if err != nil || isMountRoot(&st) || !isFolder(&st) {
		return err
	}
	if err := v.addLayer(inodeOf(&st), fd); err != nil {
		return err
	}
	if err := v.raise(); err != nil {
		return err
	}
	return attachOver(fd, fd, writable)
}

// seal makes a mount of what is in a folder under base, read-only or not.
func (v *veil) seal(dir *folder, base string, ro bool) error {
	if err := v.pinAbove(dir, 0); err != nil {
		return err
	}
	return v.each(dir, base, func(fd int) error { return v.sealOne(fd, ro) })
}

func (v *veil) sealOne(fd int, ro bool) error {
	st, err := statx(fd)
	if err != nil || v.masks.is(&st) {
		return err
	}
	var fsys unix.Statfs_t
	if err := unix.Fstatfs(fd, &fsys); err != nil {
		return err
	}
	is := fsys.Flags&unix.ST_RDONLY != 0
	if is == ro && (ro || isMountRoot(&st)) {
		return nil
	}
	if err := v.raise(); err != nil {
		return err
	}
	if isMountRoot(&st) {
		return setReadOnly(fd, ro)
	}
	if isFolder(&st) {
		if err := v.addLayer(inodeOf(&st), fd); err != nil {
			return err
		}
	}
	return mountOver(fd, ro)
}

// setReadOnly makes a mount read-only with all that is mounted in it, or the mount alone writable.
func setReadOnly(fd int, ro bool) error {
	if ro {
		return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: readOnly})
	}
	err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: writable, Attr_clr: unix.MOUNT_ATTR_RDONLY})
	if err == unix.EPERM {
		return nil // the host has it so
	}
	return err
}

// mountOver mounts what fd is on itself.
func mountOver(fd int, ro bool) error {
	tree, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := setReadOnly(tree, ro); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", fd, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH)
}

// sealRoot makes the workspace read-only as a whole.
func (v *veil) sealRoot() error { return v.sealOne(v.root, true) }

// addLayer remembers what a folder is before something is mounted over it, if commands may be in it.
func (v *veil) addLayer(id inode, fd int) error {
	if !v.busy {
		return nil
	}
	own, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err == nil {
		v.layers[id] = append(v.layers[id], own)
	}
	return err
}

// closeLayers is for when no commands are left that could be in them.
func (v *veil) closeLayers() {
	for id, fds := range v.layers {
		closeAll(fds)
		delete(v.layers, id)
	}
}

// covers reports whether commands cannot see name because it is hidden or in something hidden.
func (v *veil) covers(name string) bool {
	for end := 0; end < len(name) && len(v.rules) > 0; end++ {
		if rest := strings.IndexByte(name[end:], '/'); rest < 0 {
			end = len(name)
		} else {
			end += rest
		}
		var st unix.Statx_t
		if unix.Statx(v.root, name[:end], unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO, &st) != nil {
			return false
		}
		if v.masks.is(&st) {
			return true
		}
	}
	return false
}
