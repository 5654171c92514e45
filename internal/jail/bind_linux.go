//go:build amd64 || arm64

package jail

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// attach mounts what fd is, and all below it, at dst.
func attach(fd int, dst string, attr uint64) error {
	return move(fd, unix.AT_FDCWD, dst, 0, attr)
}

// attachOver mounts what fd is on what over is.
func attachOver(fd, over int, attr uint64) error {
	return move(fd, over, "", unix.MOVE_MOUNT_T_EMPTY_PATH, attr)
}

func move(fd, toDir int, to string, flags int, attr uint64) error {
	tree, err := unix.OpenTree(fd, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH|unix.AT_RECURSIVE)
	if err != nil {
		return err
	}
	defer unix.Close(tree)
	if err := unix.MountSetattr(tree, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: attr}); err != nil {
		return err
	}
	return unix.MoveMount(tree, "", toDir, to, unix.MOVE_MOUNT_F_EMPTY_PATH|flags)
}

// bind shows a path of the host at dst, making the place for it. A path that does not exist is an error.
func (w *world) bind(src, dst string, attr uint64) error {
	fd, err := w.open(src, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if err := makePlace(dst, st.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
		return err
	}
	return attach(fd, dst, attr)
}

// makePlace makes an empty folder or file to mount on.
func makePlace(dst string, dir bool) error {
	if dir {
		return os.MkdirAll(dst, 0o755)
	}
	if err := os.MkdirAll(path.Dir(dst), 0o755); err != nil {
		return err
	}
	fd, err := unix.Open(dst, unix.O_CREAT|unix.O_CLOEXEC|unix.O_RDONLY|unix.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// show makes src of the host appear at the same path: a link as a link, anything else bound. A missing one is skipped.
func (w *world) show(src string) error {
	link, err := w.readlink(src)
	if err == nil {
		if err := os.MkdirAll(path.Dir(src), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(link, src); err != nil && !os.IsExist(err) {
			return err
		}
		return nil
	}
	err = w.bind(src, src, readOnly)
	if err == unix.ENOENT || err == unix.EACCES {
		return nil
	}
	return err
}

func (w *world) readlink(name string) (string, error) {
	fd, err := w.open(name, unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", err
	}
	return string(buf[:n]), nil
}

// coverEmpty mounts an empty read-only file system on the folder that fd is.
func coverEmpty(fd int) error {
	return unix.Mount("tmpfs", "/proc/self/fd/"+itoa(int64(fd)), "tmpfs", unix.MS_RDONLY|writable0|unix.MS_NOEXEC, "mode=0555,size=4k")
}
