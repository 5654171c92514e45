package tool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/tool"
)

func edit(path, old, new string) args {
	return args{"path": path, "old_string": old, "new_string": new}
}

func TestEdit(t *testing.T) {
	c := open(t, map[string]string{"a": "one\ntwo\none\n", "crlf": "a\r\nb\r\n", "tab": "\tif x {\n\t\ty\n\t}\n", "bin": "a\xffb"}, nil)
	if got := c.ok("edit_file", edit("a", "two", "2 $1 \\n 'q'")); got != "Edited a: replaced 1 occurrence" {
		t.Error(got)
	}
	c.holds("a", "one\n2 $1 \\n 'q'\none\n")
	r := c.call("edit_file", args{"path": "a", "old_string": "one", "new_string": "1", "replace_all": true})
	d := data(t, r)
	if r.Text != "Edited a: replaced 2 occurrences" || d["diff"] != "--- a\n+++ a\n@@ -1,3 +1,3 @@\n-one\n+1\n 2 $1 \\n 'q'\n-one\n+1\n" || d["rev"] == "" || fmt.Sprint(d["replaced"]) != "[2]" {
		t.Errorf("%s %v", r.Text, d)
	}
	c.ok("edit_file", edit("crlf", "a\nb", "x\ny"))
	c.holds("crlf", "x\r\ny\r\n")
	c.fails("edit_file", edit("a", "three", "3"), "String 'three' not found in file.")
	c.fails("edit_file", edit("a", "1", "3"), "String '1' found 3 times (lines 1, 2, 3). Use replace_all=true to replace all, or provide more context.")
	c.fails("edit_file", edit("tab", "if x {\n    y\n}", "z"), "not found in file. Line 1 differs in white space only:\n\tif x {\n\t\ty\n\t}")
	c.fails("edit_file", edit("tab", "\tif z {", "z"), "The closest text begins at line 1:")
	c.fails("edit_file", edit("a", "", "3"), "The old string is empty")
	c.fails("edit_file", args{"path": "a", "old_string": "", "new_string": "x", "replace_all": true}, "The old string is empty")
	c.fails("edit_file", edit("a", "1", "1"), "are the same")
	c.fails("edit_file", edit("bin", "a", "b"), "'bin' is not valid UTF-8 text")
	c.fails("edit_file", edit("b", "a", "b"), "File 'b' not found.")
	c.fails("edit_file", edit("../a", "a", "b"), "leaves the workspace")
	c.fails("edit_file", args{"path": "a"}, "`old_string` is missing", "`new_string` is missing")
	c.holds("bin", "a\xffb")
}

func TestMultiEdit(t *testing.T) {
	c := open(t, map[string]string{"a": "one two three\n"}, nil)
	e := func(edits ...args) args { return args{"path": "a", "edits": append([]args{}, edits...)} }
	one := args{"old_string": "one", "new_string": "1"}
	c.fails("multi_edit", e(one, args{"old_string": "four", "new_string": "4"}), "Edit 2 of 2: String 'four' not found", "Nothing was changed")
	c.fails("multi_edit", e(one, args{"old_string": "1", "new_string": "one"}), "nothing would change")
	c.fails("multi_edit", e(), "`edits` must be a list of 1 to 1000 elements, not 0")
	c.fails("multi_edit", e(args{"old_string": "x"}, args{"new": 1}), "`edits[0].new_string` is missing", "`edits[1].new` is unknown", "`edits[1].old_string` is missing")
	c.fails("multi_edit", args{"path": "a", "edits": []any{"x"}}, "`edits[0]` must be an object, not a string")
	c.holds("a", "one two three\n")
	if got := c.ok("multi_edit", e(one, args{"old_string": "1 two", "new_string": "12"})); got != "Edited a: replaced 2 occurrences in 2 edits" {
		t.Error(got)
	}
	c.holds("a", "12 three\n")
}

func TestWrite(t *testing.T) {
	c := open(t, map[string]string{"a": "1\n", "d/x": ""}, nil)
	for content, lines := range map[string]int{"": 0, "x": 1, "x\n": 1, "x\n\ny": 3, "\r\n": 1, "ä\x00\ufeff": 1} {
		r := c.call("write_file", args{"path": "n/" + fmt.Sprint(lines) + "f", "content": content})
		if want := fmt.Sprintf("rote %d line%s to n/%df", lines, map[bool]string{false: "s"}[lines == 1], lines); !strings.Contains(r.Text, want) || r.Failed {
			t.Errorf("%q: %s", content, r.Text)
		}
		c.holds("n/"+fmt.Sprint(lines)+"f", content)
	}
	r := c.call("write_file", args{"path": "a", "content": "2\n"})
	if d := data(t, r); d["created"] != false || d["diff"] != "--- a\n+++ a\n@@ -1 +1 @@\n-1\n+2\n" {
		t.Error(d)
	}
	r = c.call("write_file", args{"path": "new", "content": "2\n"})
	if d := data(t, r); d["created"] != true || d["diff"] != "--- new\n+++ new\n@@ -0,0 +1 @@\n+2\n" {
		t.Error(d)
	}
	c.fails("write_file", args{"path": "d", "content": ""}, "'d' is a directory")
	c.fails("write_file", args{"path": "a/b", "content": ""}, "a part of the path is a file")
	c.fails("write_file", args{"path": "/../b", "content": ""}, "leaves the workspace")
	c.fails("write_file", args{"path": strings.Repeat("x", 300), "content": ""}, "at most 255")
	c.fails("write_file", args{"path": "a"}, "`content` is missing")
}

// TestStale: a file that somebody else has changed since it was read is left
// alone until it is read again; one never read is not.
func TestStale(t *testing.T) {
	c := open(t, map[string]string{"a": "1\n2\n", "b": "1\n"}, everything())
	patch := "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+one\n"
	changes := map[string]args{
		"edit_file":  edit("a", "1", "x"),
		"multi_edit": {"path": "a", "edits": []args{{"old_string": "1", "new_string": "x"}}},
		"write_file": {"path": "a", "content": "x\n"}, "apply_patch": {"patch": patch},
		"hashline_edit": {"path": "a", "start_line": 0, "start_hash": "", "new_content": "x", "insert_after": true},
	}
	for name, in := range changes {
		c.ok("read_file", args{"path": "a"})
		put(t, c.b, "a", "1\nother "+name+"\n")
		c.fails(name, in, "'a' changed since you last read it. Read it again before editing")
		c.holds("a", "1\nother "+name+"\n")
		c.ok("read_file", args{"path": "a"})
		c.ok(name, in)
		put(t, c.b, "a", "1\n")
		c.fails(name, in, "changed since you last read it")
	}
	for name, in := range changes {
		other := console(t, c.b, everything())
		put(t, c.b, "a", "1\n2\n")
		other.ok(name, in) // never read
	}
	if err := c.b.Remove(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	c.ok("write_file", args{"path": "b", "content": "new"}) // gone, and so nothing is lost
}

// TestParallelEdits: edits of one file side by side, by several tools of one
// console, all survive, while somebody reads.
func TestParallelEdits(t *testing.T) {
	const workers, each = 8, 12
	var s strings.Builder
	for w := range workers {
		fmt.Fprintf(&s, "w%d=0;\n", w)
	}
	c := open(t, map[string]string{"f": s.String()}, everything())
	c.ok("read_file", args{"path": "f"})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				old, now := fmt.Sprintf("w%d=%d;", w, i), fmt.Sprintf("w%d=%d;", w, i+1)
				name, in := "edit_file", edit("f", old, now)
				if (w+i)%2 == 0 {
					name, in = "apply_patch", args{"patch": fmt.Sprintf("--- a/f\n+++ b/f\n@@ -%d +%d @@\n-%s\n+%s\n", w+1, w+1, old, now)}
				}
				raw, _ := json.Marshal(in)
				r, err := c.tools[name].Call(t.Context(), tool.Call{Input: raw})
				if err != nil || r.Failed {
					t.Errorf("%s: %s %v", name, r.Text, err)
				}
			}
		})
	}
	wg.Wait()
	for w := range workers {
		if want := fmt.Sprintf("w%d=%d;\n", w, each); !strings.Contains(c.read("f"), want) {
			t.Errorf("no %q in %q", want, c.read("f"))
		}
	}
}

// TestTwoConsoles: two clients that edit one file get a clear answer, and nothing
// is lost.
func TestTwoConsoles(t *testing.T) {
	one := open(t, map[string]string{"f": "a\nb\n"}, nil)
	two := console(t, one.b, nil)
	one.ok("read_file", args{"path": "f"})
	two.ok("read_file", args{"path": "f"})
	one.ok("edit_file", edit("f", "a", "A"))
	two.fails("edit_file", edit("f", "b", "B"), "changed since you last read it")
	two.ok("read_file", args{"path": "f"})
	two.ok("edit_file", edit("f", "b", "B"))
	one.holds("f", "A\nB\n")
}

// TestLargeEdit: a file over the limit is refused.
func TestLargeEdit(t *testing.T) {
	c := open(t, map[string]string{"f": strings.Repeat("x", hutch.MaxEdit) + "y"}, nil)
	c.fails("edit_file", edit("f", "y", "z"), "'f': too large: ")
}
