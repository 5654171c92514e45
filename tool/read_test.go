package tool_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

func numbered(from, to int) string {
	var s strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&s, "%6d\tline %d\n", i, i)
	}
	return strings.TrimSuffix(s.String(), "\n")
}

func manyLines(n int) string {
	var s strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&s, "line %d\n", i)
	}
	return s.String()
}

func TestRead(t *testing.T) {
	c := open(t, map[string]string{
		"a": "print('hello')\nx\n", "open": "a\nb", "crlf": "a\r\nb\r\n", "bom": "\ufeffa\n", "empty": "", "many": manyLines(2500),
		"latin": "caf\xe9\n", "long": strings.Repeat("ä", 5000) + "\nshort\n", "blank": "\n\n", "dir/x": "1", "cr": strings.Repeat("x", 65535) + "\ry\n", "wide": strings.Repeat(strings.Repeat("y", 999)+"\n", 500),
	}, nil)
	for _, l := range []struct {
		in   args
		want string
	}{
		{args{"path": "a"}, "     1\tprint('hello')\n     2\tx"},
		{args{"path": "./dir/../a"}, "     1\tprint('hello')\n     2\tx"},
		{args{"path": "/a", "limit": 1}, "     1\tprint('hello')\n\n... (1 more line) Use offset=1 to read on."},
		{args{"path": "open"}, "     1\ta\n     2\tb"},
		{args{"path": "open", "offset": 1}, "     2\tb"},
		{args{"path": "crlf"}, "     1\ta\n     2\tb"},
		{args{"path": "bom"}, "     1\ta"},
		{args{"path": "empty"}, "(empty file)"},
		{args{"path": "blank"}, "     1\t\n     2\t"},
		{args{"path": "many"}, numbered(1, 2000) + "\n\n... (500 more lines) Use offset=2000 to read on."},
		{args{"path": "many", "offset": 100, "limit": 2}, numbered(101, 102) + "\n\n... (2398 more lines) Use offset=102 to read on."},
		{args{"path": "many", "offset": 2498}, numbered(2499, 2500)},
		{args{"path": "long"}, "     1\t" + strings.Repeat("ä", 1000) + "... (line cut, it has 10000 bytes)\n     2\tshort"},
		{args{"path": "cr"}, "     1\t" + strings.Repeat("x", 2000) + "... (line cut, it has 65537 bytes)"},
		{args{"path": "latin"}, "     1\tcaf\ufffd\n\n(Not valid UTF-8: bytes that are no characters are shown as \ufffd. The edit tools do not take this file.)"},
	} {
		if got := c.ok("read_file", l.in); got != l.want {
			t.Errorf("%v: %.300q", l.in, got)
		}
	}
	for want, in := range map[string]args{
		"Offset 2 exceeds file length (2 lines) of 'a'":      {"path": "a", "offset": 2},
		"Offset 1 exceeds file length (0 lines)":             {"path": "empty", "offset": 1},
		"Offset 9223372036854775807 exceeds":                 {"path": "many", "offset": int64(1<<63 - 1)},
		"File 'aa' not found. Did you mean 'a'?":             {"path": "aa"},
		"File 'zzzz' not found. Check the path":              {"path": "zzzz"},
		"'dir' is a directory. Use ls":                       {"path": "dir"},
		"`offset` must be an integer of at least 0, not a":   {"path": "a", "offset": -1},
		"`limit` must be an integer of at least 1":           {"path": "a", "limit": 0},
		"`limit` must be an integer of at least 1, not a st": {"path": "a", "limit": "5"},
		"`limit` must be an integer of at least 1, not a nu": {"path": "a", "limit": 1.5},
		"`path` is missing: it must be a string":             {},
	} {
		c.fails("read_file", in, want)
	}
	wide := c.ok("read_file", args{"path": "wide"})
	if n := len([]rune(wide)); n > 200_100 || n < 190_000 || !strings.HasSuffix(wide, "\n\n... (302 more lines) Use offset=198 to read on.") {
		t.Errorf("%d characters, end %q", n, wide[len(wide)-60:])
	}
}

// TestReadWindows: a file read in windows of any size is the whole file.
func TestReadWindows(t *testing.T) {
	for _, o := range []*tool.Options{nil, {EditFormat: tool.Hashline}} {
		for _, content := range []string{"a\n", "a", "a\nb\n\nc", "\n", "\r\n\r\n", "\ufeffx\ny", manyLines(30), strings.Repeat("\r", 70_000) + "\n" + strings.Repeat("z", 70_000) + "\r\nq"} {
			c := open(t, map[string]string{"f": content}, o)
			whole := c.ok("read_file", args{"path": "f"})
			for limit := 1; limit < 8; limit++ {
				var parts []string
				for offset := 0; ; offset += limit {
					r := c.call("read_file", args{"path": "f", "offset": offset, "limit": limit})
					if r.Failed {
						break
					}
					text, _, _ := strings.Cut(r.Text, "\n\n... (")
					parts = append(parts, text)
				}
				if got := strings.Join(parts, "\n"); got != whole {
					t.Errorf("%.20q in windows of %d: %.200q, want %.200q", content, limit, got, whole)
				}
			}
		}
	}
}

// TestReadLarge: of a large file only the window is held.
func TestReadLarge(t *testing.T) {
	b := state.New(nil)
	c := console(t, b, &tool.Options{EditFormat: tool.Hashline})
	put(t, b, "large", strings.Repeat(strings.Repeat("x", 99)+"\n", 700_000))
	put(t, b, "line", strings.Repeat("x", 20<<20))
	for _, in := range []args{{"path": "large", "limit": 3}, {"path": "large", "offset": 699_990}, {"path": "line"}, {"path": "line", "offset": 1}} {
		used := allocated(func() { c.call("read_file", in) })
		if used > 2<<20 {
			t.Errorf("%v: %d bytes", in, used)
		}
	}
	if got := c.ok("read_file", args{"path": "large", "limit": 1}); !strings.Contains(got, "more than ") {
		t.Errorf("%.200s", got)
	}
}

func TestReadBinary(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	files := map[string]string{"p.png": png, "f.pdf": "%PDF-1.7\nhello", "elf": "\x7fELF\x02\x00", "nul": "a\x00b", "fake.png": "version https\n", "u16": "\xff\xfea\x00"}
	c := open(t, files, nil)
	for path, kind := range map[string]string{"p.png": "image/png, 16 bytes", "f.pdf": "application/pdf, 14 bytes", "elf": "application/x-executable", "nul": "application/octet-stream", "u16": "text in UTF-16"} {
		c.fails("read_file", args{"path": path}, "is a binary file ("+kind)
	}
	c.ok("read_file", args{"path": "fake.png"})

	c = open(t, files, &tool.Options{Images: true, Documents: true, MaxDocument: 10})
	r := c.call("read_file", args{"path": "p.png"})
	if r.Failed || len(r.Media) != 1 || r.Media[0].Type != "image/png" || r.Media[0].Path != "p.png" || !bytes.Equal(r.Media[0].Data, []byte(png)) {
		t.Errorf("%+v", r)
	}
	c.fails("read_file", args{"path": "f.pdf"}, "Document 'f.pdf' too large (0.0MB, max 0.0MB)")
}

func TestLs(t *testing.T) {
	c := open(t, map[string]string{"b.txt": "12345", "a/x": "1", ".hidden": "", "sp ace": "1", "z/y/x": "1"}, nil)
	if got := c.ok("ls", nil); got != "Contents of .:\n  a/\n  z/\n  .hidden (0 bytes)\n  b.txt (5 bytes)\n  sp ace (1 bytes)" {
		t.Error(got)
	}
	for _, root := range []string{"/", "", ".", "./", "/."} {
		if got := c.ok("ls", args{"path": root}); !strings.HasPrefix(got, "Contents of .:") {
			t.Errorf("%q: %s", root, got)
		}
	}
	if got := c.ok("ls", args{"path": "b.txt"}); got != "b.txt is a file:\n  b.txt (5 bytes)" {
		t.Error(got)
	}
	c.fails("ls", args{"path": "q"}, "Directory 'q' not found.")
	c.fails("ls", args{"path": "b.txt/x"}, "a part of the path is a file")
	if got := open(t, nil, nil).ok("ls", nil); got != "Directory '.' is empty" {
		t.Error(got)
	}
	b := state.New(nil)
	for i := range 1200 {
		put(t, b, fmt.Sprintf("f%04d", i), "")
	}
	put(t, b, "zdir/x", "")
	put(t, b, "evil\nname (1 bytes)", "")
	r := console(t, b, nil).call("ls", nil)
	if lines := strings.Split(r.Text, "\n"); len(lines) != 503 || lines[1] != "  zdir/" || lines[2] != "  \"evil\\nname (1 bytes)\" (0 bytes)" || lines[502] != "... and 701 more (1202 in all; use glob to find one)" {
		t.Errorf("%d lines: %q", len(lines), lines[len(lines)-1])
	}
}

func TestGlob(t *testing.T) {
	c := open(t, map[string]string{"a.go": "", "b/c.go": "", "b/d.ts": "", "b/.e.go": "", ".hutch/out/x.go": "", "ig/f.go": "", ".gitignore": "ig/\n"}, nil)
	for _, l := range []struct {
		in   args
		want string
	}{
		{args{"pattern": "*.go"}, "Found 1 file matching '*.go':\na.go"},
		{args{"pattern": "**/*.go"}, "Found 2 files matching '**/*.go':\na.go\nb/c.go"},
		{args{"pattern": "/b/*.{go,ts}"}, "Found 2 files matching '/b/*.{go,ts}':\nb/c.go\nb/d.ts"},
		{args{"pattern": "./b/*.ts"}, "Found 1 file matching './b/*.ts':\nb/d.ts"},
		{args{"pattern": "*.ts", "path": "b"}, "Found 1 file matching '*.ts':\nb/d.ts"},
		{args{"pattern": "*.ts"}, "No files matching '*.ts' in .. Below it there are 1: use '**/*.ts'"},
		{args{"pattern": "**/.*.go"}, "Found 1 file matching '**/.*.go':\nb/.e.go"},
		{args{"pattern": "**/f.go", "include_ignored": true}, "Found 1 file matching '**/f.go':\nig/f.go"},
		{args{"pattern": ".hutch/**"}, "No files matching '.hutch/**' in ."},
		{args{"pattern": "*", "path": ".hutch/out"}, "Found 1 file matching '*':\n.hutch/out/x.go"},
		{args{"pattern": "nope/**"}, "No files matching 'nope/**' in ."},
	} {
		if got := c.ok("glob", l.in); got != l.want {
			t.Errorf("%v: %q, want %q", l.in, got, l.want)
		}
	}
	c.fails("glob", args{"pattern": "[z-a"}, "Invalid glob pattern: ")
	c.fails("glob", args{"pattern": "*", "path": "a.go"}, "'a.go' is a file, not a directory")
	c.fails("glob", args{"pattern": "*", "path": "B"}, "Path 'B' not found. Did you mean 'b'?")
	c.fails("glob", args{"pattern": strings.Repeat("{a,", 5000) + strings.Repeat("}", 5000)}, "Error: ")
	b := state.New(nil)
	for i := range 150 {
		put(t, b, fmt.Sprintf("f%03d", i), "")
	}
	got := console(t, b, nil).ok("glob", args{"pattern": "*"})
	if !strings.HasPrefix(got, "Found 150 files") || !strings.HasSuffix(got, "f099\n... and 50 more") {
		t.Error(got)
	}
}

func TestGrep(t *testing.T) {
	c := open(t, map[string]string{
		"a.go": "func A() {}\nvar x = 1\nfunc B() {}\n", "b/c.txt": "Func x.y\n", "b/.h": "func h\n", "colon:1:x": "func colon\n",
		".hutch/out/k": "func kept\n", ".gitignore": "ig\n", "ig": "func ignored\n", "bin": "func\x00",
		"wide": strings.Repeat("ä", 300) + "needle" + strings.Repeat("ö", 300) + "\n",
	}, nil)
	for _, l := range []struct {
		in   args
		want string
	}{
		{args{"pattern": "^func"}, "a.go\ncolon:1:x"},
		{args{"pattern": "^func", "output_mode": "content"}, "a.go:1: func A() {}\na.go:3: func B() {}\ncolon:1:x:1: func colon"},
		{args{"pattern": "^func", "output_mode": "count"}, "Found 3 matches for '^func':\na.go: 2\ncolon:1:x: 1"},
		{args{"pattern": "FUNC", "ignore_case": true, "path": "b"}, "b/c.txt"},
		{args{"pattern": "func", "ignore_hidden": false, "path": "b"}, "b/.h"},
		{args{"pattern": "func", "path": "b/.h"}, "b/.h"},
		{args{"pattern": "kept", "ignore_hidden": false}, "No matches for 'kept' (hidden files are searched with ignore_hidden=false, those in .gitignore with include_ignored=true)"},
		{args{"pattern": "kept", "ignore_hidden": false, "path": ".hutch", "include_ignored": true}, "No matches for 'kept'"},
		{args{"pattern": "kept", "path": ".hutch/out"}, ".hutch/out/k"},
		{args{"pattern": "x.y", "literal": true, "glob_pattern": "*.{txt,md}"}, "b/c.txt"},
		{args{"pattern": "ignored", "include_ignored": true}, "ig"},
		{args{"pattern": "var", "output_mode": "content", "context": 1}, "a.go-1- func A() {}\na.go:2: var x = 1\na.go-3- func B() {}"},
		{args{"pattern": "needle", "output_mode": "content"}, "wide:1: ..." + strings.Repeat("ä", 25) + "needle" + strings.Repeat("ö", 69) + "..."},
	} {
		if got := c.ok("grep", l.in); got != l.want {
			t.Errorf("%v: %q, want %q", l.in, got, l.want)
		}
	}
	c.fails("grep", args{"pattern": "a(b"}, "Invalid regex pattern: ", "missing closing )")
	c.fails("grep", args{"pattern": "(?=x)"}, "Invalid regex pattern: ")
	c.fails("grep", args{"pattern": "x{1000}{1000}"}, "Invalid regex pattern: ")
	c.fails("grep", args{"pattern": "x", "path": "nowhere"}, "Path 'nowhere' not found")
	c.fails("grep", args{"pattern": "x", "glob_pattern": "[z-a"}, "Invalid ")
	c.fails("grep", args{"pattern": "x", "output_mode": "lines"}, "`output_mode` must be \"files_with_matches\" or \"content\" or \"count\", not a string \"lines\"")
	c.fails("grep", args{"pattern": "x", "context": 21}, "`context` must be an integer of 0 to 20")
}

func TestGrepMany(t *testing.T) {
	b := state.New(nil)
	for i := range 120 {
		put(t, b, fmt.Sprintf("f%03d", i), strings.Repeat("hit\n", 3))
	}
	c := console(t, b, nil)
	if got := c.ok("grep", args{"pattern": "hit"}); !strings.HasSuffix(got, "f049\n... and 70 more files") {
		t.Error(got)
	}
	got := c.ok("grep", args{"pattern": "hit", "output_mode": "content"})
	if strings.Count(got, "\n") != 50 || !strings.Contains(got, "\n... more matches") {
		t.Error(got)
	}
	if got := c.ok("grep", args{"pattern": "hit", "output_mode": "count"}); !strings.HasPrefix(got, "Found 360 matches for 'hit':\nf000: 3") || !strings.HasSuffix(got, "... and more files") {
		t.Error(got)
	}
}

// TestOptionArguments: defaults and words that options change are in the schema.
func TestOptionArguments(t *testing.T) {
	o := &tool.Options{SearchHidden: true, Profile: tool.Agent, Without: []string{"ls"}, Texts: map[string]tool.Text{
		"glob": {Title: "T", Description: "D", Append: "A", Args: map[string]string{"pattern": "P"}},
	}}
	c := console(t, hutch.Backend(state.New(nil)), o)
	if g := c.tools["glob"]; g.Title != "T" || g.Description != "D\n\nA" || !strings.Contains(string(g.Input), `"description":"P"`) {
		t.Errorf("%s %s %s", g.Title, g.Description, g.Input)
	}
	if g := c.tools["grep"]; !strings.Contains(string(g.Input), `"description":"Leave out hidden files and directories.","default":false`) || strings.Contains(g.Description, "shell") {
		t.Errorf("%s %s", g.Input, g.Description)
	}
	if _, ok := c.tools["ls"]; ok {
		t.Error("ls is there")
	}
	for want, bad := range map[string]*tool.Options{
		`text for "lss"`: {Texts: map[string]tool.Text{"lss": {}}},
		`no profile "x"`: {Profile: "x"}, `no edit format "x"`: {EditFormat: "x"}, `without "x"`: {Without: []string{"x"}},
		`it has no argument "pth"`: {Texts: map[string]tool.Text{"ls": {Args: map[string]string{"pth": ""}}}},
	} {
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		tool.Console(state.New(nil), bad)
	}
}
