//go:build amd64 || arm64

package jail

import (
	"path"

	"golang.org/x/sys/unix"

	"github.com/hutch-dev/hutch/internal/search"
)

// entry is what a folder says of what is in it.
type entry struct {
	base string
	kind uint32 // one of unix.DT_, DT_UNKNOWN for any but a folder
	ino  uint64 // 0 if not known
}

// lost reports whether an error means that something is not there any more, or has become something else.
func lost(err error) bool {
	switch err {
	case unix.ENOENT, unix.ENOTDIR, unix.ELOOP, unix.ESTALE, unix.ENAMETOOLONG:
		return true
	}
	return false
}

// look judges one entry of a folder and does what follows.
func (v *veil) look(dir *folder, e entry) error {
	name := path.Join(dir.name, e.base)
	if e.kind == unix.DT_DIR {
		return v.lookFolder(dir, name, e)
	}
	hidden, protected := v.judgeFile(dir, name)
	if !hidden && len(v.hidden) > 0 && e.kind != unix.DT_LNK {
		hidden = v.isHidden(dir, e)
	}
	if hidden && e.kind == unix.DT_UNKNOWN {
		e.kind = v.kindOf(dir, e.base)
	}
	if hidden && e.kind != unix.DT_LNK {
		return v.hide(dir, e.base)
	}
	if readOnly := dir.readOnly && !dir.layered(v); protected && !readOnly || protected != dir.readOnly {
		return v.seal(dir, e.base, protected)
	}
	return nil
}

// isHidden reports whether an entry is another name of a hidden file.
func (v *veil) isHidden(dir *folder, e entry) (is bool) {
	if e.ino != 0 {
		if _, is = v.hidden[inode{dir.id.dev, e.ino}]; !is {
			return false
		}
	}
	is = false
	_ = v.each(dir, e.base, func(fd int) error {
		st, err := statx(fd)
		if b, known := v.hidden[inodeOf(&st)]; err == nil && known {
			is = b == st.Btime && (b != born{} || st.Nlink > 1)
		}
		return err
	})
	return is
}

func (v *veil) kindOf(dir *folder, base string) (kind uint32) {
	_ = v.each(dir, base, func(fd int) error {
		st, err := statx(fd)
		kind = uint32(st.Mode) & unix.S_IFMT >> 12
		return err
	})
	return kind
}

func (v *veil) lookFolder(dir *folder, name string, e entry) error {
	if kid := dir.kids[e.base]; kid != nil {
		if e.ino == kid.id.ino && e.ino != 0 {
			return nil
		}
		v.drop(kid)
	}
	f := v.judge(name, dir)
	kid := &folder{up: dir, name: name, marks: f.marks, readOnly: f.readOnly, veiled: dir.veiled}
	if f.whole {
		if err := v.hide(dir, e.base); err != nil || !v.busy {
			return err
		}
		kid.masked, kid.veiled, kid.id = true, true, v.under
		return v.enter(kid)
	}
	layered := dir.layered(v)
	if f.protected && (!dir.readOnly || layered) || f.readOnly != dir.readOnly {
		if err := v.seal(dir, e.base, f.readOnly); err != nil {
			return err
		}
	}
	if f.opens || layered && f.readOnly {
		return v.enter(kid)
	}
	if v.busy && f.readOnly && !dir.readOnly {
		return v.enter(kid) // commands in it do not go through the mount
	}
	return nil
}

// layered reports whether commands may be in the folder without going through the mounts on the way to it.
func (f *folder) layered(v *veil) bool {
	for ; f != nil && len(v.layers) > 0; f = f.up {
		if len(v.layers[f.id]) > 0 {
			return true
		}
	}
	return false
}

// enter begins to watch a folder and looks at all that is in it.
func (v *veil) enter(f *folder) error {
	fd, err := v.openFolder(f)
	if err == unix.EACCES && f.up != nil {
		return v.shut(f)
	}
	if err != nil {
		if lost(err) && f.up != nil {
			return nil
		}
		return err
	}
	defer func() { unix.Close(fd) }()
	st, err := statx(fd)
	if err != nil {
		return err
	}
	f.id = inodeOf(&st)
	v.keep(f)
	v.watch.add(f, fd, &st)
	entries, err := readFolder(fd)
	if err != nil {
		return ignoreLost(err)
	}
	unix.Close(fd)
	fd = -1
	return v.lookAll(f, entries)
}

func (v *veil) keep(f *folder) {
	if f.up == nil {
		return
	}
	if f.up.kids == nil {
		f.up.kids = map[string]*folder{}
	}
	f.up.kids[path.Base(f.name)] = f
}

func (v *veil) lookAll(f *folder, entries []entry) error {
	for _, e := range entries {
		if err := v.look(f, e); err != nil {
			return err
		}
	}
	return nil
}

func ignoreLost(err error) error {
	if lost(err) {
		return nil
	}
	return err
}

// openFolder opens a folder for reading: where its name leads, or by a layer.
func (v *veil) openFolder(f *folder) (int, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW
	found, err := -1, error(unix.ENOENT)
	if !f.veiled {
		var fd int
		if fd, err = openBelow(v.root, f.name, flags); err == nil {
			return fd, nil
		}
	}
	v.byLayers(f, ".", func(layer int, rest string) bool {
		fd, failed := openBelow(layer, rest, flags)
		if failed == nil {
			found = fd
		}
		return failed != nil
	})
	if found >= 0 {
		err = nil
	}
	return found, err
}

func openBelow(dir int, name string, flags uint64) (int, error) {
	return unix.Openat2(dir, name, &unix.OpenHow{
		Flags: flags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// shut closes a folder that cannot be looked into: what is in it is not known.
func (v *veil) shut(f *folder) error {
	base := path.Base(f.name)
	for i := range v.rules {
		if f.marks[i].hide != search.Nothing || v.rules[i].hide.Varies(f.name, f.marks[i].hide) {
			return v.hide(f.up, base)
		}
	}
	return v.seal(f.up, base, true)
}

// drop forgets a folder and all below it.
func (v *veil) drop(f *folder) {
	for _, kid := range f.kids {
		v.drop(kid)
	}
	v.watch.remove(f)
	if f.up != nil && f.up.kids[path.Base(f.name)] == f {
		delete(f.up.kids, path.Base(f.name))
	}
}

// lookAgain looks at all that is in a folder, and with deep also at what is below.
func (v *veil) lookAgain(f *folder, deep bool) error {
	fd, err := v.openFolder(f)
	if err != nil {
		if err == unix.EACCES && f.up != nil {
			v.drop(f)
			return v.shut(f)
		}
		return ignoreLost(err)
	}
	st, err := statx(fd)
	if err == nil && inodeOf(&st) == f.id {
		v.watch.stamp(f, &st)
	}
	entries, err := readFolder(fd)
	unix.Close(fd)
	if err != nil {
		return ignoreLost(err)
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.base] = true
	}
	for base, kid := range f.kids {
		if !there[base] {
			v.drop(kid)
		}
	}
	if err := v.lookAll(f, entries); err != nil || !deep {
		return err
	}
	for _, kid := range f.kids {
		if err := v.lookAgain(kid, true); err != nil {
			return err
		}
	}
	return nil
}
