package backendtest

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/hutch-dev/hutch"
)

func quote(s string) string { return strconv.Quote(s) }

// op is one way to use a backend with a name, and the errors that it owes.
type op struct {
	name    string
	do      func(t *env, ctx context.Context, b hutch.Backend, name string) error
	missing error // where nothing has the name
	dir     error // where a directory with something in it has it
	file    error // where a file has it
	emptyOK bool  // "" is the root
}

// readOps are all ways to read.
func readOps() []op {
	none, isDir, notDir := fs.ErrNotExist, hutch.ErrIsDir, hutch.ErrNotDir
	return []op{
		{name: "Open", do: doOpen, missing: none, dir: isDir},
		{name: "ReadFile", do: doReadFile, missing: none, dir: isDir},
		{name: "Stat", do: doStat, missing: none},
		{name: "List", do: doList, missing: none, file: notDir},
		{name: "Walk", do: doWalk, missing: none, file: notDir},
		{name: "Glob", do: doGlob, missing: none, file: notDir, emptyOK: true},
		{name: "Grep", do: doGrep, missing: none, emptyOK: true},
	}
}

// writeOps are all ways to change a backend. Those with two names use "source",
// which is a file, or "target", where nothing is, as the other one.
func writeOps() []op {
	none, isDir := fs.ErrNotExist, hutch.ErrIsDir
	return []op{
		{name: "Write", do: doWrite, dir: isDir},
		{name: "Remove", do: doRemove, missing: none, dir: isDir},
		{name: "RemoveAll", do: doRemoveAll},
		{name: "EditFile", do: doEdit, missing: none, dir: isDir},
		{name: "Move from", do: doMoveFrom, missing: none},
		{name: "Move to", do: doMoveTo, dir: isDir},
		{name: "Copy from", do: doCopyFrom, missing: none},
		{name: "Copy to", do: doCopyTo, dir: isDir},
	}
}

func doOpen(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	f, err := b.Open(ctx, name)
	if err == nil {
		f.Close()
	}
	return err
}

func doReadFile(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	_, err := hutch.ReadFile(ctx, b, name)
	return err
}

func doStat(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	_, err := b.Stat(ctx, name)
	return err
}

func doList(t *env, ctx context.Context, b hutch.Backend, name string) error {
	return lastError(t, "List", b.List(ctx, name))
}

func doWalk(t *env, ctx context.Context, b hutch.Backend, name string) error {
	return lastError(t, "Walk", hutch.Walk(ctx, b, name))
}

func doGlob(t *env, ctx context.Context, b hutch.Backend, name string) error {
	return lastError(t, "Glob", t.do.glob(ctx, b, "**", &hutch.GlobOptions{Dir: name}))
}

func doGrep(t *env, ctx context.Context, b hutch.Backend, name string) error {
	return lastError(t, "Grep", t.do.grep(ctx, b, hutch.Query{Pattern: "x", Dir: name}))
}

func doWrite(t *env, ctx context.Context, b hutch.Backend, name string) error {
	_, err := b.Write(ctx, name, strings.NewReader("written"), nil)
	return err
}

func doRemove(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return b.Remove(ctx, name)
}

func doRemoveAll(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return hutch.RemoveAll(ctx, b, name)
}

func doEdit(t *env, ctx context.Context, b hutch.Backend, name string) error {
	_, err := t.do.edit(ctx, b, name, []hutch.Edit{{Old: "source", New: "edited"}})
	return err
}

func doMoveFrom(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return hutch.Move(ctx, b, name, "target")
}

func doMoveTo(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return hutch.Move(ctx, b, "source", name)
}

func doCopyFrom(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return hutch.Copy(ctx, b, "target", b, name)
}

func doCopyTo(_ *env, ctx context.Context, b hutch.Backend, name string) error {
	return hutch.Copy(ctx, b, name, b, "source")
}

// try does the operation, and turns a panic into a failure of the check.
func (o op) try(t *env, ctx context.Context, name string) (err error) {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			t.Errorf("%s(%s): %v", o.name, short(name), err)
		}
	}()
	return o.do(t, ctx, t.b, name)
}
