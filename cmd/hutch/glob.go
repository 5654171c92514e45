package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

func globCommand(c *cli) *cobra.Command {
	var o hutch.GlobOptions
	cmd := &cobra.Command{
		Use:   "glob PATTERN",
		Short: "Find files by their names",
		Long: `Print the names of the files that match a pattern, as they are found, in order.
* and ? match within a directory, ** any number of directories, [a-z] and [!a-z]
a character, {a,b} either. The pattern is matched against the whole name as seen
from --dir; with -r one without a slash is matched against the last part, at any
depth.
With --json, one object a line as of ls.
Exit status: 0 found, 1 nothing found or an error, 2 wrong usage.`,
		Example: `  hutch glob 'src/**/*_test.go'`,
		Args:    args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.glob(cmd.Context(), args[0], o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Dir, "dir", "", "search in this `DIR` only")
	f.BoolVarP(&o.Recurse, "recurse", "r", false, "match a pattern without a slash at any depth")
	f.BoolVar(&o.Hidden, "hidden", false, "match names that begin with a dot, too")
	f.BoolVar(&o.Gitignore, "gitignore", false, "leave out what the .gitignore files leave out, and .git")
	c.completeDir(cmd, "dir")
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (c *cli) glob(ctx context.Context, pattern string, o hutch.GlobOptions) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	if o.Dir, err = hutch.Resolve(w.b, ".", o.Dir); err != nil {
		return err
	}
	if pattern, err = relativePattern(w.b, pattern, o.Dir); err != nil {
		return err
	}
	o.Names = !c.json
	p := c.printer()
	found := false
	for info, err := range hutch.Glob(ctx, w.b, pattern, &o) {
		if err != nil {
			return err
		}
		found = true
		if c.json {
			err = c.printJSON(entryOf(info))
		} else {
			_, err = io.WriteString(c.out, p.glob(info.Name)+"\n")
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return exit(1)
	}
	return nil
}

// glob shows a name with its directory in colour.
func (p printer) glob(name string) string {
	i := strings.LastIndexByte(name, '/') + 1
	return p.paint(nameColor, name[:i]) + p.text(name[i:])
}

// relativePattern turns a pattern that begins with a slash into one as seen from
// the root of the backend.
func relativePattern(b hutch.Backend, pattern, dir string) (string, error) {
	if !strings.HasPrefix(pattern, "/") {
		return pattern, nil
	}
	if dir != "." {
		return "", usagef("glob: with --dir, write the pattern as seen from there, without the slash in front")
	}
	root := "/"
	if r, ok := hutch.As[hutch.Rooted](b); ok {
		root = strings.TrimSuffix(r.Root(), "/") + "/"
	}
	rest, ok := strings.CutPrefix(pattern, root)
	if !ok {
		return "", fmt.Errorf("glob %s: pattern is outside the workspace, which is at %s", pattern, strings.TrimSuffix(root, "/"))
	}
	return rest, nil
}
