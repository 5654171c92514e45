//go:build amd64 || arm64

package jail

import (
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// In Restricted commands have their home and temporary files in a private folder among the host's temporary files. Owner and
// helper both remove it. Its owner holds a lock on it, so that others can tell when it is stale.

const privatePrefix = "hutch-jail-"

func newPrivate() (string, *os.File, error) {
	sweepPrivate()
	for range 10 {
		dir, err := os.MkdirTemp("", privatePrefix)
		if err != nil {
			return "", nil, bare(err)
		}
		lock, err := lockFolder(dir)
		if err != nil {
			continue // somebody took it for a stale one
		}
		for _, sub := range []string{"home", "tmp"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
				lock.Close()
				return "", nil, bare(err)
			}
		}
		return dir, lock, nil
	}
	return "", nil, unix.EBUSY
}

// lockFolder opens and locks a folder that must still be there afterwards.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == nil {
		err = unix.Lstat(dir, &st)
	}
	if err == nil && (st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != os.Geteuid()) {
		err = unix.EPERM
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweepPrivate removes the private folders of owners that died.
func sweepPrivate() {
	stale, _ := filepath.Glob(filepath.Join(os.TempDir(), privatePrefix+"*"))
	for _, dir := range stale {
		if lock, err := lockFolder(dir); err == nil {
			removePrivate(dir)
			lock.Close()
		}
	}
}

// removePrivate removes a folder also if commands took their own right to it away.
func removePrivate(dir string) {
	if os.RemoveAll(dir) == nil {
		return
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return
	}
	defer root.Close()
	for range 64 { // each round opens at least one more folder
		closed := false
		_ = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
			if d != nil && d.IsDir() {
				if info, ierr := d.Info(); ierr == nil && info.Mode().Perm()&0o700 != 0o700 {
					closed = true
					_ = root.Chmod(name, 0o700)
				}
			}
			return nil
		})
		if !closed {
			break
		}
	}
	_ = os.RemoveAll(dir)
}
