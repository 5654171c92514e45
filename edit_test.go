package hutch

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestApply(t *testing.T) {
	for _, c := range []struct {
		name, text string
		edits      []Edit
		want       string
		kind       EditKind
	}{
		{"once", "a b c", []Edit{{Old: "b", New: "x"}}, "a x c", ""},
		{"verbatim", `f("$x\n")`, []Edit{{Old: `$x\n`, New: `${y}\\`}}, `f("${y}\\")`, ""},
		{"twice", "b b", []Edit{{Old: "b", New: "x"}}, "", EditAmbiguous},
		{"overlap", "aaa", []Edit{{Old: "aa", New: "b"}}, "", EditAmbiguous},
		{"all", "b b", []Edit{{Old: "b", New: "x", All: true}}, "x x", ""},
		{"all of an overlap", "aaa", []Edit{{Old: "aa", New: "b", All: true}}, "ba", ""},
		{"in turn", "a", []Edit{{Old: "a", New: "b"}, {Old: "b", New: "c"}}, "c", ""},
		{"all or none", "a", []Edit{{Old: "a", New: "b"}, {Old: "zzz", New: "c"}}, "", EditNotFound},
		{"delete", "a b", []Edit{{Old: " b"}}, "a", ""},
		{"crlf by lf", "a\r\nb\r\nc", []Edit{{Old: "a\nb", New: "x\ny"}}, "x\r\ny\r\nc", ""},
		{"crlf new lines", "a\r\nb\r\n", []Edit{{Old: "a", New: "a\nx"}}, "a\r\nx\r\nb\r\n", ""},
		{"crlf as it is", "a\r\nb\r\n", []Edit{{Old: "a\r\nb", New: "c\r\nd"}}, "c\r\nd\r\n", ""},
		{"mixed stays", "a\r\nb\nc", []Edit{{Old: "c", New: "x\ny"}}, "a\r\nb\nx\ny", ""},
		{"bom", "\ufeffa\n", []Edit{{Old: "a", New: "b"}}, "\ufeffb\n", ""},
	} {
		got, _, err := apply([]byte(c.text), c.edits)
		var ee *EditError
		switch {
		case c.kind != "":
			if !errors.As(err, &ee) || ee.Kind != c.kind || !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s: error %v, want %s", c.name, err, c.kind)
			}
		case err != nil || string(got) != c.want:
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
		}
	}
}

func TestAmbiguousLines(t *testing.T) {
	_, _, err := apply([]byte("x\nfoo\n\nfoo foo\n"), []Edit{{Old: "foo", New: "bar"}})
	var ee *EditError
	if !errors.As(err, &ee) || len(ee.Lines) != 3 || ee.Lines[0] != 2 || ee.Lines[2] != 4 {
		t.Fatalf("%v", err)
	}
	if got := lines("a\nb\nc\nb\n", "\nb"); len(got) != 2 || got[0] != 1 || got[1] != 3 {
		t.Errorf("text that begins with a line end: %v", got)
	}
}

func TestNearMiss(t *testing.T) {
	const file = "package p\n\nfunc add(a, b int) int {\n\treturn a + b\n}\n\nfunc sub(a, b int) int {\n\treturn a - b\n}\n"
	for _, c := range []struct {
		name, old string
		line      int
		space     bool
	}{
		{"spaces for a tab", "func add(a, b int) int {\n    return a + b\n}", 3, true},
		{"one line, other spacing", "return  a  -  b", 8, true},
		{"a word differs", "func add(a, b int) int {\n\treturn a + c\n}", 3, false},
		{"one line, a letter differs", "func subs(a, b int) int {", 7, false},
		{"nothing like it", "completely different text that is nowhere", 0, false},
		{"blank", "   ", 0, false},
	} {
		n := nearest(file, c.old)
		switch {
		case c.line == 0 && n != nil:
			t.Errorf("%s: near line %d: %q", c.name, n.Line, n.Text)
		case c.line > 0 && (n == nil || n.Line != c.line || n.Whitespace != c.space):
			t.Errorf("%s: %+v, want line %d", c.name, n, c.line)
		}
	}
	err := &EditError{Kind: EditNotFound, Near: nearest(file, "return  a  -  b")}
	if !strings.Contains(err.Error(), "line 8") || !strings.Contains(err.Error(), "return a - b") {
		t.Errorf("the text does not help: %v", err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add("a b c", "b", "x", false)
	f.Add("a\r\nb\r\n", "a\nb", "x\ny", true)
	f.Add("", "a", "b", false)
	f.Fuzz(func(t *testing.T, text, old, new string, all bool) {
		edits := []Edit{{Old: old, New: new, All: all}}
		if checkEdits(edits) != nil {
			return
		}
		got, counts, err := apply([]byte(text), edits)
		if err != nil {
			var ee *EditError
			if !errors.As(err, &ee) || ee.Error() == "" {
				t.Fatalf("%v", err)
			}
			if ee.Near != nil && (ee.Near.Line < 1 || ee.Near.Line > strings.Count(text, "\n")+1) {
				t.Fatalf("near miss at line %d of %q", ee.Near.Line, text)
			}
			if strings.Count(text, old) == 1 && strings.LastIndex(text, old) == strings.Index(text, old) {
				t.Fatalf("a text that occurs once was refused: %v", err)
			}
			return
		}
		if utf8.ValidString(text) && !utf8.Valid(got) {
			t.Fatal("text became something else")
		}
		if strings.Contains(text, old) && !strings.Contains(new, "\n") {
			want := strings.Replace(text, old, new, 1)
			if all {
				want = strings.ReplaceAll(text, old, new)
			}
			if string(got) != want || counts[0] < 1 {
				t.Fatalf("%q, want %q", got, want)
			}
		}
	})
}
