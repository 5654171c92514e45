//go:build amd64 || arm64

package jail

import (
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hutch-dev/hutch/internal/search"
)

// veil keeps from commands what Confine was told. It knows every folder in which something can match, hears of changes in them
// from the kernel (or looks whether there are any, see watch), and mounts over what matches.
//
// Commands run meanwhile and move things about. So nothing is decided about a place that is looked up a second time: a name is
// opened without following links, and what is mounted over is what was opened, which had that name at that moment. If it has
// another one by then, there will be word of that too.
type veil struct {
	root   int // a handle of the workspace
	masks  masks
	rules  []*nameRule
	top    *folder // nil until the workspace has been searched
	watch  watcher
	layers map[inode][]int // handles of what folders were before something was mounted over them while commands were in them
	hidden map[inode]born  // files that are masked
	under  inode           // the folder masked last
	linked bool            // one of them has more names
	busy   bool            // commands are running
	raised bool            // the calling thread may mount
}

// inode says which file or folder something is.
type inode struct{ dev, ino uint64 }

// born tells a file from a later one with the same number.
type born = unix.StatxTimestamp

// nameRule is one confinement.
type nameRule struct{ hide, protect *search.NameList }

// folder is a folder in which something can match.
type folder struct {
	up       *folder
	name     string // relative to the workspace
	id       inode
	marks    []mark // for each rule
	readOnly bool   // mounted so, here or above
	masked   bool   // it has a mask over it, and only layers lead to it
	veiled   bool   // it or one above is masked
	kids     map[string]*folder
	watched  int32 // what the kernel calls it, 0 if it does not watch it
	stamp    stamp // when it is not watched
}

// mark is what NameList.Enter says of a folder.
type mark struct{ hide, protect int }

func newVeil(root string, poll bool) (*veil, error) {
	v := &veil{layers: map[inode][]int{}, hidden: map[inode]born{}}
	var err error
	if v.root, err = unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if err = v.masks.open(); err != nil {
		return nil, err
	}
	v.watch.init(poll)
	return v, nil
}

// add adds a rule. If it cannot be made to hold it is none.
func (v *veil) add(c *confine) error {
	hide, err := search.CompileNameList(c.hide)
	if err != nil {
		return unix.EINVAL
	}
	protect, err := search.CompileNameList(c.protect)
	if err != nil {
		return unix.EINVAL
	}
	old := v.rules
	v.rules = append(v.rules[:len(old):len(old)], &nameRule{hide, protect})
	v.forget()
	if err := v.check(true); err != nil {
		v.rules = old
		v.forget()
		return err
	}
	return nil
}

// forget makes the next check search the whole workspace.
func (v *veil) forget() {
	if v.top != nil {
		v.drop(v.top)
		v.top = nil
	}
}

// check sees to it that all that is there by now is masked. busy says that commands are running.
func (v *veil) check(busy bool) error {
	if len(v.rules) == 0 {
		return nil
	}
	if v.busy = busy; !busy {
		v.closeLayers()
	}
	defer v.lower()
	if v.top == nil {
		return v.search()
	}
	if err := v.hear(); err != nil {
		return err
	}
	if !v.linked {
		return nil
	}
	v.linked = false
	return v.lookAgain(v.top, true)
}

func (v *veil) search() error {
	v.top = &folder{name: "."}
	f := v.judge(".", nil)
	v.top.marks = f.marks
	err := error(nil)
	if f.readOnly {
		v.top.readOnly = true
		err = v.sealRoot()
	}
	if err == nil && f.opens {
		err = v.enter(v.top)
	}
	if err == nil && v.linked {
		v.linked = false
		err = v.lookAgain(v.top, true)
	}
	if err != nil {
		v.forget()
	}
	return err
}

// fate is what the rules say of a name.
type fate struct {
	protected bool
	marks     []mark // of a folder
	whole     bool   // a folder with all in it is hidden
	readOnly  bool   // whatever may come into the folder is protected
	opens     bool   // there can be something in the folder to look after
}

// anyName stands for names that nobody has thought of when writing rules.
const anyName = "\U0010fffe\U0010ffff"

// judge says what the rules say of a folder; above is the one that holds it.
func (v *veil) judge(name string, above *folder) fate {
	f := fate{marks: make([]mark, len(v.rules))}
	probe := path.Join(name, anyName)
	folded, foldedProbe := search.FoldName(name), search.FoldName(probe)
	for i, r := range v.rules {
		m := mark{search.Nothing, search.Nothing}
		if above != nil {
			m = above.marks[i]
		}
		var hidden, protected bool
		hidden, m.hide = r.hide.Enter(name, folded, m.hide)
		protected, m.protect = r.protect.Enter(name, folded, m.protect)
		f.marks[i] = m
		varies := r.hide.Varies(name, m.hide)
		f.protected = f.protected || protected
		f.whole = f.whole || hidden && !varies && above != nil
		f.opens = f.opens || varies || m.hide != search.Nothing || r.protect.Varies(name, m.protect)
		if anew, _ := r.protect.Enter(probe, foldedProbe, m.protect); anew {
			f.readOnly = true
		}
	}
	return f
}

// judgeFile says what the rules say of what is no folder.
func (v *veil) judgeFile(dir *folder, name string) (hidden, protected bool) {
	folded := search.FoldName(name)
	for i, r := range v.rules {
		h, _ := r.hide.Enter(name, folded, dir.marks[i].hide)
		p, _ := r.protect.Enter(name, folded, dir.marks[i].protect)
		hidden, protected = hidden || h, protected || p
	}
	return hidden, protected
}

// loose is how many of the folders on the way to a hidden name can move without making it visible to those who come later.
func (v *veil) loose(name string) int {
	n := strings.Count(name, "/")
	for _, r := range v.rules {
		if r.hide.Has(name) {
			n = min(n, r.hide.Loose(name))
		}
	}
	return n
}
