package hutch

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits of names, those of Linux file systems.
const (
	MaxSegment = 255  // bytes between two slashes
	MaxName    = 4095 // bytes in all
)

// CheckName is what every method of a backend asks first: it returns nil for a
// name that [fs.ValidPath] accepts (valid UTF-8, separated by slashes, not
// rooted, no empty, "." or ".." segment, "." for the root), without NUL bytes
// and within MaxSegment and MaxName; else an [*fs.PathError] that matches
// [fs.ErrInvalid].
func CheckName(op, name string) error {
	if why := badName(name); why != "" {
		return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: %s", fs.ErrInvalid, why)}
	}
	return nil
}

func badName(name string) string {
	switch {
	case len(name) > MaxName:
		return fmt.Sprintf("name of %d bytes, at most %d", len(name), MaxName)
	case !fs.ValidPath(name):
		return "not a name inside the backend"
	case strings.IndexByte(name, 0) >= 0:
		return "name with a NUL byte"
	}
	if len(name) > MaxSegment {
		for s := range strings.SplitSeq(name, "/") {
			if len(s) > MaxSegment {
				return fmt.Sprintf("part of %d bytes in a name, at most %d", len(s), MaxSegment)
			}
		}
	}
	return ""
}

// Clean turns a path, as a person or an agent types it, into a name. A path
// that begins with a slash starts at the root of the backend, any other at the
// directory dir. Empty and "." segments vanish and ".." goes up, by whole
// segments: "a..b" and "[...slug]" are ordinary names. Clean only computes, so
// ".." after a link means the directory that the text names.
//
// Its error is an [*fs.PathError] with the path as it was given that matches
// [fs.ErrInvalid]: for a path that leaves the root, or one that [CheckName]
// refuses. The empty path is dir itself.
func Clean(dir, p string) (string, error) {
	var parts []string
	if !strings.HasPrefix(p, "/") && dir != "" && dir != "." {
		if why := badName(dir); why != "" {
			return "", &fs.PathError{Op: "clean", Path: dir, Err: fmt.Errorf("%w: %s", fs.ErrInvalid, why)}
		}
		parts = strings.Split(dir, "/")
	}
	for s := range strings.SplitSeq(p, "/") {
		switch s {
		case "", ".":
		case "..":
			if len(parts) == 0 {
				return "", &fs.PathError{Op: "clean", Path: p, Err: fmt.Errorf("%w: path leaves the workspace", fs.ErrInvalid)}
			}
			parts = parts[:len(parts)-1]
		default:
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		return ".", nil
	}
	name := strings.Join(parts, "/")
	if why := badName(name); why != "" {
		return "", &fs.PathError{Op: "clean", Path: p, Err: fmt.Errorf("%w: %s", fs.ErrInvalid, why)}
	}
	return name, nil
}

// Resolve is Clean for the paths of a backend whose commands see it somewhere:
// where b is [Rooted], a path that begins with a slash must lie under Root, as
// it must for a command, and anything else is an error that says where the
// workspace is. On other backends it is Clean.
func Resolve(b Backend, dir, p string) (string, error) {
	r, ok := As[Rooted](b)
	if !ok || !strings.HasPrefix(p, "/") {
		return Clean(dir, p)
	}
	root := r.Root()
	clean := path.Clean(p)
	if root == "/" || clean == root || strings.HasPrefix(clean, root+"/") {
		name, err := Clean(".", strings.TrimPrefix(clean, root))
		if pe, ok := err.(*fs.PathError); ok {
			pe.Path = p
		}
		return name, err
	}
	return "", &fs.PathError{Op: "resolve", Path: p, Err: fmt.Errorf("%w: path is outside the workspace, which is at %s", fs.ErrInvalid, root)}
}

// PathOf is the path to show for a name: under Root where b is [Rooted], else
// the name itself. Resolve turns it back.
func PathOf(b Backend, name string) string {
	if r, ok := As[Rooted](b); ok {
		return path.Join(r.Root(), name)
	}
	return name
}
