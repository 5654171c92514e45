package local

import (
	"errors"
	"io/fs"
	"path"
	"strings"
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

// realName is name with the links on its way replaced by what they say, and
// with final also one at its end. What does not exist stays as it is.
func (s *Sandbox) realName(name string, final bool) (string, error) {
	todo := strings.Split(name, "/")
	done := "."
	for links := 0; len(todo) > 0; {
		seg := todo[0]
		todo = todo[1:]
		switch seg {
		case "", ".":
			continue
		case "..":
			if done == "." {
				return "", errEscape
			}
			done = path.Dir(done)
			continue
		}
		next := path.Join(done, seg)
		n, err := s.tree.lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			n, err = node{}, nil
		}
		if err != nil {
			return "", err
		}
		if n.mode&fs.ModeSymlink == 0 || len(todo) == 0 && !final {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", &mappedText{"too many links", fs.ErrInvalid}
		}
		target, err := s.tree.readlink(next)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			if target, err = s.inside(target); err != nil {
				return "", err
			}
			done = "."
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return done, nil
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
