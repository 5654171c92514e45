package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// maxEntries is how many directories, and how many files, ls shows.
const maxEntries = 500

type lsIn struct {
	Path string `json:"path,omitempty" default:"." jsonschema:"The directory to list. The default is the root of the workspace."`
}

type lsOut struct {
	Path    string  `json:"path"`
	Entries []entry `json:"entries" jsonschema:"Directories first, then by name."`
	More    int     `json:"more" jsonschema:"How many entries are not shown."`
}

type entry struct {
	Name string `json:"name"`
	Dir  bool   `json:"dir"`
	Link bool   `json:"link,omitempty" jsonschema:"It is a symbolic link; dir and size are those of what it leads to."`
	Size int64  `json:"size" jsonschema:"In bytes; 0 for a directory."`
	gone bool
}

func (c *console) lsTool() Tool {
	return newTool(c, spec{name: "ls", title: "List directory", op: guard.List, readOnly: true, idempotent: true}, c.ls)
}

func (c *console) ls(ctx context.Context, _ Call, in lsIn) (answer[lsOut], error) {
	name, err := c.resolve(in.Path)
	if err != nil {
		return answer[lsOut]{}, err
	}
	dirs, files, more, err := c.entries(ctx, name)
	if errors.Is(err, hutch.ErrNotDir) {
		return c.lsFile(ctx, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return answer[lsOut]{}, c.missing(ctx, "Directory", name)
	}
	if err != nil {
		return answer[lsOut]{}, err
	}
	out := &lsOut{Path: hutch.PathOf(c.b, name), Entries: append(dirs, files...), More: more}
	if len(out.Entries) == 0 {
		return answer[lsOut]{text: fmt.Sprintf("Directory '%s' is empty", c.path(name)), data: out}, nil
	}
	var s strings.Builder
	fmt.Fprintf(&s, "Contents of %s:", c.path(name))
	for _, e := range out.Entries {
		s.WriteString("\n  " + e.String())
	}
	if more > 0 {
		fmt.Fprintf(&s, "\n... and %d more (%d in all; use glob to find one)", more, more+len(out.Entries))
	}
	return answer[lsOut]{text: s.String(), data: out}, nil
}

// entries are the first of a directory, and how many more there are.
func (c *console) entries(ctx context.Context, dir string) (dirs, files []entry, more int, err error) {
	dirs = []entry{}
	for i, err := range c.b.List(ctx, dir) {
		if err != nil {
			return nil, nil, 0, err
		}
		e := c.entry(ctx, i, len(dirs) < maxEntries || len(files) < maxEntries)
		switch {
		case e.Dir && len(dirs) < maxEntries:
			dirs = append(dirs, e)
		case !e.Dir && len(files) < maxEntries:
			files = append(files, e)
		default:
			more++
		}
	}
	return dirs, files, more, nil
}

func (c *console) entry(ctx context.Context, i hutch.Info, follow bool) entry {
	e := entry{Name: path.Base(i.Name), Dir: i.IsDir(), Size: i.Size, Link: i.Mode&fs.ModeSymlink != 0}
	if !e.Link {
		return e
	}
	e.gone = true
	if !follow {
		return e
	}
	if t, err := c.b.Stat(guard.Unasked(ctx), i.Name); err == nil {
		e.Dir, e.Size, e.gone = t.IsDir(), t.Size, false
	}
	return e
}

func (e entry) String() string {
	name := printable(e.Name)
	switch {
	case e.gone:
		return name + " (link that leads nowhere)"
	case e.Dir && e.Link:
		return name + "/ (link)"
	case e.Dir:
		return name + "/"
	case e.Link:
		return fmt.Sprintf("%s (%d bytes, link)", name, e.Size)
	}
	return fmt.Sprintf("%s (%d bytes)", name, e.Size)
}

// lsFile answers for a path that is a file.
func (c *console) lsFile(ctx context.Context, name string) (answer[lsOut], error) {
	i, err := c.b.Stat(ctx, name)
	if err != nil {
		return answer[lsOut]{}, err
	}
	i.Name = name
	e := c.entry(ctx, i, true)
	return answer[lsOut]{
		text: fmt.Sprintf("%s is a file:\n  %s", c.path(name), e),
		data: &lsOut{Path: hutch.PathOf(c.b, name), Entries: []entry{e}},
	}, nil
}
