package local

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/hutch-dev/hutch"
)

// maxLinks is how many links a name may lead through, as in the kernel.
const maxLinks = 40

// follow runs do on name, whose links the system follows while they are
// relative. Where it meets one that leaves, the absolute ones that point back
// under Root are worked out here, and do runs once more on the name that comes
// of it, still confined by the system.
func follow[T any](s *Sandbox, name string, do func(tree, string) (T, error)) (T, error) {
	v, err := do(s.tree, name)
	if !errors.Is(err, errEscape) {
		return v, err
	}
	real, e := s.realName(name, true)
	if e != nil {
		return v, e
	}
	if real == name {
		return v, err
	}
	return do(s.tree, real)
}

// Real implements [hutch.Linker]. It asks the same tree as every operation, so
// that no path of the host plays a part, and follows what Open follows. What
// leads to something that has no name here is refused.
func (s *Sandbox) Real(ctx context.Context, name string) (string, error) {
	if err := s.begin(ctx, "real", name); err != nil {
		return "", err
	}
	defer s.end()
	if _, err := s.tree.straight().stat(name); err == nil { // most names
		return name, nil
	}
	real, err := s.realName(name, true)
	for try := 0; errors.Is(err, errLink) && try < maxLinks; try++ { // swapped meanwhile
		real, err = s.realName(name, true)
	}
	if err == nil && hutch.CheckName("real", real) != nil {
		err = &mappedText{"link leads to what has no name", fs.ErrPermission}
	}
	if err != nil {
		return "", fail("real", name, err)
	}
	return real, nil
}

// Unlinked implements [hutch.Linker]. On Linux a link is refused by the call that
// would follow it. On other systems, and on Linux before 5.6, what is read is
// compared with what the name stands for once it is open, and so is the directory
// in which something is removed; but a write or a rename looks for links just
// before it is done: a directory that somebody replaces by a link at that moment
// is followed, inside the workspace.
func (s *Sandbox) Unlinked() hutch.Backend { return view{s: s, unlinked: true} }

// realName is name with the links on its way replaced by what they say, and
// with final also one at its end. What does not exist stays as it is.
func (s *Sandbox) realName(name string, final bool) (string, error) {
	todo := strings.Split(name, "/")
	done := "."
	var lacks error // what done lacks to be a directory
	for links := 0; len(todo) > 0; {
		seg := todo[0]
		todo = todo[1:]
		switch seg {
		case "", ".":
			continue
		case "..":
			if lacks == nil && done == "." {
				lacks = errEscape
			}
			if lacks != nil {
				return "", lacks
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, seg)
		n, err := s.tree.lstat(next)
		switch err = plain(err); {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, hutch.ErrNotDir):
			done, lacks = next, err
			continue
		case err != nil:
			return "", err
		}
		if n.mode&fs.ModeSymlink == 0 || len(todo) == 0 && !final {
			done, lacks = next, nil
			if !n.mode.IsDir() {
				lacks = hutch.ErrNotDir
			}
			continue
		}
		if links++; links > maxLinks {
			return "", &mappedText{"too many links", fs.ErrInvalid}
		}
		if todo, done, err = s.through(next, todo); err != nil {
			return "", err
		}
	}
	return done, nil
}

// through is what is left to resolve, and from where, after the link at name.
func (s *Sandbox) through(name string, todo []string) (rest []string, from string, err error) {
	target, err := s.tree.readlink(name)
	if errors.Is(err, syscall.EINVAL) {
		return nil, "", errLink // it is no link any more: start again
	}
	if err != nil {
		return nil, "", err
	}
	from = path.Dir(name)
	if path.IsAbs(target) {
		if target, err = s.inside(target); err != nil {
			return nil, "", err
		}
		from = "."
	}
	return append(strings.Split(target, "/"), todo...), from, nil
}

// inside is the part of an absolute link below the path where commands see the
// workspace.
func (s *Sandbox) inside(target string) (string, error) {
	root := s.Root()
	if target == root {
		return ".", nil
	}
	rest, ok := strings.CutPrefix(target, strings.TrimSuffix(root, "/")+"/")
	if !ok {
		return "", errEscape
	}
	return rest, nil
}

// mappedText is a sentence that means one of our errors.
type mappedText struct {
	text  string
	means error
}

func (m *mappedText) Error() string { return m.text }
func (m *mappedText) Unwrap() error { return m.means }
