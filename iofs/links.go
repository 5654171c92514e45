package iofs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
)

// maxLinks is how many links one name may lead through, as on Linux.
const maxLinks = 40

var (
	errLeaves = fmt.Errorf("%w: a link that leads out of the backend", fs.ErrPermission)
	errLoop   = fmt.Errorf("%w: too many links", fs.ErrInvalid)
)

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
