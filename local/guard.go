package local

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// staging is the directory of temporary files and locks in a workspace.
const staging = ".hutch-tmp"

// staged reports whether name is the staging directory or in it. Case is ignored
// because file systems may.
func staged(name string) bool { return covers(staging, name) }

// guard knows the names that nothing may write.
type guard struct {
	names []string
	held  *held
}

func newGuard(protect, unprotect []string) (guard, error) {
	g := guard{held: &held{}}
	drop := map[string]bool{}
	for _, p := range unprotect {
		name, err := hutch.Clean(".", p)
		if err != nil {
			return g, err
		}
		drop[name] = true
	}
	for _, p := range append(DefaultProtect(), protect...) {
		name, err := hutch.Clean(".", p)
		if err == nil && name == "." {
			err = fail("protect", p, &mappedText{"the whole workspace cannot be protected", fs.ErrInvalid})
		}
		if err != nil {
			return g, err
		}
		if !drop[name] {
			g.names = append(g.names, name)
			drop[name] = true
		}
	}
	return g, nil
}

// check returns an error if name, which no link is part of, may not be written,
// removed or renamed: a protected name, what is below it, and the directories
// above it, since who replaces those replaces it. Case is ignored because file
// systems may.
func (g guard) check(name string) error {
	if staged(name) {
		return &mappedText{"name is reserved", fs.ErrPermission}
	}
	for _, p := range g.names {
		if covers(p, name) || covers(name, p) {
			return &mappedText{"name is protected", fs.ErrPermission}
		}
	}
	return nil
}

// covers reports whether name is dir or below it.
func covers(dir, name string) bool {
	return len(name) >= len(dir) && strings.EqualFold(name[:len(dir)], dir) &&
		(len(name) == len(dir) || name[len(dir)] == '/')
}

// hides reports whether a name is as good as absent: the staging directory, and
// what the jail puts in the place of a protected name that does not exist.
func (g guard) hides(name string, n *node) bool {
	if staged(name) {
		return true
	}
	if !n.sticky {
		return false
	}
	return (n.mode == fs.ModeDir|0o555 || n.mode == fs.ModeSocket) && g.mayHide(name)
}

// mayHide reports whether something may stand in the place of name.
func (g guard) mayHide(name string) bool {
	above := func(p string) bool { return covers(name, p) }
	return slices.ContainsFunc(g.names, above) || slices.ContainsFunc(g.held.all(), above)
}
