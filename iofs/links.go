package iofs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/hutch-dev/hutch"
)

// maxLinks is how many links one name may lead through, as on Linux.
const maxLinks = 40

var (
	errLeaves = fmt.Errorf("%w: a link that leads out of the backend", fs.ErrPermission)
	errLoop   = fmt.Errorf("%w: too many links", fs.ErrInvalid)
	errLink   = fmt.Errorf("%w: a link", fs.ErrPermission)
	errNoName = fmt.Errorf("%w: a link that leads to what has no name", fs.ErrPermission)
)

// As offers the power where links can be known.
func (b *backend) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Scanner:
		*t = b
		return true
	case *hutch.Linker:
		if b.linker {
			*t = b
		}
		return b.linker
	}
	return false
}

// Real implements [hutch.Linker].
func (b *backend) Real(ctx context.Context, name string) (string, error) {
	if err := check(ctx, "real", name); err != nil {
		return "", err
	}
	if b.links == nil {
		return name, nil
	}
	real, err := b.real(name)
	if err == nil && hutch.CheckName("real", real) != nil {
		err = errNoName
	}
	if err != nil {
		return "", failure("real", name, err)
	}
	return real, nil
}

// real is find for names that need not be there.
func (b *backend) real(name string) (string, error) {
	at, rest, links := ".", name, 0
	var lacks error // what at lacks to be a directory
	for rest != "" && rest != "." {
		if segment, _, _ := strings.Cut(rest, "/"); segment == ".." && lacks != nil {
			return "", lacks
		}
		var err error
		if at, rest, err = step(at, rest); err != nil {
			return "", err
		}
		info, err := b.links.Lstat(at)
		switch {
		case lacks != nil && (err == nil || absent(err)):
			continue // below what is no directory
		case err == nil && info.Mode().Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return "", errLoop
			}
			if at, rest, err = b.follow(at, rest); err != nil {
				return "", err
			}
		case err == nil && !info.IsDir():
			lacks = hutch.ErrNotDir
		case absent(err):
			lacks = fs.ErrNotExist
		case err != nil:
			return "", err
		}
	}
	return at, nil
}

// absent reports whether err says that nothing has a name.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Unlinked implements [hutch.Linker].
func (b *backend) Unlinked() hutch.Backend {
	u := *b
	u.unlinked = true
	return &u
}

// find follows the links in name, and returns the name without them and what is
// there. An fs.FS would follow them by itself, but also to the outside.
func (b *backend) find(name string) (at string, info fs.FileInfo, err error) {
	if b.links == nil {
		info, err = fs.Stat(b.fsys, name)
		if errors.Is(err, fs.ErrNotExist) && b.belowFile(name) {
			err = hutch.ErrNotDir
		}
		return name, info, err
	}
	at, rest := ".", name
	for links := 0; ; {
		if info, err = b.links.Lstat(at); err != nil {
			return "", nil, err
		}
		switch {
		case info.Mode().Type() == fs.ModeSymlink && b.unlinked:
			return "", nil, errLink
		case info.Mode().Type() == fs.ModeSymlink:
			if links++; links > maxLinks {
				return "", nil, errLoop
			}
			if at, rest, err = b.follow(at, rest); err != nil {
				return "", nil, err
			}
			continue
		case rest == "" || rest == ".":
			return at, info, nil
		case !info.IsDir():
			return "", nil, hutch.ErrNotDir
		}
		if at, rest, err = step(at, rest); err != nil {
			return "", nil, err
		}
	}
}

// step goes one segment of rest further from the directory at.
func step(at, rest string) (string, string, error) {
	segment, rest, _ := strings.Cut(rest, "/")
	switch segment {
	case "", ".":
		return at, rest, nil
	case "..":
		if at == "." {
			return "", "", errLeaves
		}
		return path.Dir(at), rest, nil
	}
	return path.Join(at, segment), rest, nil
}

// follow replaces the link at by the directory it is in and what it says.
func (b *backend) follow(at, rest string) (string, string, error) {
	target, err := b.links.ReadLink(at)
	if err != nil {
		return "", "", err
	}
	if path.IsAbs(target) {
		return "", "", errLeaves
	}
	if rest != "" {
		target += "/" + rest
	}
	return path.Dir(at), target, nil
}

// belowFile reports whether a parent of name is a file: most fs.FS say no more
// than that there is nothing.
func (b *backend) belowFile(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := fs.Stat(b.fsys, dir); err == nil {
			return !info.IsDir()
		}
	}
	return false
}
