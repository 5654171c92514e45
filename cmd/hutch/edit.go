package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/diff"
	"github.com/hutch-dev/hutch/internal/show"
	"github.com/spf13/cobra"
)

// editor is the verb edit.
type editor struct {
	*cli
	old, new, file string
	all            bool
}

func editCommand(c *cli) *cobra.Command {
	e := &editor{cli: c}
	cmd := &cobra.Command{
		Use:   "edit FILE {--old TEXT --new TEXT [--all] | --edits JSON}",
		Short: "Replace text in a file",
		Long: `Replace text that must occur exactly once, or with --all at least once, and
print what changed as a unified diff. Several edits of one file come as JSON:

  [{"old": "one", "new": "two"}, {"old": "a", "new": "b", "all": true}]

They are made one after the other, all or none. Edits of several people at the
same time never lose one. When the text is not there, the error says where it
almost is.
With --json, one object as of ls, and replaced (a number for each edit), diff.`,
		Example: `  hutch edit main.go --old 'port = 80' --new 'port = 8080'
  hutch edit main.go --edits changes.json`,
		Args: args(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := cmd.Flags().Changed
			edits, err := e.edits(changed("edits"), changed("old"), changed("new"))
			if err != nil {
				return err
			}
			return e.run(cmd.Context(), args[0], edits)
		},
	}
	f := cmd.Flags()
	f.StringVar(&e.old, "old", "", "the `TEXT` to replace")
	f.StringVar(&e.new, "new", "", "the `TEXT` that takes its place")
	f.BoolVar(&e.all, "all", false, "replace every occurrence")
	f.StringVar(&e.file, "edits", "", "read several edits from this `FILE` of JSON; - is the standard input")
	cmd.ValidArgsFunction = c.completeNames
	return cmd
}

func (e *editor) edits(file, old, new bool) ([]hutch.Edit, error) {
	switch {
	case file && (old || new || e.all):
		return nil, usagef("edit: --edits excludes --old, --new and --all")
	case file:
		return e.readEdits()
	case !old || !new:
		return nil, usagef("edit: --old and --new are needed, or --edits")
	}
	return []hutch.Edit{{Old: e.old, New: e.new, All: e.all}}, nil
}

// readEdits reads a JSON array of edits.
func (e *editor) readEdits() ([]hutch.Edit, error) {
	var r io.Reader = e.in
	where := "standard input"
	if e.file != "-" {
		f, err := os.Open(e.file)
		if err != nil {
			return nil, fmt.Errorf("edits in %s: %w", e.file, bare(err))
		}
		defer f.Close()
		r, where = f, e.file
	}
	var list []struct {
		Old *string `json:"old"`
		New *string `json:"new"`
		All bool    `json:"all"`
	}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	err := d.Decode(&list)
	if err == nil {
		if _, err = d.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = errors.New("more than one JSON value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("edits in %s: %w", where, jsonError(err))
	}
	edits := make([]hutch.Edit, len(list))
	for i, l := range list {
		if l.Old == nil || l.New == nil {
			return nil, fmt.Errorf("edits in %s: edit %d has no %s", where, i+1, map[bool]string{true: "old", false: "new"}[l.Old == nil])
		}
		edits[i] = hutch.Edit{Old: *l.Old, New: *l.New, All: l.All}
	}
	return edits, nil
}

// jsonError is an error of package json without the names of Go types.
func jsonError(err error) error {
	var te *json.UnmarshalTypeError
	switch {
	case errors.As(err, &te) && te.Field != "":
		return fmt.Errorf("%q is a JSON %s, which does not fit there", te.Field, te.Value)
	case errors.As(err, &te):
		return fmt.Errorf("a JSON %s where a list of edits is wanted", te.Value)
	case err == io.EOF:
		return errors.New("nothing there")
	case err == io.ErrUnexpectedEOF:
		return errors.New("the JSON ends too early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

func (e *editor) run(ctx context.Context, path string, edits []hutch.Edit) error {
	w, err := e.open(nil)
	if err != nil {
		return err
	}
	name, err := hutch.Resolve(w.b, ".", path)
	if err != nil {
		return err
	}
	res, err := hutch.EditFile(ctx, w.b, name, edits)
	if err != nil {
		return err
	}
	if err := w.commit(); err != nil {
		return err
	}
	changes := diff.Unified(show.Visible(name, false), string(res.Before), string(res.After))
	if e.json {
		return e.printJSON(struct {
			entry
			Replaced []int  `json:"replaced"`
			Diff     string `json:"diff"`
		}{entryOf(w.lasting(res.Info)), res.Replaced, changes})
	}
	return e.printer().diff(e.out, changes)
}

// diff prints a unified diff.
func (p printer) diff(w io.Writer, diff string) error {
	text := diff
	if p.terminal || p.color {
		text = show.Diff(diff, p.color)
	}
	_, err := io.WriteString(w, text)
	return err
}
