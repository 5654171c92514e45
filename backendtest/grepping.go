package backendtest

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
)

// longLine is far past any buffer of lines, with the match in the middle. It is
// made when it is needed: this package is also part of processes that tests start.
var longLine = sync.OnceValue(func() string {
	return strings.Repeat("-", 3*mib) + "needle" + strings.Repeat("-", mib)
})

func grepTree() map[string]string {
	return map[string]string{
		"a.txt":           "one\ntwo needle\nthree\nfour\nfive needle\nsix",
		"crlf.txt":        "x\r\nneedle\r\ny\r\n",
		"case.txt":        "Needle\nNEEDLE\n",
		"binary":          "needle\x00needle\n",
		"meta.txt":        "a.b*c\naxb\n[needle]\n",
		"last.txt":        "no end needle",
		"latin.txt":       "caf\xe9 needle\n",
		"a-b.txt":         "needle\n",
		"a/x.txt":         "needle\nneedle needle\n",
		"src/main.go":     "needle\n",
		"src/main.py":     "needle\n",
		"src/gen/main.go": "needle\n",
		".hid":            "needle\n",
		".dir/x":          "needle\n",
		"wide.txt":        longLine() + "\nneedle after\n",
		"empty.txt":       "",
	}
}

type grepCase struct {
	q    hutch.Query
	want []string // "name:line:text", or "name-line-text" for context
}

func grepChecks() []check {
	return []check{
		{"Grep/Dialect", "Grep takes RE2 expressions, or text, with or without regard to case", grepTree, func(t *env) { greps(t, grepDialect()) }},
		{"Grep/Context", "lines around a match are yielded once each, in order", grepTree, func(t *env) { greps(t, grepContext()) }},
		{"Grep/Choice", "Include, Exclude, Hidden and Dir choose the files", grepTree, func(t *env) { greps(t, grepChoice()) }},
		{"Grep/Caps", "Max and MaxPerFile bound the matching lines", grepTree, func(t *env) { greps(t, grepCaps()) }},
		{"Grep/Binary", "files with a NUL in the first 8000 bytes are passed over", grepTree, grepBinary},
		{"Grep/LongLine", "a line of any length is searched, and cut around the match", grepTree, grepLongLine},
		{"Grep/Place", "Start and End are the first match in Text", grepTree, grepPlace},
		{"Grep/Order", "matches are in the order of Walk, then by line", grepTree, grepOrder},
		{"Grep/Gitignore", "what .gitignore leaves out is not searched where asked to", ignoreTree, grepIgnore},
		{"Grep/Bad", "a query that cannot run is fs.ErrInvalid", grepTree, grepBad},
	}
}

func grepDialect() []grepCase {
	return []grepCase{
		{hutch.Query{Pattern: "^two", Dir: "a.txt"}, []string{"a.txt:2:two needle"}},
		{hutch.Query{Pattern: `n[de]{2}\w+$`, Dir: "a.txt"}, []string{"a.txt:2:two needle", "a.txt:5:five needle"}},
		{hutch.Query{Pattern: "one|six", Dir: "a.txt"}, []string{"a.txt:1:one", "a.txt:6:six"}},
		{hutch.Query{Pattern: "^needle$", Dir: "crlf.txt"}, []string{"crlf.txt:2:needle"}},
		{hutch.Query{Pattern: "a.b*c", Dir: "meta.txt"}, nil},
		{hutch.Query{Pattern: "a.b", Dir: "meta.txt"}, []string{"meta.txt:1:a.b*c", "meta.txt:2:axb"}},
		{hutch.Query{Pattern: "a.b*c", Literal: true, Dir: "meta.txt"}, []string{"meta.txt:1:a.b*c"}},
		{hutch.Query{Pattern: "[needle", Literal: true, Dir: "meta.txt"}, []string{"meta.txt:3:[needle]"}},
		{hutch.Query{Pattern: "needle", Dir: "case.txt"}, nil},
		{hutch.Query{Pattern: "nEEdle", IgnoreCase: true, Dir: "case.txt"}, []string{"case.txt:1:Needle", "case.txt:2:NEEDLE"}},
		{hutch.Query{Pattern: "nEEdle", IgnoreCase: true, Literal: true, Dir: "case.txt"}, []string{"case.txt:1:Needle", "case.txt:2:NEEDLE"}},
		{hutch.Query{Pattern: "needle", Dir: "last.txt"}, []string{"last.txt:1:no end needle"}},
		{hutch.Query{Pattern: "needle", Dir: "latin.txt"}, []string{"latin.txt:1:caf\xe9 needle"}},
		{hutch.Query{Pattern: "nothing like it"}, nil},
		{hutch.Query{Pattern: "x", Dir: "empty.txt"}, nil},
	}
}

func grepContext() []grepCase {
	return []grepCase{
		{hutch.Query{Pattern: "needle", Dir: "a.txt", Before: 1, After: 1}, []string{
			"a.txt-1-one", "a.txt:2:two needle", "a.txt-3-three", "a.txt-4-four", "a.txt:5:five needle", "a.txt-6-six"}},
		{hutch.Query{Pattern: "needle", Dir: "a.txt", Before: 9, After: 9}, []string{
			"a.txt-1-one", "a.txt:2:two needle", "a.txt-3-three", "a.txt-4-four", "a.txt:5:five needle", "a.txt-6-six"}},
		{hutch.Query{Pattern: "needle", Dir: "a.txt", After: 1}, []string{
			"a.txt:2:two needle", "a.txt-3-three", "a.txt:5:five needle", "a.txt-6-six"}},
		{hutch.Query{Pattern: "needle", Dir: "crlf.txt", Before: 1}, []string{"crlf.txt-1-x", "crlf.txt:2:needle"}},
	}
}

func grepChoice() []grepCase {
	plain := []string{"src/gen/main.go:1:needle", "src/main.go:1:needle", "src/main.py:1:needle"}
	return []grepCase{
		{hutch.Query{Pattern: "needle", Dir: "src"}, plain},
		{hutch.Query{Pattern: "needle", Include: []string{"*.go"}}, plain[:2]},
		{hutch.Query{Pattern: "needle", Include: []string{"main.{go,py}"}}, plain},
		{hutch.Query{Pattern: "needle", Include: []string{"src/*.go"}}, plain[1:2]},
		{hutch.Query{Pattern: "needle", Dir: "src", Include: []string{"gen/*"}}, plain[:1]},
		{hutch.Query{Pattern: "needle", Dir: "src", Exclude: []string{"*.py"}}, plain[:2]},
		{hutch.Query{Pattern: "needle", Dir: "src", Exclude: []string{"gen"}}, plain[1:]},
		{hutch.Query{Pattern: "needle", Dir: "src", Include: []string{"*.go"}, Exclude: []string{"gen"}}, plain[1:2]},
		{hutch.Query{Pattern: "needle", Include: []string{".hid", "x"}}, nil},
		{hutch.Query{Pattern: "needle", Include: []string{".hid", "x"}, Hidden: true}, []string{".dir/x:1:needle", ".hid:1:needle"}},
		{hutch.Query{Pattern: "needle", Dir: ".hid"}, []string{".hid:1:needle"}},
		{hutch.Query{Pattern: "needle", Dir: ".dir"}, []string{".dir/x:1:needle"}},
	}
}

func grepCaps() []grepCase {
	return []grepCase{
		{hutch.Query{Pattern: "needle", Dir: "a.txt", MaxPerFile: 1}, []string{"a.txt:2:two needle"}},
		{hutch.Query{Pattern: "needle", Include: []string{"a*.txt", "x.txt"}, MaxPerFile: 1}, []string{
			"a-b.txt:1:needle", "a.txt:2:two needle", "a/x.txt:1:needle"}},
		{hutch.Query{Pattern: "needle", Include: []string{"a*.txt", "x.txt"}, Max: 2}, []string{
			"a-b.txt:1:needle", "a.txt:2:two needle"}},
		{hutch.Query{Pattern: "needle", Include: []string{"a*.txt", "x.txt"}, Max: 4, MaxPerFile: 1}, []string{
			"a-b.txt:1:needle", "a.txt:2:two needle", "a/x.txt:1:needle"}},
		{hutch.Query{Pattern: "needle", Dir: "a.txt", Max: 1, After: 1}, []string{"a.txt:2:two needle", "a.txt-3-three"}},
	}
}

func (t *env) grep(q hutch.Query) []hutch.Match {
	t.Helper()
	return collect(t, fmt.Sprintf("Grep(%+v)", q), t.do.grep(t.ctx, t.b, q))
}

func greps(t *env, cases []grepCase) {
	for _, c := range cases {
		var got []string
		for _, m := range t.grep(c.q) {
			format := "%s:%d:%s"
			if m.Context {
				format = "%s-%d-%s"
			}
			got = append(got, fmt.Sprintf(format, m.Name, m.Line, m.Text))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("Grep(%+v)\n got %q\nwant %q", c.q, got, c.want)
		}
	}
}

func grepBinary(t *env) {
	found := 0
	for _, m := range t.grep(hutch.Query{Pattern: "needle", MaxLine: 100}) {
		if m.Name == "binary" {
			t.Errorf("Grep finds %q in a binary file", m.Text)
		}
		found++
	}
	if found == 0 {
		t.Error("Grep finds nothing at all")
	}
}

func grepLongLine(t *env) {
	got := t.grep(hutch.Query{Pattern: "needle", Dir: "wide.txt", MaxLine: 100})
	if len(got) != 2 || got[0].Line != 1 || got[1].Line != 2 {
		t.Fatalf("Grep finds %d lines, want both", len(got))
	}
	m := got[0]
	if !m.Cut || len(m.Text) > 100 || m.Start < 0 || m.End > len(m.Text) || m.Text[m.Start:m.End] != "needle" {
		t.Errorf("the long line is shown as %+v, want it cut to 100 bytes around the match", m)
	}
	if got[1].Cut || got[1].Text != "needle after" {
		t.Errorf("the line after the long one is shown as %+v", got[1])
	}
	if got := t.grep(hutch.Query{Pattern: "needle", Dir: "wide.txt"}); len(got[0].Text) > 64<<10 {
		t.Errorf("the long line is shown with %d bytes, want 64 KiB at most", len(got[0].Text))
	}
}

func grepPlace(t *env) {
	for _, m := range t.grep(hutch.Query{Pattern: "needle"}) {
		if m.Start < 0 || m.End > len(m.Text) || m.Start >= m.End || m.Text[m.Start:m.End] != "needle" ||
			strings.Index(m.Text, "needle") != m.Start {
			t.Errorf("%s:%d: the match is at %d to %d of %s", m.Name, m.Line, m.Start, m.End, short(m.Text))
		}
	}
}

func grepOrder(t *env) {
	var walked, found []string
	for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) {
		if strings.Contains(t.files[i.Name], "needle") && i.Name != "binary" {
			walked = append(walked, i.Name)
		}
	}
	line := 0
	for _, m := range t.grep(hutch.Query{Pattern: "needle", Hidden: true}) {
		if len(found) == 0 || found[len(found)-1] != m.Name {
			found, line = append(found, m.Name), 0
		}
		if m.Line <= line {
			t.Errorf("%s: line %d comes after line %d", m.Name, m.Line, line)
		}
		line = m.Line
	}
	if !slices.Equal(found, walked) {
		t.Errorf("Grep goes through %q, Walk through %q", found, walked)
	}
}

func grepIgnore(t *env) {
	files := func(q hutch.Query) []string {
		var all []string
		for _, m := range t.grep(q) {
			all = append(all, m.Name)
		}
		return all
	}
	if got := files(hutch.Query{Pattern: "find me", Gitignore: true}); !slices.Equal(got, notIgnored) {
		t.Errorf("with Gitignore: %q, want %q", got, notIgnored)
	}
	if got := files(hutch.Query{Pattern: "find me", Gitignore: true, Hidden: true}); !slices.Equal(got, notIgnored) {
		t.Errorf("with Gitignore and Hidden: %q, want %q", got, notIgnored)
	}
	if got := files(hutch.Query{Pattern: "find me"}); len(got) != 8 {
		t.Errorf("without Gitignore: %q, want all that is not hidden", got)
	}
}

func grepBad(t *env) {
	for _, q := range []hutch.Query{
		{Pattern: "("}, {Pattern: "a**"}, {Pattern: "[z"}, {Pattern: `\8`}, {Pattern: "(?<!x)y"},
		{Pattern: "x", Before: -1}, {Pattern: "x", Max: -1}, {Pattern: "x", MaxLine: -1},
		{Pattern: "x", Dir: "../x"}, {Pattern: "x", Exclude: []string{"[a"}},
	} {
		err := lastError(t, "Grep", t.do.grep(t.ctx, t.b, q))
		name := q.Pattern
		switch {
		case q.Dir != "":
			name = q.Dir
		case q.Exclude != nil:
			name = q.Exclude[0]
		case q.Pattern == "x":
			name = "."
		}
		t.wantErr(fmt.Sprintf("Grep(%+v)", q), err, name, fs.ErrInvalid)
	}
}
