package workspaces

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/session"
)

// Local keeps every session in a folder of its own, where commands run in a jail.
// A session that sleeps has no jail and costs nothing but its files, and one whose
// process was killed has all that was written.
type Local struct {
	// Dir is the folder in which the folders are made.
	Dir string
	// Options are those of a session's sandbox; nil is the default for all. The
	// limits of a session can only be narrower.
	Options func(s session.Info) *local.Options
}

type localWorkspace struct {
	*local.Sandbox
	dir string
}

// Open implements [session.Provider].
func (l *Local) Open(_ context.Context, s session.Info, again bool) (session.Workspace, error) {
	if err := privately(l.Dir); err != nil {
		return nil, err
	}
	dir := place(l.Dir, s)
	if err := l.folder(dir, again); err != nil {
		return nil, err
	}
	var opts *local.Options
	if l.Options != nil {
		opts = l.Options(s)
	}
	b, err := local.Open(dir, within(opts, s.Limits))
	if err != nil {
		if !again {
			_ = os.Remove(dir)
		}
		return nil, bare(err)
	}
	return &localWorkspace{b, dir}, nil
}

// within is o with limits that can only be narrower.
func within(o *local.Options, l session.Limits) *local.Options {
	var own local.Options
	if o != nil {
		own = *o
	}
	if m := &own.Limits.Memory; l.Memory > 0 && (*m <= 0 || l.Memory < *m) {
		*m = l.Memory
	}
	if p := &own.Limits.Processes; l.Processes > 0 && (*p <= 0 || l.Processes < *p) {
		*p = l.Processes
	}
	return &own
}

// folder makes dir, or finds it.
func (l *Local) folder(dir string, again bool) error {
	if !again {
		return bare(os.Mkdir(dir, 0o700))
	}
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return gone("its folder")
	}
	return bare(err)
}

// Remove implements [session.Provider].
func (l *Local) Remove(_ context.Context, s session.Info) error { return removeAll(place(l.Dir, s)) }

// Backend implements [session.Workspace].
func (w *localWorkspace) Backend() hutch.Backend { return w.Sandbox }

// Sleep implements [session.Workspace].
func (w *localWorkspace) Sleep(context.Context) error { return w.Close() }

// End implements [session.Workspace].
func (w *localWorkspace) End(context.Context) error {
	return errors.Join(w.Close(), removeAll(w.dir))
}

// removeAll removes a folder also where somebody has taken rights away from what is
// in it.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return bare(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return bare(err)
	}
	defer root.Close()
	open(root, ".")
	return bare(os.RemoveAll(dir))
}

// open gives the owner all rights to the directories below name. What is swapped
// for a link meanwhile leads nowhere outside of root.
func open(root *os.Root, name string) {
	_ = root.Chmod(name, 0o700)
	d, err := root.Open(name)
	if err != nil {
		return
	}
	entries, _ := d.ReadDir(-1)
	d.Close()
	for _, e := range entries {
		if e.IsDir() {
			open(root, filepath.Join(name, e.Name()))
		}
	}
}
