package state

import (
	"math/rand/v2"
	"strings"
	"time"

	"io/fs"

	"github.com/hutch-dev/hutch"
)

// file is one version of a file. Nothing in it changes once it is in a tree.
type file struct {
	data  []byte
	mode  fs.FileMode
	mtime time.Time
	rev   string
}

// entry is what a name stands for: a file, or a directory with what is in it.
// A directory in a tree is never empty.
type entry struct {
	file *file
	kids *node
}

func (e entry) isDir() bool { return e.file == nil }

// node is one entry of a directory in a treap that is sorted by segment. Nodes
// are never changed but copied on the way to a change, so that old trees stay
// whole and share all the rest. Priorities are random: no choice of names
// makes a tree deep.
type node struct {
	segment     string
	priority    uint32
	left, right *node
	entry
}

func (n *node) find(segment string) *node {
	for n != nil {
		switch c := strings.Compare(segment, n.segment); {
		case c < 0:
			n = n.left
		case c > 0:
			n = n.right
		default:
			return n
		}
	}
	return nil
}

// put returns n with e under segment. The node returned is always a new one,
// which is why the rotations may change it.
func (n *node) put(segment string, e entry) *node {
	if n == nil {
		return &node{segment: segment, priority: rand.Uint32(), entry: e}
	}
	c := *n
	switch order := strings.Compare(segment, n.segment); {
	case order == 0:
		c.entry = e
	case order < 0:
		c.left = n.left.put(segment, e)
		if l := c.left; l.priority > c.priority {
			c.left, l.right = l.right, &c
			return l
		}
	default:
		c.right = n.right.put(segment, e)
		if r := c.right; r.priority > c.priority {
			c.right, r.left = r.left, &c
			return r
		}
	}
	return &c
}

// drop returns n without segment, which is in it.
func (n *node) drop(segment string) *node {
	c := *n
	switch order := strings.Compare(segment, n.segment); {
	case order == 0:
		return merge(n.left, n.right)
	case order < 0:
		c.left = n.left.drop(segment)
	default:
		c.right = n.right.drop(segment)
	}
	return &c
}

// merge makes one treap of two, where all of a comes before all of b.
func merge(a, b *node) *node {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.priority > b.priority:
		c := *a
		c.right = merge(a.right, b)
		return &c
	}
	c := *b
	c.left = merge(a, b.left)
	return &c
}

// each calls f for the entries in order until it returns false.
func (n *node) each(f func(*node) bool) bool {
	return n == nil || n.left.each(f) && f(n) && n.right.each(f)
}

// walk calls f for all files below n, the content of the directory dir, in the
// byte order of whole names.
func (n *node) walk(dir string, f func(name string, v *file) bool) bool {
	// A directory "a" is met before "a-b", and its files "a/x" come after it: it
	// waits until what follows is greater. The one on top is always the least.
	var held []*node
	release := func(next *node) bool {
		for len(held) > 0 {
			d := held[len(held)-1]
			if next != nil && strings.HasPrefix(next.segment, d.segment) && next.segment[len(d.segment)] < '/' {
				return true
			}
			held = held[:len(held)-1]
			if !d.kids.walk(join(dir, d.segment), f) {
				return false
			}
		}
		return true
	}
	whole := n.each(func(e *node) bool {
		if !release(e) {
			return false
		}
		if e.isDir() {
			held = append(held, e)
			return true
		}
		return f(join(dir, e.segment), e.file)
	})
	return whole && release(nil)
}

// get finds what name stands for below n.
func (n *node) get(name string) (entry, error) {
	e := entry{kids: n}
	if name == "." {
		return e, nil
	}
	for s := range strings.SplitSeq(name, "/") {
		if !e.isDir() {
			return entry{}, hutch.ErrNotDir
		}
		found := e.kids.find(s)
		if found == nil {
			return entry{}, fs.ErrNotExist
		}
		e = found.entry
	}
	return e, nil
}

// set returns n with e under name and with the directories above it. It
// replaces a file, never a directory.
func (n *node) set(name string, e entry) (*node, error) {
	segment, rest, more := strings.Cut(name, "/")
	old := n.find(segment)
	if !more {
		if old != nil && old.isDir() {
			return nil, hutch.ErrIsDir
		}
		return n.put(segment, e), nil
	}
	var kids *node
	if old != nil {
		if !old.isDir() {
			return nil, hutch.ErrNotDir
		}
		kids = old.kids
	}
	kids, err := kids.set(rest, e)
	if err != nil {
		return nil, err
	}
	return n.put(segment, entry{kids: kids}), nil
}

// unset returns n without name, which is there, and without the directories
// that this leaves empty.
func (n *node) unset(name string) *node {
	segment, rest, more := strings.Cut(name, "/")
	if more {
		if kids := n.find(segment).kids.unset(rest); kids != nil {
			return n.put(segment, entry{kids: kids})
		}
	}
	return n.drop(segment)
}

func join(dir, segment string) string {
	if dir == "." {
		return segment
	}
	return dir + "/" + segment
}
