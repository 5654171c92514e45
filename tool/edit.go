package tool

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// replacement is one exact replacement of text.
type replacement struct {
	Old string `json:"old_string" jsonschema:"The text to replace, exactly as it stands in the file, without line numbers. It must occur once, or replace_all be true."`
	New string `json:"new_string" jsonschema:"The text to put in its place."`
	All bool   `json:"replace_all,omitempty" default:"false" jsonschema:"Replace every occurrence."`
}

type editIn struct {
	Path string `json:"path" jsonschema:"The file to edit."`
	replacement
}

type multiEditIn struct {
	Path  string        `json:"path" jsonschema:"The file to edit."`
	Edits []replacement `json:"edits" min:"1" max:"1000" jsonschema:"The replacements, made one after the other, each on what the one before it has made."`
}

type editOut struct {
	changed
	Replaced []int `json:"replaced" jsonschema:"Occurrences replaced, for each edit."`
}

func (c *console) editTool() Tool {
	s := spec{name: "edit_file", title: "Edit file", op: guard.Edit, destructive: true}
	return newTool(c, s, func(ctx context.Context, _ Call, in editIn) (answer[editOut], error) {
		return c.replace(ctx, in.Path, []replacement{in.replacement})
	})
}

func (c *console) multiEditTool() Tool {
	s := spec{name: "multi_edit", title: "Edit file in several places", op: guard.Edit, destructive: true}
	return newTool(c, s, func(ctx context.Context, _ Call, in multiEditIn) (answer[editOut], error) {
		return c.replace(ctx, in.Path, in.Edits)
	})
}

func (c *console) replace(ctx context.Context, path string, all []replacement) (answer[editOut], error) {
	name, err := c.resolve(path)
	if err != nil {
		return answer[editOut]{}, err
	}
	edits := make([]hutch.Edit, len(all))
	for i, r := range all {
		edits[i] = hutch.Edit{Old: r.Old, New: r.New, All: r.All}
	}
	res, err := c.edit(ctx, name, func(b hutch.Backend) (hutch.EditResult, error) {
		return hutch.EditFile(ctx, b, name, edits)
	}, nil)
	if err != nil {
		return answer[editOut]{}, c.editMistake(name, edits, err)
	}
	n := 0
	for _, r := range res.Replaced {
		n += r
	}
	text := fmt.Sprintf("Edited %s: replaced %s", c.path(name), count(n, "occurrence", "occurrences"))
	if len(all) > 1 {
		text += fmt.Sprintf(" in %d edits", len(all))
	}
	return answer[editOut]{text: text, data: &editOut{c.changed(name, res), res.Replaced}}, nil
}

// editMistake turns an edit that cannot be applied into words.
func (c *console) editMistake(name string, edits []hutch.Edit, err error) error {
	var e *hutch.EditError
	if !errors.As(err, &e) {
		return err
	}
	text := editText(e, edits[min(e.Index, len(edits)-1)].Old, c.path(name))
	if len(edits) > 1 {
		text = fmt.Sprintf("Edit %d of %d: %s Nothing was changed.", e.Index+1, len(edits), text)
	}
	return &mistake{text}
}

func editText(e *hutch.EditError, old, path string) string {
	switch e.Kind {
	case hutch.EditEmpty:
		return "The old string is empty. Give the text to replace; use write_file for a new file."
	case hutch.EditUnchanged:
		return "The old and the new string are the same, so nothing would change."
	case hutch.EditNotText:
		return fmt.Sprintf("'%s' is not valid UTF-8 text and cannot be edited.", path)
	case hutch.EditAmbiguous:
		return fmt.Sprintf("String '%s' found %d times (%s). Use replace_all=true to replace all, or provide more context.",
			cut(old, 200), len(e.Lines), linesText(e.Lines))
	}
	text := fmt.Sprintf("String '%s' not found in file.", cut(old, 200))
	switch {
	case e.Near == nil:
		return text + " Read the file again and copy the text exactly."
	case e.Near.Whitespace:
		return text + fmt.Sprintf(" Line %d differs in white space only:\n%s\n", e.Near.Line, e.Near.Text)
	}
	return text + fmt.Sprintf(" The closest text begins at line %d:\n%s\n", e.Near.Line, e.Near.Text)
}

// linesText is a list of line numbers, which may be cut.
func linesText(lines []int) string {
	const most = 10
	var all []string
	for _, l := range lines[:min(len(lines), most)] {
		all = append(all, fmt.Sprint(l))
	}
	if len(lines) > most {
		all = append(all, "...")
	}
	if len(lines) == 1 {
		return "line " + all[0]
	}
	return "lines " + strings.Join(all, ", ")
}
