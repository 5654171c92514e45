//go:build amd64 || arm64

package jail

import (
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A protected name that exists becomes a read-only mount on itself; every folder on the way to it becomes a mount too, since
// a folder that holds a mount can be renamed and a mount cannot. For a name that does not exist the owner puts a
// placeholder where the first missing part would be: it then exists, and is protected like any other.

// placeholderMode tells placeholders from what users make: nobody has an empty folder, or a socket, with these bits.
const (
	placeholderDir  = unix.S_IFDIR | 0o1555
	placeholderSock = unix.S_IFSOCK | 0o1000
)

func isPlaceholder(mode uint32) bool { return mode == placeholderDir || mode == placeholderSock }

const pathOnly = unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC

// found is where a walk along a name ended: at its last part, at the first part that is no folder, or at a placeholder.
type found struct {
	dir     int // the folder that holds it; to be closed
	part    string
	last    bool
	missing bool
	mode    uint32
}

// find walks from root along name without following links.
func find(root int, name string) (found, error) {
	dir, err := unix.Openat(root, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return found{}, err
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		f := found{dir: dir, part: part, last: i == len(parts)-1}
		var st unix.Stat_t
		err := unix.Fstatat(dir, part, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == unix.ENOENT {
			f.missing = true
			return f, nil
		}
		if err != nil {
			unix.Close(dir)
			return found{}, err
		}
		f.mode = st.Mode
		if f.last || st.Mode&unix.S_IFMT != unix.S_IFDIR || isPlaceholder(st.Mode) {
			return f, nil
		}
		next, err := unix.Openat(dir, part, pathOnly|unix.O_DIRECTORY, 0)
		unix.Close(dir)
		if err != nil {
			return found{}, err
		}
		dir = next
	}
	return found{}, unix.EINVAL
}

// reserve makes sure that something is there to protect. It reports whether name can be protected: on a read-only file
// system there is neither need nor way.
func reserve(root int, name string) (bool, error) {
	f, err := find(root, name)
	if err != nil {
		return false, err
	}
	defer unix.Close(f.dir)
	if !f.missing {
		return true, nil
	}
	if f.last {
		err = unix.Mknodat(f.dir, f.part, placeholderSock, 0)
	} else if err = unix.Mkdirat(f.dir, f.part, 0o555); err == nil {
		err = chmodNoFollow(f.dir, f.part, placeholderDir&0o7777)
	}
	if err == unix.EROFS {
		return false, nil
	}
	if err == unix.EEXIST {
		err = nil
	}
	return true, err
}

func chmodNoFollow(dir int, part string, mode uint32) error {
	fd, err := unix.Openat(dir, part, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchmod(fd, mode)
}

// release removes the placeholder of name, if there is one.
func release(root int, name string) {
	f, err := find(root, name)
	if err != nil {
		return
	}
	defer unix.Close(f.dir)
	switch f.mode {
	case placeholderDir:
		_ = unix.Unlinkat(f.dir, f.part, unix.AT_REMOVEDIR)
	case placeholderSock:
		_ = unix.Unlinkat(f.dir, f.part, 0)
	}
}

// Release removes the placeholder of name in the workspace dir, if there is one, so that the host can put something there. A jail
// that is open protects that, or makes another placeholder, a moment later.
func Release(dir, name string) {
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(root)
	release(root, name)
}

// guardian holds the placeholders of an open jail. Jails on the same workspace share them: each holds a shared lock on the
// workspace, and who can have it alone is the last and may remove them.
type guardian struct {
	root  *os.File
	mu    sync.Mutex
	names []string
}

func reserveAll(dir string, names, hidden []string) (*guardian, error) {
	root, err := os.Open(dir)
	if err != nil {
		return nil, step("workspace", bare(err))
	}
	names = append(slices.Clone(names), aliases(int(root.Fd()), names)...)
	g := &guardian{root: root, names: names}
	g.sweep()
	_ = unix.Flock(int(root.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	g.names = nil
	if err := g.reserve(names); err != nil {
		g.close()
		return nil, err
	}
	if err := makeHidden(dir, hidden); err != nil {
		g.close()
		return nil, &os.PathError{Op: "hide", Path: "", Err: bare(err)}
	}
	return g, nil
}

func (g *guardian) reserve(names []string) error {
	for _, name := range names {
		ok, err := reserve(int(g.root.Fd()), name)
		if err != nil {
			return &os.PathError{Op: "protect", Path: name, Err: bare(err)}
		}
		if ok {
			g.names = append(g.names, name)
		}
	}
	return nil
}

// add takes care of more names, and returns them with their aliases.
func (g *guardian) add(names []string) ([]string, error) {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "." })
	names = append(names, aliases(int(g.root.Fd()), names)...)
	g.mu.Lock()
	defer g.mu.Unlock()
	before := len(g.names)
	if err := g.reserve(names); err != nil {
		return nil, err
	}
	return slices.Clone(g.names[before:]), nil
}

// aliases are the names that lead to the same place where links are on the way, if that is in the workspace.
func aliases(root int, names []string) (more []string) {
	top, err := os.Readlink("/proc/self/fd/" + itoa(int64(root)))
	if err != nil {
		return nil
	}
	for _, name := range names {
		for prefix, rest := name, ""; prefix != "."; prefix, rest = path.Dir(prefix), path.Join(path.Base(prefix), rest) {
			fd, err := unix.Openat2(root, prefix, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS})
			if err != nil {
				continue
			}
			real, err := os.Readlink("/proc/self/fd/" + itoa(int64(fd)))
			unix.Close(fd)
			if real, ok := strings.CutPrefix(real, top+"/"); err == nil && ok && real != prefix {
				more = append(more, path.Join(real, rest))
			}
			break
		}
	}
	return more
}

// makeHidden makes the folders of Hide that are missing.
func makeHidden(dir string, names []string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range names {
		if err := root.MkdirAll(name, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes the placeholders unless another jail needs them.
func (g *guardian) sweep() {
	if unix.Flock(int(g.root.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, name := range g.names {
		release(int(g.root.Fd()), name)
	}
}

func (g *guardian) close() {
	if g == nil {
		return
	}
	g.sweep()
	g.root.Close()
}
