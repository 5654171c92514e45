package tool

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

type patchIn struct {
	Patch string `json:"patch" jsonschema:"A unified diff, or a patch between the lines *** Begin Patch and *** End Patch."`
}

type patchOut struct {
	Files []patchedFile `json:"files" jsonschema:"In the order of the patch."`
}

type patchedFile struct {
	Path   string   `json:"path"`
	Change string   `json:"change" jsonschema:"added, updated, deleted or renamed."`
	From   string   `json:"from,omitempty" jsonschema:"The old path of a renamed file."`
	Rev    string   `json:"rev,omitempty" jsonschema:"The revision of the new version."`
	Places []string `json:"places,omitempty" jsonschema:"Where parts of the patch were applied, where that is not just what the patch says."`
	delta
}

func (c *console) patchTool() Tool {
	s := spec{name: "apply_patch", title: "Apply patch", op: guard.Edit, destructive: true}
	return newTool(c, s, c.patch)
}

// filePatch is what a patch says about one file.
type filePatch struct {
	line   int // of the patch, from 1
	change string
	path   string // as the patch has it
	to     string // the new path of a file that is renamed, else ""
	mode   fs.FileMode
	hunks  []hunk
}

// What a filePatch does.
const (
	added   = "added"
	updated = "updated"
	deleted = "deleted"
	renamed = "renamed"
)

// hunk is one place that is changed.
type hunk struct {
	line       int      // of the patch, from 1
	old        int      // the line of the file that it begins at, from 1; 0 is not known
	numbered   bool     // old is known, and may be 0 for a file without lines
	headers    []string // lines that stand somewhere above, in this order
	atEnd      bool     // its last line is that of the file
	miscounted bool     // the numbers of lines in its header are wrong
	lines      []hunkLine
}

// hunkLine is one line of a hunk.
type hunkLine struct {
	kind byte // ' ', '-' or '+'
	text string
	cr   bool // it ends in "\r\n"
	open bool // it has no line end: the last one of a file
	bare bool // an empty line of the patch, taken for an empty line of context
}

func (c *console) patch(ctx context.Context, _ Call, in patchIn) (answer[patchOut], error) {
	files, err := parsePatch(in.Patch)
	if err != nil {
		return answer[patchOut]{}, err
	}
	p := &plan{c: c, files: map[string]*staged{}}
	names, err := p.names(files)
	if err != nil {
		return answer[patchOut]{}, err
	}
	release, err := c.seen.hold(ctx, names...)
	if err != nil {
		return answer[patchOut]{}, err
	}
	defer release()
	out := &patchOut{}
	for i := range files {
		done, err := p.apply(ctx, &files[i])
		if err != nil {
			return answer[patchOut]{}, err
		}
		out.Files = append(out.Files, done)
	}
	if err := p.commit(ctx); err != nil {
		return answer[patchOut]{}, err
	}
	var s strings.Builder
	fmt.Fprintf(&s, "Applied the patch to %s:", count(len(out.Files), "file", "files"))
	for i := range out.Files {
		p.report(&s, &out.Files[i])
	}
	return answer[patchOut]{text: s.String(), data: out}, nil
}

// report completes what is said about a file, once it is written.
func (p *plan) report(s *strings.Builder, f *patchedFile) {
	name, _ := p.c.resolve(f.Path)
	f.Rev = p.files[name].newRev
	f.Path = hutch.PathOf(p.c.b, name)
	fmt.Fprintf(s, "\n  %s %s", f.Change, printable(f.Path))
	if f.From != "" {
		fmt.Fprintf(s, ", which was %s", printable(f.From))
	}
	for _, place := range f.Places {
		s.WriteString("\n    " + place)
	}
}
