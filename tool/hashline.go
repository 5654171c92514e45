package tool

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

type hashlineIn struct {
	Path        string  `json:"path" jsonschema:"The file to edit."`
	StartLine   int     `json:"start_line" min:"0" jsonschema:"The first line to replace, or the line to insert after. 0, with insert_after, is the place before line 1."`
	StartHash   string  `json:"start_hash" jsonschema:"The hash that read_file shows for start_line; empty for line 0."`
	NewContent  string  `json:"new_content" jsonschema:"The new lines. Empty deletes the old ones; one line end alone is one empty line."`
	EndLine     *int    `json:"end_line,omitempty" min:"1" jsonschema:"The last line to replace. Without it only start_line is replaced."`
	EndHash     *string `json:"end_hash,omitempty" jsonschema:"The hash that read_file shows for end_line."`
	InsertAfter bool    `json:"insert_after,omitempty" default:"false" jsonschema:"Insert after start_line and replace nothing."`
}

type hashlineOut struct {
	changed
	Removed int `json:"removed" jsonschema:"Lines taken out."`
	Added   int `json:"added" jsonschema:"Lines put in."`
}

func (c *console) hashlineTool() Tool {
	s := spec{name: "hashline_edit", title: "Edit lines", op: guard.Edit, destructive: true}
	return newTool(c, s, c.hashline)
}

func (c *console) hashline(ctx context.Context, _ Call, in hashlineIn) (answer[hashlineOut], error) {
	name, err := c.resolve(in.Path)
	if err != nil {
		return answer[hashlineOut]{}, err
	}
	if err := in.check(); err != nil {
		return answer[hashlineOut]{}, err
	}
	var made *lineEdit
	res, err := c.edit(ctx, name, func(b hutch.Backend) (hutch.EditResult, error) {
		return hutch.UpdateFile(ctx, b, name, func(before []byte, _ hutch.Info) ([]byte, error) {
			if !utf8.Valid(before) {
				return nil, mistakef("'%s' is not valid UTF-8 text and cannot be edited.", c.path(name))
			}
			made = newLineEdit(string(before), in, c.seen.movedAt(name))
			return made.apply()
		})
	}, func() int { return made.firstMoved() })
	if err != nil {
		return answer[hashlineOut]{}, err
	}
	out := &hashlineOut{changed: c.changed(name, res), Removed: made.to - made.from, Added: len(made.added)}
	return answer[hashlineOut]{text: fmt.Sprintf("Edited %s: %s", c.path(name), made), data: out}, nil
}

// check refuses what no file could make right.
func (in *hashlineIn) check() error {
	switch {
	case !utf8.ValidString(in.NewContent):
		return mistakef("new_content is not valid UTF-8.")
	case in.InsertAfter && (in.EndLine != nil || in.EndHash != nil):
		return mistakef("insert_after replaces nothing, so it takes no end_line and no end_hash.")
	case in.InsertAfter && in.NewContent == "":
		return mistakef("There is nothing to insert: new_content is empty. For an empty line give one line end.")
	case !in.InsertAfter && in.StartLine == 0:
		return mistakef("Line 0 is the place before line 1: it can only be inserted after, with insert_after.")
	case in.EndHash != nil && in.EndLine == nil:
		return mistakef("end_hash is given without end_line.")
	case in.EndLine != nil && *in.EndLine < in.StartLine:
		return mistakef("end_line %d is before start_line %d.", *in.EndLine, in.StartLine)
	}
	return nil
}

// lineEdit is one edit of one text.
type lineEdit struct {
	in       hashlineIn
	mark     string
	lines    []fileLine
	hashes   []string
	moved    int // the first line whose number may not be what the model takes it for; 0 is none
	from, to int // the lines that go
	added    []fileLine
}

func newLineEdit(text string, in hashlineIn, moved int) *lineEdit {
	e := &lineEdit{in: in, moved: moved}
	e.mark, e.lines = splitText(text)
	e.hashes = hashesOf(e.lines)
	return e
}

func (e *lineEdit) apply() ([]byte, error) {
	if err := e.verify(); err != nil {
		return nil, err
	}
	e.from, e.to = e.in.StartLine-1, e.in.StartLine
	if e.in.InsertAfter {
		e.from = e.in.StartLine
	}
	if e.in.EndLine != nil {
		e.to = *e.in.EndLine
	}
	e.added = newLines(e.in.NewContent, lineEnd(e.lines, e.from))
	made := splice(e.lines, e.from, e.to, e.added)
	if slices.Equal(made, e.lines) {
		return nil, mistakef("The new lines are the same as the old ones, so nothing would change.")
	}
	e.lines = made
	return []byte(joinText(e.mark, made)), nil
}

// firstMoved is the first line that has another number now, 0 if none has. It is
// where the edit was made, not where the texts differ: of equal lines one may
// have taken the place of another.
func (e *lineEdit) firstMoved() int {
	if len(e.added) == e.to-e.from {
		return 0
	}
	return e.from + 1
}

// newLines are the lines of a text, which may or may not end with a line end.
func newLines(text, end string) []fileLine {
	if text == "" {
		return nil
	}
	var lines []fileLine
	for l := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		lines = append(lines, fileLine{strings.TrimSuffix(l, "\r"), end})
	}
	return lines
}

// verify holds the numbers and hashes of the call to the text.
func (e *lineEdit) verify() error {
	if e.in.StartLine > 0 {
		if err := e.verifyLine(e.in.StartLine, e.in.StartHash); err != nil {
			return err
		}
	}
	switch {
	case e.in.EndLine == nil || *e.in.EndLine == e.in.StartLine && e.in.EndHash == nil:
		return nil
	case e.in.EndHash != nil:
		return e.verifyLine(*e.in.EndLine, *e.in.EndHash)
	case *e.in.EndLine > len(e.lines):
		return e.outOfRange(*e.in.EndLine)
	case e.moved > 0 && *e.in.EndLine >= e.moved:
		return mistakef("Lines have moved since you read the file, from line %d on. Give end_hash, so that line %d is the one you mean, or read the file again.", e.moved, *e.in.EndLine)
	}
	return nil
}

func (e *lineEdit) verifyLine(number int, hash string) error {
	if number > len(e.lines) {
		return e.outOfRange(number)
	}
	got := e.hashes[number-1]
	places := e.places(hash)
	if got != hash {
		text := fmt.Sprintf("Hash mismatch at line %d: expected '%s', got '%s'.", number, cut(hash, 20), got)
		if len(places) == 1 {
			text += fmt.Sprintf(" The line with hash '%s' is now line %d.", hash, places[0])
		}
		return mistakef("%s What stands there now:\n%s\n\nRead the file again if that is not what you mean.", text, e.around(number-1, number))
	}
	if e.moved > 0 && number >= e.moved && len(places) > 1 {
		return mistakef("Lines have moved since you read the file, and %s look the same as line %d. Read that part of the file again, so that the right one is changed.", linesText(places), number)
	}
	return nil
}

func (e *lineEdit) outOfRange(number int) error {
	if len(e.lines) == 0 {
		return mistakef("Line %d is out of range: the file is empty. Use start_line 0 with insert_after.", number)
	}
	return mistakef("Line %d is out of range: the file has %s.", number, count(len(e.lines), "line", "lines"))
}

// places are the numbers of the lines with a hash.
func (e *lineEdit) places(hash string) []int {
	var all []int
	for i, h := range e.hashes {
		if h == hash {
			all = append(all, i+1)
		}
	}
	return all
}

// maxAround is how many lines are shown after an edit.
const maxAround = 40

// around shows lines[from:to] and two on either side as read_file does, with the
// hashes that they have now.
func (e *lineEdit) around(from, to int) string {
	hashes := hashesOf(e.lines)
	from, to = max(0, from-2), min(len(e.lines), to+2)
	var s strings.Builder
	for i := from; i < to; i++ {
		if i-from == maxAround {
			fmt.Fprintf(&s, "... (%s)\n", count(to-i, "more line", "more lines"))
			break
		}
		fmt.Fprintf(&s, "%d:%s|%s\n", i+1, hashes[i], cut(e.lines[i].text, maxLineBytes))
	}
	return strings.TrimSuffix(s.String(), "\n")
}

// String says what was done.
func (e *lineEdit) String() string {
	added, removed := len(e.added), e.to-e.from
	var what string
	switch {
	case removed == 0:
		what = fmt.Sprintf("Inserted %s after line %d.", count(added, "line", "lines"), e.from)
	case added == 0:
		what = fmt.Sprintf("Deleted %s, %d to %d.", count(removed, "line", "lines"), e.from+1, e.to)
	default:
		what = fmt.Sprintf("Replaced %s, %d to %d, by %d.", count(removed, "line", "lines"), e.from+1, e.to, added)
	}
	if len(e.lines) == 0 {
		return what + " The file is empty now."
	}
	return what + " The place now:\n" + e.around(e.from, e.from+added)
}
