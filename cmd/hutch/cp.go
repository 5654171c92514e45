package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

func mvCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mv FROM TO",
		Short: "Rename or move a file or a directory",
		Long: `Give a file or a directory another name. A file is replaced. Where TO is a
directory, or ends in a slash, FROM keeps its last name and moves in there.
With --json, one object: from, to.`,
		Example: `  hutch mv draft.md docs/`,
		Args:    args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.transfer(cmd.Context(), args[0], args[1], hutch.Move)
		},
	}
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func cpCommand(c *cli) *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use:   "cp FROM TO",
		Short: "Copy a file or a directory, also from and to the host",
		Long: `Copy a file, or with -r a directory. A file is replaced; a directory is copied to
a name where nothing is yet. Where TO is a directory, or ends in a slash, the copy
is made in there.
host:PATH is a file or a directory of this machine instead of the backend, on one
side, so that files can be brought in and taken out. Links inside a directory
are copied as the files they lead to, and left out if they lead out of it.
With --json, one object: from, to.`,
		Example: `  hutch cp -r host:testdata fixtures
  hutch cp report.pdf host:/tmp/report.pdf`,
		Args: args(2, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.cp(cmd.Context(), args[0], args[1], deep)
		},
	}
	cmd.Flags().BoolVarP(&deep, "recursive", "r", false, "copy directories")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func (c *cli) cp(ctx context.Context, from, to string, deep bool) error {
	hostFrom, in := strings.CutPrefix(from, "host:")
	hostTo, out := strings.CutPrefix(to, "host:")
	switch {
	case in && out:
		return usagef("cp: host: on both sides; one of them must be in the backend")
	case in:
		return c.bring(ctx, hostFrom, to, deep)
	case out:
		return c.take(ctx, from, hostTo, deep)
	}
	return c.transfer(ctx, from, to, func(ctx context.Context, b hutch.Backend, from, to string) error {
		if err := fileUnless(ctx, b, from, deep); err != nil {
			return err
		}
		return hutch.Copy(ctx, b, to, b, from)
	})
}

// fileUnless refuses a directory unless deep.
func fileUnless(ctx context.Context, b hutch.Backend, name string, deep bool) error {
	if deep {
		return nil
	}
	info, err := b.Stat(ctx, name)
	if err == nil && info.IsDir() {
		err = &fs.PathError{Op: "copy", Path: name, Err: fmt.Errorf("%w; copy it with -r", hutch.ErrIsDir)}
	}
	return err
}

// transfer does what makes something at one name appear at another.
func (c *cli) transfer(ctx context.Context, from, to string, do func(ctx context.Context, b hutch.Backend, from, to string) error) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	source, err := hutch.Resolve(w.b, ".", from)
	if err != nil {
		return err
	}
	target, err := targetOf(ctx, w.b, to, path.Base(source))
	if err != nil {
		return err
	}
	if err := do(ctx, w.b, source, target); err != nil {
		return err
	}
	return c.moved(w, source, target)
}

// moved stores the changes and says what was done.
func (c *cli) moved(w *workspace, from, to string) error {
	if err := w.commit(); err != nil || !c.json {
		return err
	}
	return c.printJSON(struct {
		From string `json:"from"`
		To   string `json:"to"`
	}{from, to})
}

// targetOf is the name that the path to stands for: itself, or where it is a
// directory, base in there.
func targetOf(ctx context.Context, b hutch.Backend, to, base string) (string, error) {
	name, err := hutch.Resolve(b, ".", to)
	if err != nil {
		return "", err
	}
	into := strings.HasSuffix(to, "/")
	info, err := b.Stat(ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err == nil && info.IsDir() {
		into = true
	}
	if !into || base == "." {
		return name, nil
	}
	return path.Join(name, base), nil
}
