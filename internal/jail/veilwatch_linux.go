//go:build amd64 || arm64

package jail

import (
	"encoding/binary"
	"time"

	"golang.org/x/sys/unix"
)

// watcher has the kernel say what changes in folders. Where it cannot, because there are too many of them or because others
// than this kernel change the file system, the folders are looked at before every command and every watchEvery while one runs.
type watcher struct {
	fd      int // -1 if there is none
	folders map[int32]*folder
	others  map[*folder]bool // not watched
	missed  bool             // there was more to say than the kernel could keep
}

// stamp tells whether a folder has changed. It is worth something only if the folder had not changed just before.
type stamp struct {
	mtime, ctime unix.StatxTimestamp
	id           inode
	fresh        bool
}

const (
	changes = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE
	// settled is how long a folder must have been unchanged for its times to tell: file systems count in steps.
	settled = 100 * time.Millisecond
)

// keptHere are the file systems that nobody changes but this kernel.
var keptHere = map[int64]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true,
	unix.F2FS_SUPER_MAGIC: true, unix.OVERLAYFS_SUPER_MAGIC: true, 0x2fc12fc1: true, // ZFS
	unix.RAMFS_MAGIC: true, 0xca451a4e: true, // bcachefs
}

func (w *watcher) init(poll bool) {
	w.fd, w.folders, w.others = -1, map[int32]*folder{}, map[*folder]bool{}
	if poll {
		return
	}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		w.fd = fd
	}
}

// add begins to watch a folder that is open as fd.
func (w *watcher) add(f *folder, fd int, st *unix.Statx_t) {
	var fsys unix.Statfs_t
	if w.fd >= 0 && unix.Fstatfs(fd, &fsys) == nil && keptHere[int64(fsys.Type)] {
		wd, err := unix.InotifyAddWatch(w.fd, "/proc/self/fd/"+itoa(int64(fd)), changes|unix.IN_ONLYDIR)
		if err == nil {
			f.watched = int32(wd)
			w.folders[f.watched] = f
			return
		}
	}
	w.others[f] = true
	w.stamp(f, st)
}

// remove ends it. The kernel has one watch for a folder, which may have been given to another one of that name by now.
func (w *watcher) remove(f *folder) {
	delete(w.others, f)
	if f.watched != 0 && w.folders[f.watched] == f {
		delete(w.folders, f.watched)
		_, _ = unix.InotifyRmWatch(w.fd, uint32(f.watched))
	}
	f.watched = 0
}

func (w *watcher) stamp(f *folder, st *unix.Statx_t) {
	f.stamp = stampOf(st)
}

func stampOf(st *unix.Statx_t) stamp {
	old := time.Now().Add(-settled)
	since := func(t unix.StatxTimestamp) bool { return time.Unix(t.Sec, int64(t.Nsec)).After(old) }
	return stamp{st.Mtime, st.Ctime, inodeOf(st), since(st.Mtime) || since(st.Ctime)}
}

// wait waits until there is word of a change, or for so long.
func (w *watcher) wait(most time.Duration) {
	if w.fd < 0 {
		time.Sleep(most)
		return
	}
	time.Sleep(time.Millisecond) // changes come in swarms
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, int(most/time.Millisecond))
}

// event is one change in a folder.
type event struct {
	mask uint32
	wd   int32
	base string
}

const eventSize = 16 // without the name

// hear deals with all changes that there is word of, and looks for others.
func (v *veil) hear() error {
	for range 64 { // more than the kernel keeps; commands can go on making some for ever
		all, err := v.watch.read()
		if err != nil {
			return err
		}
		if len(all) == 0 {
			break
		}
		for _, e := range all {
			if err := v.happened(e); err != nil {
				return err
			}
		}
	}
	if v.watch.missed {
		v.watch.missed = false
		if err := v.lookAgain(v.top, true); err != nil {
			return err
		}
	}
	return v.poll()
}

func (w *watcher) read() (all []event, err error) {
	if w.fd < 0 {
		return nil, nil
	}
	var buf [32 << 10]byte
	n, err := unix.Read(w.fd, buf[:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for b := buf[:max(n, 0)]; len(b) >= eventSize; {
		size := eventSize + int(binary.NativeEndian.Uint32(b[12:]))
		all = append(all, event{binary.NativeEndian.Uint32(b[4:]), int32(binary.NativeEndian.Uint32(b)), unix.ByteSliceToString(b[eventSize:size])})
		b = b[size:]
	}
	return all, nil
}

func (v *veil) happened(e event) error {
	if e.mask&unix.IN_Q_OVERFLOW != 0 {
		v.watch.missed = true
		return nil
	}
	f := v.watch.folders[e.wd]
	if f == nil {
		return nil
	}
	if e.mask&unix.IN_IGNORED != 0 {
		delete(v.watch.folders, e.wd)
		f.watched = 0
		return nil
	}
	if kid := f.kids[e.base]; kid != nil && e.mask&unix.IN_ISDIR != 0 {
		v.drop(kid)
	}
	if e.mask&(unix.IN_CREATE|unix.IN_MOVED_TO) == 0 {
		return nil
	}
	kind := uint32(unix.DT_UNKNOWN)
	if e.mask&unix.IN_ISDIR != 0 {
		kind = unix.DT_DIR
	}
	return v.look(f, entry{base: e.base, kind: kind})
}

// poll looks for changes in folders that are not watched.
func (v *veil) poll() error {
	for f := range v.watch.others {
		var st unix.Statx_t
		const want = unix.STATX_INO | unix.STATX_MTIME | unix.STATX_CTIME
		if !f.veiled && unix.Statx(v.root, f.name, unix.AT_SYMLINK_NOFOLLOW, want, &st) == nil {
			if s := f.stamp; !s.fresh && stampOf(&st) == s {
				continue
			}
		}
		if err := v.lookAgain(f, false); err != nil {
			return err
		}
	}
	return nil
}
