package tool_test

import (
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/tool"
)

func patches() *tool.Options { return &tool.Options{EditFormat: tool.Patch} }

// patchScript is files before, a patch, and files after; where says begins with
// "Error" is what must be said while all files stay as they are.
type patchScript struct {
	name   string
	before map[string]string
	patch  string
	after  map[string]string // "" is a file that must not be there
	says   string
}

func (s patchScript) run(t *testing.T) {
	c := open(t, s.before, patches())
	r := c.call("apply_patch", args{"patch": s.patch})
	if r.Failed != strings.HasPrefix(s.says, "Error") || !strings.Contains(r.Text, s.says) {
		t.Errorf("it said: %s\nwant: %s", r.Text, s.says)
	}
	want := s.after
	if r.Failed {
		want = s.before
	}
	for name, content := range want {
		if content == "" {
			c.absent(name)
			continue
		}
		c.holds(name, content)
	}
}

const abc = "a\nb\nc\nd\ne\nf\ng\n"

func TestPatchUnified(t *testing.T) {
	for _, s := range []patchScript{
		{name: "update", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\nf\ng\n"}, says: "updated x"},
		{name: "without prefixes", before: map[string]string{"x": abc}, patch: "--- x\n+++ x\n@@ -3 +3 @@\n-c\n+C\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\nf\ng\n"}, says: "updated x"},
		{name: "moved down", before: map[string]string{"x": "0\n0\n" + abc}, patch: "--- a/x\n+++ b/x\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n",
			after: map[string]string{"x": "0\n0\na\nb\nC\nd\ne\nf\ng\n"}, says: "part 1 of 1 at line 4 (the patch has line 2)"},
		{name: "nearest", before: map[string]string{"x": "k\n1\nk\n2\nk\n3\nk\n"}, patch: "--- a/x\n+++ b/x\n@@ -5 +5 @@\n-k\n+K\n",
			after: map[string]string{"x": "k\n1\nk\n2\nK\n3\nk\n"}, says: "updated x"},
		{name: "as near", before: map[string]string{"x": "k\n1\nk\n"}, patch: "--- a/x\n+++ b/x\n@@ -2 +2 @@\n-k\n+K\n", says: "Error: The part at line 3 of the patch fits 'x' in several places (lines 1, 3)"},
		{name: "space at line ends", before: map[string]string{"x": "a\nb \nc\nd\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n a\n b\n-c\n+C\n d\t\n",
			after: map[string]string{"x": "a\nb \nC\nd\n"}, says: "white space at line ends differs"},
		{name: "indentation", before: map[string]string{"x": "if:\n    b\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n if:\n-  b\n+  c\n", says: "Error: The part at line 3 of the patch does not fit 'x'"},
		{name: "context differs", before: map[string]string{"x": "a\nb\nc\nd\ne\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,5 +1,5 @@\n A\n b\n-c\n+C\n d\n e\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\n"}, says: "context around it differ"},
		{name: "wrong counts", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -2,9 +2,1 @@\n b\n-c\n+C\n d\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\nf\ng\n"}, says: "numbers of lines in its @@ line are wrong"},
		{name: "counts too small", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -2,1 +2,1 @@\n b\n-c\n+C\n d\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\nf\ng\n"}, says: "numbers of lines in its @@ line are wrong"},
		{name: "no numbers", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@\n b\n-c\n+C\n@@ ... @@\n-f\n+F\n",
			after: map[string]string{"x": "a\nb\nC\nd\ne\nF\ng\n"}, says: "part 2 of 2 at line 6"},
		{name: "add", patch: "--- /dev/null\n+++ b/d/n\n@@ -0,0 +1,2 @@\n+a\n+b\n", after: map[string]string{"d/n": "a\nb\n"}, says: "added d/n"},
		{name: "add without line end", patch: "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n", after: map[string]string{"n": "a"}, says: "added n"},
		{name: "add what is there", before: map[string]string{"n": "x"}, patch: "--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+a\n", says: "Error: 'n' exists already"},
		{name: "delete", before: map[string]string{"n": "a\n"}, patch: "--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", after: map[string]string{"n": ""}, says: "deleted n"},
		{name: "delete something else", before: map[string]string{"n": "a\nb\n"}, patch: "--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n", says: "Error: 'n' has lines that the patch does not have"},
		{name: "rename", before: map[string]string{"n": "a\nb\n"}, patch: "diff --git a/n b/m/o\nsimilarity index 50%\nrename from n\nrename to m/o\n--- a/n\n+++ b/m/o\n@@ -1,2 +1,2 @@\n a\n-b\n+B\n",
			after: map[string]string{"n": "", "m/o": "a\nB\n"}, says: "renamed m/o, which was n"},
		{name: "rename alone", before: map[string]string{"n": "a\n"}, patch: "diff --git a/n b/o\nsimilarity index 100%\nrename from n\nrename to o\n", after: map[string]string{"n": "", "o": "a\n"}, says: "renamed o"},
		{name: "two names", before: map[string]string{"n": "a\n"}, patch: "--- a/n\n+++ b/o\n@@ -1 +1 @@\n-a\n+b\n", says: "Error: Line 1 of the patch has two names"},
		{name: "line end goes", before: map[string]string{"x": "a\nb\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+b\n\\ No newline at end of file\n", after: map[string]string{"x": "a\nb"}, says: "updated"},
		{name: "line end comes", before: map[string]string{"x": "a\nb"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n", after: map[string]string{"x": "a\nb\n"}, says: "updated"},
		{name: "no line end, not told", before: map[string]string{"x": "a\nb"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+B\n+c\n", after: map[string]string{"x": "a\nB\nc"}, says: "updated"},
		{name: "crlf file", before: map[string]string{"x": "a\r\nb\r\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n a\n-b\n+B\n+c\n", after: map[string]string{"x": "a\r\nB\r\nc\r\n"}, says: "updated"},
		{name: "crlf to lf", before: map[string]string{"x": "a\r\nb\r\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+b\n", after: map[string]string{"x": "a\r\nb\n"}, says: "updated"},
		{name: "crlf patch", before: map[string]string{"x": "a\nb\n"}, patch: "--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+B\r\n", after: map[string]string{"x": "a\nB\n"}, says: "updated"},
		{name: "bom", before: map[string]string{"x": "\ufeffa\nb\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n+A\n b\n", after: map[string]string{"x": "\ufeffA\nb\n"}, says: "updated"},
		{name: "not text", before: map[string]string{"x": "a\xff\nb\n"}, patch: "--- a/x\n+++ b/x\n@@ -2 +2 @@\n-b\n+B\n", says: "Error: 'x' is not valid UTF-8"},
		{name: "insert at top", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+0\n", after: map[string]string{"x": "0\n" + abc}, says: "updated"},
		{name: "insert into nothing", before: map[string]string{"x": "x", "e": ""}, patch: "--- a/e\n+++ b/e\n@@ -0,0 +1 @@\n+0\n", after: map[string]string{"e": "0\n"}, says: "updated"},
		{name: "insert past the end", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -70,0 +71 @@\n+0\n", says: "Error: The part at line 3"},
		{name: "removed line like a header", before: map[string]string{"x": "-- a\n++ b\nc\n"}, patch: "--- a/x\n+++ b/x\n@@ -1,3 +1,2 @@\n--- a\n-++ b\n+++ d\n c\n", after: map[string]string{"x": "++ d\nc\n"}, says: "updated"},
		{name: "quoted name", before: map[string]string{"ä b": "a\n"}, patch: "--- \"a/\\303\\244 b\"\n+++ \"b/\\303\\244 b\"\n@@ -1 +1 @@\n-a\n+b\n", after: map[string]string{"ä b": "b\n"}, says: "updated"},
		{name: "dates", before: map[string]string{"x": "a\n"}, patch: "--- x\t2026-01-01 00:00:00\n+++ x\t2026-01-02 00:00:00\n@@ -1 +1 @@\n-a\n+b\n", after: map[string]string{"x": "b\n"}, says: "updated"},
		{name: "mail", before: map[string]string{"x": "a\n"}, patch: "From 1 Mon\nSubject: x\n\n---\n x | 2 +-\n\ndiff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n-- \n2.39.2\n\n", after: map[string]string{"x": "b\n"}, says: "updated"},
		{name: "all or none", before: map[string]string{"x": "a\n", "y": "a\n"}, patch: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-z\n+b\n", says: "Error: The part at line 8 of the patch does not fit 'y'"},
		{name: "missing", before: map[string]string{"x": "a\n"}, patch: "--- a/xx\n+++ b/xx\n@@ -1 +1 @@\n-a\n+b\n", says: "Error: Nothing was changed: file 'xx' not found. Did you mean 'x'?"},
		{name: "twice the same file", before: map[string]string{"x": abc}, patch: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+A\n--- a/x\n+++ b/x\n@@ -2 +2 @@\n-b\n+B\n", after: map[string]string{"x": "A\nB\nc\nd\ne\nf\ng\n"}, says: "updated"},
		{name: "leaves", patch: "--- /dev/null\n+++ b/../../etc/x\n@@ -0,0 +1 @@\n+a\n", says: "Error: '../../etc/x': "},
		{name: "link", patch: "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+a\n", says: "Error: Line 2 of the patch"},
		{name: "binary", patch: "diff --git a/l b/l\nindex 1..2\nGIT binary patch\nliteral 1\n", says: "Error: Line 3 of the patch"},
		{name: "empty new file", patch: "diff --git a/l b/l\nnew file mode 100644\nindex 000..e69\ndiff --git a/m b/m\nnew file mode 100644\n--- /dev/null\n+++ b/m\n@@ -0,0 +1 @@\n+a\n", after: map[string]string{"m": "a\n"}, says: "added l"},
		{name: "stray line", before: map[string]string{"x": "a\n"}, patch: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nand then some\n", says: "Error: Line 6 of the patch, 'and then some', "},
		{name: "nothing", patch: "hello", says: "Error: The patch changes no file"},
		{name: "empty", patch: "\n", says: "Error: The patch is empty"},
		{name: "no change", before: map[string]string{"x": "a\n"}, patch: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a\n", says: "Error: The patch changes nothing"},
		{name: "only context", before: map[string]string{"x": "a\n"}, patch: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n", says: "Error: The part at line 3 of the patch has no + and no - line"},
		{name: "fence", before: map[string]string{"x": "a\n"}, patch: "```diff\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n```\n", after: map[string]string{"x": "b\n"}, says: "updated"},
		{name: "hunk without file", patch: "@@ -1 +1 @@\n-a\n+b\n", says: "Error: Line 1 of the patch"},
	} {
		t.Run(s.name, s.run)
	}
}

func TestPatchMarked(t *testing.T) {
	begin := func(s string) string { return "*** Begin Patch\n" + s + "*** End Patch\n" }
	for _, s := range []patchScript{
		{name: "all kinds", before: map[string]string{"u": abc, "d": "x\n", "o/l": "1\n2\n"},
			patch: begin("*** Update File: u\n@@\n b\n-c\n+C\n d\n*** Add File: n\n+one\n+\n+two\n*** Delete File: d\n*** Update File: o/l\n*** Move to: n2\n@@\n 1\n-2\n+3\n"),
			after: map[string]string{"u": "a\nb\nC\nd\ne\nf\ng\n", "n": "one\n\ntwo\n", "d": "", "o/l": "", "n2": "1\n3\n"}, says: "renamed n2, which was o/l"},
		{name: "header", before: map[string]string{"x": "func a() {\n\treturn 1\n}\nfunc b() {\n\treturn 1\n}\n"},
			patch: begin("*** Update File: x\n@@ func b() {\n-\treturn 1\n+\treturn 2\n }\n"),
			after: map[string]string{"x": "func a() {\n\treturn 1\n}\nfunc b() {\n\treturn 2\n}\n"}, says: "at line 5"},
		{name: "header in the hunk too", before: map[string]string{"x": "a\nb\nc\n"}, patch: begin("*** Update File: x\n@@ b\n b\n-c\n+C\n"), after: map[string]string{"x": "a\nb\nC\n"}, says: "at line 2"},
		{name: "headers", before: map[string]string{"x": "class A:\n def f():\n  1\nclass B:\n def f():\n  1\n"}, patch: begin("*** Update File: x\n@@ class B:\n@@ def f():\n-  1\n+  2\n"),
			after: map[string]string{"x": "class A:\n def f():\n  1\nclass B:\n def f():\n  2\n"}, says: "at line 6"},
		{name: "ambiguous", before: map[string]string{"x": "k\n1\nk\n2\n"}, patch: begin("*** Update File: x\n@@\n-k\n+K\n"), says: "Error: The part at line 3 of the patch fits 'x' in several places (lines 1, 3)"},
		{name: "one for each", before: map[string]string{"x": "k\n1\nk\n2\n"}, patch: begin("*** Update File: x\n@@\n-k\n+K\n@@\n-k\n+L\n"), after: map[string]string{"x": "K\n1\nL\n2\n"}, says: "part 2 of 2 at line 3"},
		{name: "end of file", before: map[string]string{"x": "k\n1\nk\n"}, patch: begin("*** Update File: x\n@@\n-k\n+K\n*** End of File\n"), after: map[string]string{"x": "k\n1\nK\n"}, says: "at line 3"},
		{name: "without @@", before: map[string]string{"x": "a\nb\n"}, patch: begin("*** Update File: x\n a\n-b\n+B\n"), after: map[string]string{"x": "a\nB\n"}, says: "updated"},
		{name: "only additions", before: map[string]string{"x": "a\n"}, patch: begin("*** Update File: x\n@@\n+b\n"), after: map[string]string{"x": "a\nb\n"}, says: "updated"},
		{name: "additions, no line end", before: map[string]string{"x": "a"}, patch: begin("*** Update File: x\n@@\n+b\n"), after: map[string]string{"x": "a\nb"}, says: "updated"},
		{name: "additions below a header", before: map[string]string{"x": "a\nb\nc\n"}, patch: begin("*** Update File: x\n@@ b\n+x\n"), after: map[string]string{"x": "a\nb\nx\nc\n"}, says: "at line 3"},
		{name: "missing header", before: map[string]string{"x": "a\n"}, patch: begin("*** Update File: x\n@@ zz\n-a\n+b\n"), says: "Error: The line '@@ zz' of the patch"},
		{name: "wrong order", before: map[string]string{"x": abc}, patch: begin("*** Update File: x\n@@\n-f\n+F\n@@\n-b\n+B\n"), says: "Error: The part at line 6 of the patch does not fit 'x': its lines are not there below line 6"},
		{name: "near", before: map[string]string{"x": "one\n  two\nthree\n"}, patch: begin("*** Update File: x\n@@\n one\n-two\n+2\n three\n"), says: "Error: The part at line 3"},
		{name: "no end", before: map[string]string{"x": "a\n"}, patch: "*** Begin Patch\n*** Update File: x\n@@\n-a\n+b\n", says: "Error: The patch has no *** End Patch"},
		{name: "after the end", before: map[string]string{"x": "a\n"}, patch: begin("*** Delete File: x\n") + "more\n", says: "Error: Line 4 of the patch, 'more', comes after"},
		{name: "unknown", patch: begin("*** Rename File: x\n"), says: "Error: Line 2 of the patch"},
		{name: "add without +", patch: begin("*** Add File: x\nhello\n"), says: "Error: Line 3 of the patch, 'hello', is in a new file"},
		{name: "blank lines between", before: map[string]string{"x": "a\nb\n"}, patch: begin("*** Update File: x\n@@\n a\n-b\n+B\n\n*** Add File: y\n+1\n\n"), after: map[string]string{"x": "a\nB\n", "y": "1\n"}, says: "added y"},
		{name: "add over", before: map[string]string{"x": "a\n"}, patch: begin("*** Add File: x\n+1\n"), says: "Error: 'x' exists already"},
		{name: "delete and add", before: map[string]string{"x": "a\n"}, patch: begin("*** Delete File: x\n*** Add File: x\n+1\n"), after: map[string]string{"x": "1\n"}, says: "added x"},
		{name: "swap", before: map[string]string{"x": "1\n", "y": "2\n"}, patch: begin("*** Update File: x\n*** Move to: t\n*** Update File: y\n*** Move to: x\n*** Update File: t\n*** Move to: y\n"), after: map[string]string{"x": "2\n", "y": "1\n", "t": ""}, says: "renamed y"},
		{name: "file becomes directory", before: map[string]string{"x": "1\n"}, patch: begin("*** Delete File: x\n*** Add File: x/y\n+1\n"), after: map[string]string{"x/y": "1\n"}, says: "deleted x"},
		{name: "directory becomes file", before: map[string]string{"x/y": "1\n"}, patch: begin("*** Delete File: x/y\n*** Add File: x\n+1\n"), after: map[string]string{"x": "1\n"}, says: "added x"},
		{name: "rename over", before: map[string]string{"x": "1\n", "y": "2\n"}, patch: begin("*** Update File: x\n*** Move to: y\n"), says: "Error: 'y' exists already"},
		{name: "rename to itself", before: map[string]string{"x": "1\n"}, patch: begin("*** Update File: x\n*** Move to: x\n"), says: "Error: 'x' exists already"},
		{name: "says nothing", before: map[string]string{"x": "1\n"}, patch: begin("*** Update File: x\n"), says: "Error: *** Update File: x in line 2"},
	} {
		t.Run(s.name, s.run)
	}
}
