package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

func rmCommand(c *cli) *cobra.Command {
	var deep, force bool
	cmd := &cobra.Command{
		Use:   "rm PATH...",
		Short: "Remove files and directories",
		Long: `Remove files, links (never what they lead to) and empty directories, with -r
directories and all that is in them; hutch rm -r . empties the backend.
With --json, one object a line for what was removed: name.`,
		Example: `  hutch rm -r build`,
		Args:    args(1, -1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.rm(cmd.Context(), args, deep, force)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&deep, "recursive", "r", false, "remove directories that are not empty")
	f.BoolVarP(&force, "force", "f", false, "what is not there is no error")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func (c *cli) rm(ctx context.Context, args []string, deep, force bool) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	var removed []string
	err = c.each(ctx, args, func(arg string) error {
		name, err := hutch.Resolve(w.b, ".", arg)
		if err != nil {
			return err
		}
		err = remove(ctx, w.b, name, deep)
		if force && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			removed = append(removed, name)
		}
		return err
	})
	if err := w.commit(); err != nil {
		return err
	}
	if c.json {
		for _, name := range removed {
			if err := c.printJSON(struct {
				Name string `json:"name"`
			}{name}); err != nil {
				return err
			}
		}
	}
	return err
}

func remove(ctx context.Context, b hutch.Backend, name string, deep bool) error {
	err := b.Remove(ctx, name)
	switch {
	case !errors.Is(err, hutch.ErrIsDir):
		return err
	case deep:
		return hutch.RemoveAll(ctx, b, name)
	}
	return fmt.Errorf("%w; remove it with -r", err)
}
