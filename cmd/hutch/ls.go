package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/spf13/cobra"
)

// lister is the verb ls.
type lister struct {
	*cli
	long, deep, all bool

	b hutch.Backend
	p printer
}

func lsCommand(c *cli) *cobra.Command {
	l := &lister{cli: c}
	cmd := &cobra.Command{
		Use:   "ls [PATH...]",
		Short: "List files and directories",
		Long: `List what is in directories, or describe files, by their whole names.
Directories end in a slash. Names that begin with a dot are shown with -a.
With --json, one object a line: name, type (file, dir, link, other), size, mode,
mod_time, rev.`,
		Example: `  hutch ls -l src`,
		Args:    args(0, -1),
		RunE:    func(cmd *cobra.Command, args []string) error { return l.run(cmd.Context(), args) },
	}
	f := cmd.Flags()
	f.BoolVarP(&l.long, "long", "l", false, "show mode, size and time")
	f.BoolVarP(&l.deep, "recursive", "R", false, "list what is in directories, too")
	f.BoolVarP(&l.all, "all", "a", false, "show names that begin with a dot")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func (l *lister) run(ctx context.Context, args []string) error {
	w, err := l.open(nil)
	if err != nil {
		return err
	}
	l.b, l.p = w.b, l.printer()
	if len(args) == 0 {
		args = []string{"."}
	}
	return l.each(ctx, args, func(arg string) error {
		name, err := hutch.Resolve(w.b, ".", arg)
		if err != nil {
			return err
		}
		info, err := w.b.Stat(ctx, name)
		if err != nil {
			return err
		}
		if !info.IsDir() {
			return l.show(info)
		}
		return l.dir(ctx, name)
	})
}

func (l *lister) dir(ctx context.Context, name string) error {
	for info, err := range l.b.List(ctx, name) {
		if err != nil {
			return err
		}
		if !l.all && strings.HasPrefix(path.Base(info.Name), ".") {
			continue
		}
		if err := l.show(info); err != nil {
			return err
		}
		if l.deep && info.IsDir() {
			if err := l.dir(ctx, info.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *lister) show(i hutch.Info) error {
	if l.json {
		return l.printJSON(entryOf(i))
	}
	name := l.p.text(i.Name)
	if i.IsDir() {
		name += "/"
	}
	if !l.long {
		_, err := io.WriteString(l.out, name+"\n")
		return err
	}
	when := "-"
	if !i.ModTime.IsZero() {
		when = i.ModTime.UTC().Format("2006-01-02T15:04:05Z")
	}
	_, err := fmt.Fprintf(l.out, "%s %12d %-20s %s\n", i.Mode, i.Size, when, name)
	return err
}
