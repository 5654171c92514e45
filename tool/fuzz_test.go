package tool_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/diff"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// someText is a text of few different lines, so that many are equal.
func someText(r *rand.Rand) string {
	var s strings.Builder
	end := []string{"\n", "\n", "\r\n"}[r.IntN(3)]
	for range r.IntN(12) {
		s.WriteString([]string{"a", "b", "c", "  a", "", "-- a", "++ b", "@@ -1 +1 @@", "*** End Patch", "\\ x"}[r.IntN(10)])
		s.WriteString(end)
	}
	if r.IntN(3) == 0 {
		s.WriteString("z")
	}
	return s.String()
}

// changedText is a text with some lines of another.
func changedText(r *rand.Rand, text string) string {
	var s strings.Builder
	for l := range strings.Lines(text) {
		if r.IntN(5) > 0 {
			s.WriteString(l)
		}
		if r.IntN(5) == 0 && strings.HasSuffix(l, "\n") {
			s.WriteString("new\n")
		}
	}
	return s.String()
}

// TestPatchOfDiff: the diff from one text to another, as a patch, makes the one
// of the other, to the last byte.
func TestPatchOfDiff(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	b := state.New(nil)
	for range 1000 {
		old := someText(r)
		now := changedText(r, old)
		if r.IntN(4) == 0 {
			now = someText(r)
		}
		if old == now {
			continue
		}
		put(t, b, "f", old)
		c := console(t, b, patches())
		d := diff.Unified("f", old, now)
		res := c.call("apply_patch", args{"patch": d})
		if got := c.read("f"); res.Failed || got != now {
			t.Fatalf("%q to %q made %q: %s\n%s", old, now, got, res.Text, d)
		}
	}
}

// TestPatchMoved: the same where lines were put in before.
func TestPatchMoved(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	b := state.New(nil)
	for range 500 {
		old := numbered(1, 5+r.IntN(30)) + "\n"
		now := changedText(r, old)
		if old == now || now == "" {
			continue
		}
		above := strings.Repeat("above\n", r.IntN(40))
		put(t, b, "f", above+old)
		c := console(t, b, patches())
		if res := c.call("apply_patch", args{"patch": diff.Unified("f", old, now)}); res.Failed || c.read("f") != above+now {
			t.Fatalf("%q to %q made %q: %s", old, now, c.read("f"), res.Text)
		}
	}
}

// quotedBytes is s as a string of JSON with all its bytes, for which json.Marshal
// writes others where they are no text.
func quotedBytes(s string) string {
	out := []byte{'"'}
	for _, b := range []byte(s) {
		if b < ' ' || b == '"' || b == '\\' {
			out = fmt.Appendf(out, `\u%04x`, b)
		} else {
			out = append(out, b)
		}
	}
	return string(append(out, '"'))
}

func FuzzPatch(f *testing.F) {
	f.Add("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n", "a\nb\n")
	f.Add("*** Begin Patch\n*** Update File: f\n*** Move to: g\n@@ a\n-b\n+c\n*** Add File: n\n+x\n*** Delete File: h\n*** End Patch", "a\nb\n")
	f.Add("diff --git a/f b/g\nrename from f\nrename to g\nnew mode 100755\n", "")
	f.Add("diff --git \"a/\\303\\244\" \"b/\\303\\244\"\nnew file mode 100644\n", "x")
	f.Add("--- a/f\n+++ b/f\n@@\n-b\n\\ No newline at end of file\n+c\n-- \n2.0\n", "b")
	f.Add("--- 0/f\n+++ 1/f\n@@\xd3\n+", "0")
	f.Fuzz(func(t *testing.T, patch, content string) {
		b := state.New(nil)
		put(t, b, "f", content)
		put(t, b, "h", "h\n")
		c := console(t, b, patches())
		r := c.raw("apply_patch", `{"patch": `+quotedBytes(patch)+`}`)
		if !r.Failed {
			if utf8.ValidString(content) && !utf8.ValidString(patch) {
				t.Error("a patch that is no text was applied")
			}
			return
		}
		c.holds("f", content)
		c.holds("h", "h\n")
		if all, err := hutch.Collect(hutch.Walk(t.Context(), b, ".")); err != nil || len(all) != 2 {
			t.Errorf("there are %d files, %v", len(all), err)
		}
	})
}

// FuzzHashline: an edit of lines does to the lines what it says, and leaves all
// others alone.
func FuzzHashline(f *testing.F) {
	f.Add("a\nb\nc\n", 2, 0, "x", false)
	f.Add("a\r\nb", 1, 2, "\n", false)
	f.Add("", 0, 0, "x\ny\n", true)
	f.Add("\ufeffa\n", 1, 0, "", false)
	f.Fuzz(func(t *testing.T, content string, from, count int, now string, after bool) {
		if !utf8.ValidString(content) || !utf8.ValidString(now) || len(content) > 2000 {
			return
		}
		c := open(t, map[string]string{"f": content}, hashline())
		shown := c.call("read_file", args{"path": "f", "limit": 100_000})
		if shown.Failed {
			return // not shown as text
		}
		h := hashesIn(shown.Text)
		in := args{"path": "f", "start_line": from, "start_hash": h[from], "new_content": now, "insert_after": after}
		to := from
		if count > 0 && count < 100 {
			to = from + count - 1
			in["end_line"], in["end_hash"] = to, h[to]
		}
		r := c.call("hashline_edit", in)
		if r.Failed {
			c.holds("f", content)
			return
		}
		first, last := from-1, to
		if after {
			first, last = from, from
		}
		want := linesOf(content)
		var added []string
		if now != "" {
			added = strings.Split(strings.TrimSuffix(now, "\n"), "\n")
			for i := range added {
				added[i] = strings.TrimSuffix(added[i], "\r")
			}
		}
		want = append(append(append([]string{}, want[:first]...), added...), want[last:]...)
		// A line that ends in a lone "\r" cannot be told from one with "\r\n" once
		// a line end follows it.
		if got := linesOf(c.read("f")); fmt.Sprint(got) != fmt.Sprint(want) && !strings.Contains(content+now, "\r") {
			t.Errorf("%q %v became %q, want %q", content, in, got, want)
		}
		if strings.HasPrefix(content, "\ufeff") != strings.HasPrefix(c.read("f"), "\ufeff") && !strings.HasPrefix(now, "\ufeff") {
			t.Error("the byte order mark")
		}
	})
}

func linesOf(text string) []string {
	text = strings.TrimPrefix(text, "\ufeff")
	all := []string{}
	for l := range strings.Lines(text) {
		all = append(all, strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r"))
	}
	return all
}

// FuzzArguments: arguments are taken if and only if they fit the schema, but for
// what decode says it takes or refuses beyond it.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{`{"pattern":"x"}`, `{"pattern":"x","context":1.0}`, `{"pattern":"x","context":21}`, `{"pattern":"x","output_mode":"count","literal":true}`, `{"pattern":3}`, `{"pattern":"x","y":1}`, `[]`, `{"pattern":"x","context":1e400}`, `{"pattern":"x","context":-0}`} {
		f.Add(s)
	}
	b := state.New(nil)
	var grep tool.Tool
	for _, tl := range tool.Console(b, nil) {
		if tl.Name == "grep" {
			grep = tl
		}
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(grep.Input, &s); err != nil {
		f.Fatal(err)
	}
	rs, err := s.Resolve(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in string) {
		r, err := grep.Call(t.Context(), tool.Call{Input: json.RawMessage(in)})
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if json.Unmarshal([]byte(in), &v) != nil || strings.Contains(in, "null") || strings.Contains(in, `\u`) || !utf8.ValidString(in) {
			return
		}
		taken := !strings.Contains(r.Text, "Wrong arguments")
		fits := rs.Validate(v) == nil
		if taken != fits && !strings.Contains(r.Text, "is given twice") {
			t.Errorf("%s: taken %v, fits %v: %s", in, taken, fits, r.Text)
		}
	})
}
