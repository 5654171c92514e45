package tool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

type writeIn struct {
	Path    string `json:"path" jsonschema:"The file to write. Missing directories are made."`
	Content string `json:"content" jsonschema:"The whole new content, stored exactly as given."`
}

type writeOut struct {
	changed
	Lines   int  `json:"lines"`
	Created bool `json:"created" jsonschema:"There was no such file before."`
}

func (c *console) writeTool() Tool {
	s := spec{name: "write_file", title: "Write file", op: guard.Write, destructive: true, idempotent: true}
	return newTool(c, s, c.write)
}

func (c *console) write(ctx context.Context, _ Call, in writeIn) (answer[writeOut], error) {
	name, err := c.resolve(in.Path)
	if err != nil {
		return answer[writeOut]{}, err
	}
	release, err := c.seen.hold(ctx, name)
	if err != nil {
		return answer[writeOut]{}, err
	}
	defer release()
	out, err := c.store(ctx, name, []byte(in.Content))
	if errors.Is(err, hutch.ErrIsDir) {
		return answer[writeOut]{}, mistakef("'%s' is a directory. Give the path of a file.", c.path(name))
	}
	if err != nil {
		return answer[writeOut]{}, err
	}
	verb := "Wrote"
	if out.Created {
		verb = "Created: wrote"
	}
	return answer[writeOut]{text: fmt.Sprintf("%s %s to %s", verb, count(out.Lines, "line", "lines"), c.path(name)), data: out}, nil
}

// maxStoreTries bounds store on a file that somebody rewrites without end.
const maxStoreTries = 100

// store replaces what it has looked at, or tries again. A file that the model
// knows in another version is left alone.
func (c *console) store(ctx context.Context, name string, content []byte) (*writeOut, error) {
	for try := 1; ; try++ {
		old, err := c.old(ctx, name)
		if err != nil {
			return nil, err
		}
		info, err := hutch.WriteFile(ctx, c.b, name, content, &hutch.WriteOptions{IfRev: old.rev})
		if errors.Is(err, hutch.ErrConflict) && try < maxStoreTries {
			continue
		}
		if err != nil {
			return nil, err
		}
		c.seen.wrote(name, info.Rev, 1)
		path := hutch.PathOf(c.b, name)
		out := &writeOut{Lines: lineCount(content), Created: old.rev == hutch.Absent}
		out.changed = changed{Path: path, Rev: info.Rev, Size: int64(len(content)), delta: delta{Cut: true}}
		if old.whole {
			out.delta = deltaOf(path, old.content, content)
		}
		return out, nil
	}
}

// oldVersion is what a write replaces.
type oldVersion struct {
	rev     string // what IfRev has to be; "" where the file may not be read
	content []byte
	whole   bool // content is all of it
}

func (c *console) old(ctx context.Context, name string) (oldVersion, error) {
	if g, ok := hutch.As[guard.Foreseer](c.b); ok && g.Outlook(guard.Read) != guard.Allowed {
		return c.oldUnread(ctx, name) // nobody is to be asked twice for one write
	}
	f, err := c.b.Open(ctx, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return oldVersion{rev: hutch.Absent, whole: true}, nil
	case errors.Is(err, fs.ErrPermission): // it may be written all the same
		return oldVersion{}, nil
	case err != nil:
		return oldVersion{}, err
	}
	defer f.Close()
	info := f.Info()
	if err := c.fresh(name, info); err != nil {
		return oldVersion{}, err
	}
	old := oldVersion{rev: info.Rev}
	if info.Size > maxDiffing/2 {
		return old, nil
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(f); err != nil {
		if errors.Is(err, hutch.ErrConflict) {
			return old, nil // the write will see it
		}
		return old, err
	}
	old.content, old.whole = buf.Bytes(), true
	return old, ctx.Err()
}

// oldUnread is old where reading is not simply allowed.
func (c *console) oldUnread(ctx context.Context, name string) (oldVersion, error) {
	i, err := c.b.Stat(guard.Unasked(ctx), name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return oldVersion{rev: hutch.Absent, whole: true}, nil
	case errors.Is(err, fs.ErrPermission):
		return oldVersion{}, nil
	case err == nil && i.IsDir():
		return oldVersion{}, &fs.PathError{Op: "write", Path: name, Err: hutch.ErrIsDir}
	case err != nil:
		return oldVersion{}, err
	}
	return oldVersion{rev: i.Rev}, c.fresh(name, i)
}
