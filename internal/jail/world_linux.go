//go:build amd64 || arm64

package jail

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stepError says at which step the helper failed to build the jail. It never holds a host path.
type stepError struct {
	step string
	err  error
}

func (e *stepError) Error() string { return e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func step(name string, err error) error {
	if err == nil {
		return nil
	}
	return &stepError{name, err}
}

const (
	oldRoot  = "/.old"
	readOnly = unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	writable = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV
	homeDir  = "/home/user"
)

// scratch are the folders in which commands may write besides the workspace.
var scratch = []string{"/tmp", "/var/tmp", homeDir, "/run", "/dev/shm"}

// systemDirs are the folders of the host that commands can read, where they exist.
var systemDirs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"}

// world is the file system of a jail while it is being built, in a mount namespace of its own.
type world struct {
	setup  *setup
	old    int // the root of the host
	root   string
	notes  []string
	keeper *keeper
}

// build makes the world and enters it. Afterwards nothing of the host can be reached but what was bound.
func (w *world) build() error {
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"new root", w.enter},
		{"system folders", w.system},
		{"/etc", w.etc},
		{"scratch folders", w.scratch},
		{"devices", w.devices},
		{"/proc", w.proc},
		{"visible folders", w.visible},
		{"workspace", w.workspace},
		{"protected names", w.protect},
		{"leaving the old root", w.leave},
	} {
		if err := s.do(); err != nil {
			return step(s.name, err)
		}
	}
	return nil
}

// enter makes an empty file system the root and keeps the old one below it.
func (w *world) enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	over, err := "", error(unix.ENOENT)
	for _, over = range []string{"/tmp", "/usr", "/proc", "/etc"} {
		if err = unix.Mount("tmpfs", over, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755,size=16m"); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.Mkdir(over+oldRoot, 0o700); err != nil {
		return err
	}
	if err := unix.PivotRoot(over, over+oldRoot); err != nil {
		return err
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	w.old, err = unix.Open(oldRoot, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	return err
}

func (w *world) leave() error {
	unix.Close(w.old)
	if err := unix.Unmount(oldRoot, unix.MNT_DETACH); err != nil {
		return err
	}
	if err := os.Remove(oldRoot); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_set: readOnly})
}

// open opens a path of the host; links in it lead where they lead on the host.
func (w *world) open(name string, flags uint64) (int, error) {
	return unix.Openat2(w.old, name, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | flags, Resolve: unix.RESOLVE_IN_ROOT})
}

func (w *world) system() error {
	for _, dir := range systemDirs {
		if err := w.show(dir); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) scratch() error {
	options := "mode=0755"
	if m := w.setup.limits.memory; m > 0 {
		options += ",size=" + itoa(max(m/2, 1<<20))
	}
	const base = "/.scratch"
	if err := os.Mkdir(base, 0o755); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", base, "tmpfs", writable0, options); err != nil {
		return err
	}
	for i, dir := range scratch {
		src := base + "/" + itoa(int64(i))
		mode := uint32(0o1777)
		if dir == homeDir || dir == "/run" {
			mode = 0o755
		}
		if err := unix.Mkdir(src, 0o755); err != nil {
			return err
		}
		if err := unix.Chmod(src, mode); err != nil {
			return err
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(src, dir, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := unix.Unmount(base, unix.MNT_DETACH); err != nil {
		return err
	}
	if err := os.Remove(base); err != nil {
		return err
	}
	return os.Symlink("/run", "/var/run")
}

const writable0 = unix.MS_NOSUID | unix.MS_NODEV

func (w *world) visible() error {
	for _, dir := range w.setup.visible {
		if err := w.bind(dir, dir, readOnly); err != nil {
			return err
		}
	}
	return nil
}

// workspace binds the workspace, after making sure that it is the folder that the owner meant.
func (w *world) workspace() error {
	fd, err := w.open(w.setup.dir, unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := sameFolder(fd, w.setup); err != nil {
		return err
	}
	if err := makePlace(w.setup.mount, true); err != nil {
		return err
	}
	if err := attach(fd, w.setup.mount, writable); err != nil {
		return err
	}
	w.root = w.setup.mount
	return w.hide()
}

func sameFolder(fd int, s *setup) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if int64(st.Dev) != s.dev || int64(st.Ino) != s.ino {
		return unix.ESTALE
	}
	return nil
}

// hide mounts an empty folder over every name of Hide.
func (w *world) hide() error {
	for _, name := range w.setup.hide {
		dst := filepath.Join(w.root, name)
		fd, err := unix.Openat2(unix.AT_FDCWD, dst, &unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS})
		if err != nil {
			return err
		}
		err = coverEmpty(fd)
		unix.Close(fd)
		if err != nil {
			return err
		}
		if err := w.pinParents(name); err != nil {
			return err
		}
	}
	return nil
}

func under(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
