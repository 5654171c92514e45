package tool_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func hashline() *tool.Options { return &tool.Options{EditFormat: tool.Hashline} }

var hashed = regexp.MustCompile(`(?m)^(\d+):([0-9a-z]{6})\|`)

// hashes reads a file and is the hash of each line by its number.
func (c *bench) hashes(path string) map[int]string {
	c.Helper()
	return hashesIn(c.ok("read_file", args{"path": path, "limit": 100_000}))
}

func hashesIn(text string) map[int]string {
	all := map[int]string{}
	for _, m := range hashed.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		all[n] = m[2]
	}
	return all
}

func TestHashline(t *testing.T) {
	type step struct {
		from, to int // to 0: one line; -1: insert after
		content  string
	}
	for name, l := range map[string]struct {
		before string
		step   step
		after  string
		says   string
	}{
		"replace":              {"a\nb\nc\n", step{2, 0, "B"}, "a\nB\nc\n", "Edited f: Replaced 1 line, 2 to 2, by 1. The place now:\n1:"},
		"replace, line end":    {"a\nb\nc\n", step{2, 0, "B\n"}, "a\nB\nc\n", ""},
		"range":                {"a\nb\nc\n", step{1, 2, "x\ny\nz"}, "x\ny\nz\nc\n", "Replaced 2 lines, 1 to 2, by 3."},
		"delete":               {"a\nb\nc\n", step{2, 0, ""}, "a\nc\n", "Deleted 1 line, 2 to 2."},
		"delete all":           {"a\nb\n", step{1, 2, ""}, "", "The file is empty now."},
		"set to empty":         {"a\nb\nc\n", step{2, 0, "\n"}, "a\n\nc\n", ""},
		"two empty lines":      {"a\nb\nc\n", step{2, 0, "\n\n"}, "a\n\n\nc\n", ""},
		"insert after":         {"a\nb\n", step{1, -1, "x"}, "a\nx\nb\n", "Inserted 1 line after line 1."},
		"insert an empty line": {"a\nb\n", step{1, -1, "\n"}, "a\n\nb\n", ""},
		"insert at the end":    {"a\nb\n", step{2, -1, "x\ny"}, "a\nb\nx\ny\n", ""},
		"insert at the top":    {"a\nb\n", step{0, -1, "x"}, "x\na\nb\n", ""},
		"empty file":           {"", step{0, -1, "x\ny"}, "x\ny\n", ""},
		"crlf":                 {"a\r\nb\r\n", step{1, 0, "x\ny"}, "x\r\ny\r\nb\r\n", ""},
		"crlf given too":       {"a\r\nb\r\n", step{1, 0, "x\r\ny\r\n"}, "x\r\ny\r\nb\r\n", ""},
		"no line end":          {"a\nb", step{2, 0, "x"}, "a\nx", ""},
		"after no line end":    {"a\nb", step{2, -1, "x"}, "a\nb\nx", ""},
		"delete no line end":   {"a\nb", step{2, 0, ""}, "a", ""},
		"mixed line ends":      {"a\nb\r\nc\n", step{2, 0, "x"}, "a\nx\r\nc\n", ""},
		"byte order mark":      {"\ufeffa\nb\n", step{1, 0, "x"}, "\ufeffx\nb\n", ""},
		"top, byte order mark": {"\ufeffa\n", step{0, -1, "x"}, "\ufeffx\na\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, map[string]string{"f": l.before}, hashline())
			h := c.hashes("f")
			in := args{"path": "f", "start_line": l.step.from, "start_hash": h[l.step.from], "new_content": l.step.content}
			if l.step.to > 0 {
				in["end_line"], in["end_hash"] = l.step.to, h[l.step.to]
			}
			in["insert_after"] = l.step.to < 0
			if got := c.ok("hashline_edit", in); !strings.Contains(got, l.says) {
				t.Errorf("%q, want %q", got, l.says)
			}
			c.holds("f", l.after)
		})
	}
}

func TestHashlineRefused(t *testing.T) {
	c := open(t, map[string]string{"f": "a\nb\nc\n", "empty": "", "bin": "a\xff\n"}, hashline())
	h := c.hashes("f")
	in := func(more args) args {
		all := args{"path": "f", "start_line": 2, "start_hash": h[2], "new_content": "x"}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	for want, more := range map[string]args{
		"Hash mismatch at line 2: expected 'zzzzzz', got '" + h[2] + "'. What stands there now:\n1:": {"start_hash": "zzzzzz"},
		"The line with hash '" + h[3] + "' is now line 3.":                                           {"start_hash": h[3]},
		"Hash mismatch at line 3: expected 'b', got":                                                 {"end_line": 3, "end_hash": "b"},
		"Line 9 is out of range: the file has 3 lines":                                               {"start_line": 9},
		"Line 8 is out of range":                                                                     {"end_line": 8},
		"end_line 1 is before start_line 2":                                                          {"end_line": 1},
		"insert_after replaces nothing":                                                              {"insert_after": true, "end_line": 3},
		"nothing to insert":                                                                          {"insert_after": true, "new_content": ""},
		"Line 0 is the place before line 1":                                                          {"start_line": 0, "start_hash": ""},
		"end_hash is given without end_line":                                                         {"end_hash": "x"},
		"`start_line` must be an integer of at least 0":                                              {"start_line": -1},
		"nothing would change":                                                                       {"new_content": "b"},
		"the file is empty. Use start_line 0":                                                        {"path": "empty"},
		"'bin' is not valid UTF-8":                                                                   {"path": "bin"},
		"File 'nope' not found":                                                                      {"path": "nope"},
	} {
		c.fails("hashline_edit", in(more), want)
	}
	c.holds("f", "a\nb\nc\n")
}

// TestHashlineSame: equal lines are told apart, also after lines have moved.
func TestHashlineSame(t *testing.T) {
	record := "{\n  x\n},\n"
	c := open(t, map[string]string{"f": strings.Repeat(record, 4)}, hashline())
	h := c.hashes("f")
	at := func(line int, content string) args {
		return args{"path": "f", "start_line": line, "start_hash": h[line], "new_content": content}
	}
	// From the bottom upwards all hashes stay good.
	c.ok("hashline_edit", at(11, "  four"))
	c.ok("hashline_edit", at(8, "  three\n  three"))
	c.ok("hashline_edit", at(5, "  two"))
	c.holds("f", "{\n  x\n},\n{\n  two\n},\n{\n  three\n  three\n},\n{\n  four\n},\n")

	put(t, c.b, "f", strings.Repeat(record, 4))
	h = c.hashes("f")
	del := at(1, "")
	del["end_line"], del["end_hash"] = 3, h[3]
	got := c.ok("hashline_edit", del)
	c.holds("f", strings.Repeat(record, 3))
	// Line 5 is no longer what it was, but looks just the same.
	c.fails("hashline_edit", at(5, "  wrong"), "Lines have moved since you read the file, and lines 2, 5, 8 look the same as line 5")
	c.holds("f", strings.Repeat(record, 3))
	if fresh := hashesIn(got); fresh[1] == "" {
		t.Errorf("no hashes in %q", got)
	}
	h = c.hashes("f")
	c.ok("hashline_edit", at(5, "  right"))

	// A range whose end has moved is not taken on trust.
	h = c.hashes("f")
	c.ok("hashline_edit", at(4, "[\n["))
	c.fails("hashline_edit", args{"path": "f", "start_line": 1, "start_hash": h[1], "end_line": 7, "new_content": ""}, "Give end_hash")
}

// TestHashNeighbours: what is before a line is part of its hash, and what is after.
func TestHashNeighbours(t *testing.T) {
	for _, content := range []string{"p\nx\nz\nq\nx\nz\n", "z\nx\np\nz\nx\nq\n"} {
		c := open(t, map[string]string{"f": content}, hashline())
		if h := c.hashes("f"); h[2] == h[5] {
			t.Errorf("%q: %v", content, h)
		}
	}
}

// TestHashesDiffer: different lines have different hashes, but for the few pairs
// that 30 bits let expect.
func TestHashesDiffer(t *testing.T) {
	b := state.New(nil)
	put(t, b, "f", manyLines(9_000))
	c := console(t, b, hashline())
	seen := map[string]bool{}
	for _, h := range c.hashes("f") {
		seen[h] = true
	}
	if len(seen) < 8_998 {
		t.Errorf("%d hashes for 9000 lines", len(seen))
	}
}

// TestAllFormats: with all formats the hashes are shown when asked for.
func TestAllFormats(t *testing.T) {
	c := open(t, map[string]string{"f": "a\n"}, everything())
	if got := c.ok("read_file", args{"path": "f"}); got != "     1\ta" {
		t.Error(got)
	}
	if got := c.ok("read_file", args{"path": "f", "hashes": true}); !hashed.MatchString(got) {
		t.Error(got)
	}
	for _, name := range []string{"ls", "read_file", "write_file", "edit_file", "multi_edit", "hashline_edit", "apply_patch", "glob", "grep"} {
		if _, ok := c.tools[name]; !ok {
			t.Errorf("no %s", name)
		}
	}
}
