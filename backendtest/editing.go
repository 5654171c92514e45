package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

type editCase struct {
	doc          string
	before       string
	edits        []hutch.Edit
	after        string
	replaced     []int
	kind         hutch.EditKind // of the error; "" for none
	index        int            // of the edit that cannot be applied
	lines        []int          // of an ambiguous text
	near         int            // line of the near miss; 0: none
	whitespace   bool
	nearContains string
}

func editChecks() []check {
	return []check{
		{"Edit/Once", "an edit replaces the one occurrence of its text", nil, func(t *env) { edits(t, editOnce()) }},
		{"Edit/All", "with All every occurrence is replaced, from the start, not overlapping", nil, func(t *env) { edits(t, editAll()) }},
		{"Edit/Several", "edits are applied one after the other, each to what the one before made", nil, func(t *env) { edits(t, editSeveral()) }},
		{"Edit/LineEnds", "line ends, byte order mark and a missing final newline survive an edit", nil, func(t *env) { edits(t, editLineEnds()) }},
		{"Edit/Result", "EditFile returns the new version and the content before and after", these("f", "a b c"), editResult},
		{"Edit/Mode", "an edit keeps the mode", nil, editMode},
	}
}

func editRefusedChecks() []check {
	return []check{
		{"Edit/Ambiguous", "a text that occurs more than once is refused with the lines where it begins", nil, func(t *env) { edits(t, editAmbiguous()) }},
		{"Edit/NotFound", "a text that is not there is refused with the closest place", nil, func(t *env) { edits(t, editNotFound()) }},
		{"Edit/Senseless", "an empty or unchanged text is refused", nil, func(t *env) { edits(t, editSenseless()) }},
		{"Edit/AllOrNone", "where one edit cannot be applied none is", nil, func(t *env) { edits(t, editAllOrNone()) }},
		{"Edit/NotText", "a file that is not UTF-8 is refused and stays as it is", nil, func(t *env) { edits(t, editNotText()) }},
		{"Edit/TooLarge", "a file larger than MaxEdit is ErrTooLarge", these("f", "x"), editTooLarge},
	}
}

func one(old, new string) []hutch.Edit { return []hutch.Edit{{Old: old, New: new}} }

func editOnce() []editCase {
	return []editCase{
		{doc: "a word", before: "one two three", edits: one("two", "2"), after: "one 2 three", replaced: []int{1}},
		{doc: "lines", before: "a\nb\nc\n", edits: one("a\nb\n", "x\n"), after: "x\nc\n", replaced: []int{1}},
		{doc: "to nothing", before: "a\nb\n", edits: one("b\n", ""), after: "a\n", replaced: []int{1}},
		{doc: "all of it", before: "x", edits: one("x", ""), after: "", replaced: []int{1}},
		{doc: "verbatim", before: `a $1 \n "q" 'r' .* end`, edits: one(`$1 \n "q" 'r' .*`, `$2 \t %s`), after: `a $2 \t %s end`, replaced: []int{1}},
		{doc: "wide", before: "日本語", edits: one("本", "é"), after: "日é語", replaced: []int{1}},
		{doc: "a part of old in new", before: "ab", edits: one("ab", "abab"), after: "abab", replaced: []int{1}},
	}
}

func editAll() []editCase {
	return []editCase{
		{doc: "three", before: "a b a b a", edits: []hutch.Edit{{Old: "a", New: "x", All: true}}, after: "x b x b x", replaced: []int{3}},
		{doc: "overlapping", before: "aaaaa", edits: []hutch.Edit{{Old: "aa", New: "b", All: true}}, after: "bba", replaced: []int{2}},
		{doc: "growing", before: "aa", edits: []hutch.Edit{{Old: "a", New: "aa", All: true}}, after: "aaaa", replaced: []int{2}},
		{doc: "one", before: "abc", edits: []hutch.Edit{{Old: "b", New: "", All: true}}, after: "ac", replaced: []int{1}},
	}
}

func editSeveral() []editCase {
	return []editCase{
		{doc: "two", before: "a b c", edits: []hutch.Edit{{Old: "a", New: "1"}, {Old: "c", New: "3"}}, after: "1 b 3", replaced: []int{1, 1}},
		{doc: "on each other", before: "a", edits: []hutch.Edit{{Old: "a", New: "bb"}, {Old: "b", New: "c", All: true}}, after: "cc", replaced: []int{1, 2}},
		{doc: "made unique", before: "x x y", edits: []hutch.Edit{{Old: "x x", New: "x"}, {Old: "x", New: "z"}}, after: "z y", replaced: []int{1, 1}},
	}
}

func editLineEnds() []editCase {
	return []editCase{
		{doc: "CRLF found", before: "a\r\nb\r\nc\r\n", edits: one("a\nb", "x\ny\nz"), after: "x\r\ny\r\nz\r\nc\r\n", replaced: []int{1}},
		{doc: "CRLF in new", before: "a\r\nb\r\n", edits: one("b", "1\n2"), after: "a\r\n1\r\n2\r\n", replaced: []int{1}},
		{doc: "CRLF given", before: "a\r\nb\r\n", edits: one("a\r\nb", "a\r\nc"), after: "a\r\nc\r\n", replaced: []int{1}},
		{doc: "mixed", before: "a\r\nb\nc\n", edits: one("b\nc", "x\ny"), after: "a\r\nx\ny\n", replaced: []int{1}},
		{doc: "mark", before: "\ufeffone\n", edits: one("one", "two"), after: "\ufefftwo\n", replaced: []int{1}},
		{doc: "no final newline", before: "a\nb", edits: one("a", "x"), after: "x\nb", replaced: []int{1}},
		{doc: "blanks at line ends", before: "a  \nb\t\n", edits: one("b", "c"), after: "a  \nc\t\n", replaced: []int{1}},
		{doc: "NUL", before: "a\x00b", edits: one("b", "c"), after: "a\x00c", replaced: []int{1}},
	}
}

func editAmbiguous() []editCase {
	return []editCase{
		{doc: "twice", before: "x\ny\nx\n", edits: one("x", "z"), kind: hutch.EditAmbiguous, lines: []int{1, 3}},
		{doc: "overlapping", before: "aaa", edits: one("aa", "b"), kind: hutch.EditAmbiguous, lines: []int{1, 1}},
		{doc: "lines", before: "a\nb\na\nb\n", edits: one("a\nb", "z"), kind: hutch.EditAmbiguous, lines: []int{1, 3}},
	}
}

func editNotFound() []editCase {
	return []editCase{
		{doc: "a near miss", before: "func a() {}\nfunc main() { run(1) }\n", edits: one("func main() { run(2) }", "x"),
			kind: hutch.EditNotFound, near: 2, nearContains: "run(1)"},
		{doc: "white space", before: "if x {\n\treturn  1\n}\n", edits: one("if x {\n    return 1\n}", "x"),
			kind: hutch.EditNotFound, near: 1, whitespace: true, nearContains: "return  1"},
		{doc: "nothing like it", before: "alpha\nbeta\n", edits: one("0123456789", "x"), kind: hutch.EditNotFound},
		{doc: "an empty file", before: "", edits: one("x", "y"), kind: hutch.EditNotFound},
	}
}

func editSenseless() []editCase {
	return []editCase{
		{doc: "empty", before: "abc", edits: one("", "x"), kind: hutch.EditEmpty},
		{doc: "empty with All", before: "abc", edits: []hutch.Edit{{Old: "", New: "x", All: true}}, kind: hutch.EditEmpty},
		{doc: "unchanged", before: "abc", edits: one("b", "b"), kind: hutch.EditUnchanged},
		{doc: "the second", before: "abc", edits: []hutch.Edit{{Old: "a", New: "b"}, {Old: "c", New: "c"}}, kind: hutch.EditUnchanged, index: 1},
	}
}

func editAllOrNone() []editCase {
	return []editCase{
		{doc: "the second is not there", before: "a b c", edits: []hutch.Edit{{Old: "a", New: "1"}, {Old: "x", New: "2"}},
			kind: hutch.EditNotFound, index: 1},
		{doc: "the first made it ambiguous", before: "a b", edits: []hutch.Edit{{Old: "a", New: "b"}, {Old: "b", New: "c"}},
			kind: hutch.EditAmbiguous, index: 1, lines: []int{1, 1}},
		{doc: "the first took it away", before: "a b", edits: []hutch.Edit{{Old: "a b", New: "z"}, {Old: "b", New: "c"}},
			kind: hutch.EditNotFound, index: 1},
	}
}

func editNotText() []editCase {
	return []editCase{
		{doc: "latin-1", before: "caf\xe9 one", edits: one("one", "two"), kind: hutch.EditNotText},
		{doc: "UTF-16", before: "\xff\xfeo\x00n\x00", edits: one("o", "x"), kind: hutch.EditNotText},
		{doc: "an edit that is no text", before: "text", edits: one("t\xff", "x"), kind: hutch.EditNotText},
	}
}

func edits(t *env, cases []editCase) {
	for _, c := range cases {
		before := t.write("d/f", c.before)
		res, err := t.do.edit(t.ctx, t.b, "d/f", c.edits)
		if c.kind != "" {
			t.wantEditError(c, err)
			t.wantContent("d/f", c.before)
			if now := t.stat("d/f"); !sameInfo(now, before) {
				t.Errorf("%s: a refused edit changes %+v to %+v", c.doc, before, now)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.doc, err)
			continue
		}
		t.wantContent("d/f", c.after)
		if !slices.Equal(res.Replaced, c.replaced) {
			t.Errorf("%s: %v replaced, want %v", c.doc, res.Replaced, c.replaced)
		}
	}
}

func (t *env) wantEditError(c editCase, err error) {
	t.Helper()
	t.wantErr("EditFile, "+c.doc+", ", err, "d/f", fs.ErrInvalid)
	var e *hutch.EditError
	if !errors.As(err, &e) {
		t.Errorf("%s: error %v is no *EditError", c.doc, err)
		return
	}
	if e.Kind != c.kind || e.Index != c.index {
		t.Errorf("%s: error %q has kind %q and index %d, want %q and %d", c.doc, err, e.Kind, e.Index, c.kind, c.index)
	}
	if c.kind == hutch.EditAmbiguous && !slices.Equal(e.Lines, c.lines) {
		t.Errorf("%s: the text begins in lines %v, want %v", c.doc, e.Lines, c.lines)
	}
	switch {
	case (e.Near != nil) != (c.near != 0):
		t.Errorf("%s: near miss %+v, want one: %v", c.doc, e.Near, c.near != 0)
	case e.Near != nil && (e.Near.Line != c.near || e.Near.Whitespace != c.whitespace || !strings.Contains(e.Near.Text, c.nearContains)):
		t.Errorf("%s: near miss %+v, want line %d with %q", c.doc, *e.Near, c.near, c.nearContains)
	}
}

func editResult(t *env) {
	res, err := t.do.edit(t.ctx, t.b, "f", one("b", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if s := t.stat("f"); !sameInfo(res.Info, s) {
		t.Errorf("EditFile says %+v, Stat %+v", res.Info, s)
	}
	if string(res.Before) != "a b c" || string(res.After) != "a x c" {
		t.Errorf("before %q, after %q", res.Before, res.After)
	}
}

func editMode(t *env) {
	for _, m := range []fs.FileMode{0o755, 0o600, 0o444} {
		t.writeWith("f", "one", hutch.WriteOptions{Mode: m})
		res, err := t.do.edit(t.ctx, t.b, "f", one("one", "two"))
		if err != nil {
			t.Fatal(err)
		}
		t.wantMode("an edit", "f", res.Info, m)
	}
}

// editTooLarge shows a small file as a large one: 64 MiB are much to write.
func editTooLarge(t *env) {
	_, err := t.do.edit(t.ctx, huge{t.b}, "f", one("x", "y"))
	t.wantErr("EditFile", err, "f", hutch.ErrTooLarge)
	t.wantUntouched("a refused edit")
}

// huge is a backend whose files are too large to be edited, by what it says.
type huge struct{ hutch.Backend }

func (h huge) Stat(ctx context.Context, name string) (hutch.Info, error) {
	i, err := h.Backend.Stat(ctx, name)
	i.Size = hutch.MaxEdit + 1
	return i, err
}

func (h huge) Open(ctx context.Context, name string) (hutch.File, error) {
	f, err := h.Backend.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return hugeFile{f}, nil
}

type hugeFile struct{ hutch.File }

func (f hugeFile) Info() hutch.Info {
	i := f.File.Info()
	i.Size = hutch.MaxEdit + 1
	return i
}
