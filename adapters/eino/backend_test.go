package eino_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/eino/adk/filesystem"
	"github.com/hutch-dev/hutch/adapters/eino"
	"github.com/hutch-dev/hutch/state"
)

// eachBackend runs f on Eino's own backend and on ours, for what both document.
func eachBackend(t *testing.T, f func(t *testing.T, b filesystem.Backend)) {
	t.Run("eino", func(t *testing.T) { f(t, filesystem.NewInMemoryBackend()) })
	t.Run("hutch", func(t *testing.T) { f(t, eino.NewBackend(state.New(nil), nil)) })
}

func write(t testing.TB, b filesystem.Backend, path, content string) {
	t.Helper()
	if err := b.Write(t.Context(), &filesystem.WriteRequest{FilePath: path, Content: content}); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, b filesystem.Backend, path string, offset, limit int) string {
	t.Helper()
	c, err := b.Read(t.Context(), &filesystem.ReadRequest{FilePath: path, Offset: offset, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return c.Content
}

func TestReadLines(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	files := map[string]string{
		"/empty": "", "/one": "one", "/ended": "one\n", "/three": "one\ntwo\nthree", "/three-ended": "one\ntwo\nthree\n",
		"/blank": "\n\n\n", "/crlf": "a\r\nb\r\n", "/long": long + "\n" + long + "\nend",
	}
	want := map[string]string{}
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		for name, content := range files {
			write(t, b, name, content)
			for offset := -1; offset <= 5; offset++ {
				for limit := -1; limit <= 5; limit++ {
					what := fmt.Sprint(name, " ", offset, " ", limit)
					got := read(t, b, name, offset, limit)
					if w, ok := want[what]; ok && w != got {
						t.Errorf("%s: %.80q, want %.80q", what, got, w)
					}
					want[what] = got
				}
			}
		}
	})
}

func TestWriteAndEdit(t *testing.T) {
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		edit := func(path, old, new string, all bool) error {
			return b.Edit(t.Context(), &filesystem.EditRequest{FilePath: path, OldString: old, NewString: new, ReplaceAll: all})
		}
		write(t, b, "/a/b.txt", "one two two\n")
		write(t, b, "/a/c.txt", "first")
		write(t, b, "/a/c.txt", "second")
		if got := read(t, b, "/a/c.txt", 0, 0); got != "second" {
			t.Errorf("%q", got)
		}
		for what, err := range map[string]error{
			"missing file": edit("/a/none.txt", "x", "y", false), "empty": edit("/a/b.txt", "", "y", false),
			"not there": edit("/a/b.txt", "three", "y", false), "twice": edit("/a/b.txt", "two", "y", false),
		} {
			if err == nil {
				t.Error(what)
			}
		}
		if got := read(t, b, "/a/b.txt", 0, 0); got != "one two two\n" {
			t.Errorf("after edits that failed: %q", got)
		}
		if err := errors.Join(edit("/a/b.txt", "one ", "", false), edit("/a/b.txt", "two", "2", true)); err != nil {
			t.Error(err)
		}
		if got := read(t, b, "/a/b.txt", 0, 0); got != "2 2\n" {
			t.Errorf("%q", got)
		}
		if _, err := b.Read(t.Context(), &filesystem.ReadRequest{FilePath: "/none"}); err == nil {
			t.Error("a file that is not there was read")
		}
	})
}

// Sixteen agents that edit one file lose nothing.
func TestParallelEdits(t *testing.T) {
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		var content strings.Builder
		for i := range 16 {
			fmt.Fprintf(&content, "line <%d>\n", i)
		}
		write(t, b, "/f", content.String())
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for n := range 10 {
					old, new := fmt.Sprintf("<%d>", i+100*n), fmt.Sprintf("<%d>", i+100*(n+1))
					if n == 0 {
						old = fmt.Sprintf("<%d>", i)
					}
					if err := b.Edit(t.Context(), &filesystem.EditRequest{FilePath: "/f", OldString: old, NewString: new}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if got, want := read(t, b, "/f", 0, 0), strings.ReplaceAll(content.String(), "<", "<1000+"); got != rounded(want) {
			t.Errorf("%s", got)
		}
	})
}

func rounded(s string) string {
	for i := range 16 {
		s = strings.ReplaceAll(s, fmt.Sprintf("<1000+%d>", i), fmt.Sprintf("<%d>", 1000+i))
	}
	return s
}

var tree = map[string]string{
	"/main.go": "package main\n// TODO one\nfunc main() {\n\tprintln()\n}\n", "/src/a.go": "package src\n// todo two\n",
	"/src/deep/b.go": "package deep\n", "/src/c.py": "# TODO three\nx = 1\ny = 2\n", "/src/d.PY": "", "/doc/x.md": "TODO",
}

// absolute is the sorted paths of infos, which may be relative to dir.
func absolute(dir string, infos []filesystem.FileInfo) []string {
	var all []string
	for _, i := range infos {
		p := i.Path
		if !path.IsAbs(p) {
			p = path.Join(dir, p)
		}
		if i.IsDir {
			p += "/"
		}
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

func TestLists(t *testing.T) {
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		for name, content := range tree {
			write(t, b, name, content)
		}
		for dir, want := range map[string]string{
			"/": "/doc/ /main.go /src/", "": "/doc/ /main.go /src/", "/src": "/src/a.go /src/c.py /src/d.PY /src/deep/",
			"/src/": "/src/a.go /src/c.py /src/d.PY /src/deep/", "src/deep": "/src/deep/b.go", "/none": "",
		} {
			infos, err := b.LsInfo(t.Context(), &filesystem.LsInfoRequest{Path: dir})
			if got := strings.Join(absolute(path.Join("/", dir), infos), " "); err != nil || got != want {
				t.Errorf("ls %q: %s, %v; want %s", dir, got, err, want)
			}
			for _, i := range infos {
				if !i.IsDir && i.Size != int64(len(tree[absolute(path.Join("/", dir), []filesystem.FileInfo{i})[0]])) {
					t.Errorf("%+v", i)
				}
				if _, err := time.Parse(time.RFC3339Nano, i.ModifiedAt); err != nil && !i.IsDir {
					t.Error(err)
				}
			}
		}
		if infos, err := b.LsInfo(t.Context(), &filesystem.LsInfoRequest{Path: "/src/a.go"}); err != nil || len(infos) != 1 || infos[0].IsDir {
			t.Errorf("ls of a file: %v, %v", infos, err)
		}
	})
}

func TestGlobs(t *testing.T) {
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		for name, content := range tree {
			write(t, b, name, content)
		}
		for _, c := range [][3]string{
			{"", "*.go", "/main.go"}, {"/", "**/*.go", "/main.go /src/a.go /src/deep/b.go"}, {"/src", "*.go", "/src/a.go"},
			{"src", "**/*.go", "/src/a.go /src/deep/b.go"}, {"/src", "?.[a-p]y", "/src/c.py"}, {"", "/src/*.go", "/src/a.go"},
			{"/doc", "/src/*.go", "/src/a.go"}, {"", "*.{md,go}", "/main.go"}, {"/none", "*", ""}, {"", "none*", ""}, {"", "*/*.md", "/doc/x.md"},
		} {
			infos, err := b.GlobInfo(t.Context(), &filesystem.GlobInfoRequest{Path: c[0], Pattern: c[1]})
			if got := strings.Join(absolute(path.Join("/", c[0]), infos), " "); err != nil || got != c[2] {
				t.Errorf("glob %q %q: %s, %v; want %s", c[0], c[1], got, err, c[2])
			}
		}
		if _, err := b.GlobInfo(t.Context(), &filesystem.GlobInfoRequest{Pattern: "[a"}); err == nil {
			t.Error("a pattern that cannot be read was taken")
		}
	})
}

func TestGreps(t *testing.T) {
	eachBackend(t, func(t *testing.T, b filesystem.Backend) {
		for name, content := range tree {
			write(t, b, name, content)
		}
		type query = filesystem.GrepRequest
		for _, c := range []struct {
			q    query
			want string
		}{
			{query{Pattern: "TODO"}, "/doc/x.md:1 /main.go:2 /src/c.py:1"},
			{query{Pattern: "TODO", CaseInsensitive: true}, "/doc/x.md:1 /main.go:2 /src/a.go:2 /src/c.py:1"},
			{query{Pattern: "^TODO$"}, "/doc/x.md:1"},
			{query{Pattern: "TODO", Path: "/src"}, "/src/c.py:1"},
			{query{Pattern: "TODO", Path: "/src/c.py"}, "/src/c.py:1"},
			{query{Pattern: "TODO", Path: "/none"}, ""},
			{query{Pattern: "TODO", Glob: "*.go"}, "/main.go:2"},
			{query{Pattern: "package", Glob: "src/**/*.go"}, "/src/a.go:1 /src/deep/b.go:1"},
			{query{Pattern: "package", Path: "/src", Glob: "deep/*.go"}, "/src/deep/b.go:1"},
			{query{Pattern: "TODO", FileType: "py"}, "/src/c.py:1"},
			{query{Pattern: "TODO", FileType: "go", Glob: "*.*"}, "/main.go:2"},
			{query{Pattern: "TODO", FileType: "md"}, "/doc/x.md:1"},
			{query{Pattern: "x = 1", AfterLines: 1}, "/src/c.py:2 /src/c.py:3"},
			{query{Pattern: "x = 1", BeforeLines: 5}, "/src/c.py:1 /src/c.py:2"},
			{query{Pattern: "[xy] =", BeforeLines: 1}, "/src/c.py:1 /src/c.py:2 /src/c.py:3"},
			{query{Pattern: `main\(\) \{\s+println`, EnableMultiline: true}, "/main.go:3 /main.go:4"},
			{query{Pattern: `main\(\) \{\s+println`}, ""},
			{query{Pattern: `1\ny`, EnableMultiline: true, FileType: "py", BeforeLines: 1}, "/src/c.py:1 /src/c.py:2 /src/c.py:3"},
			{query{Pattern: `TODO`, EnableMultiline: true, Glob: "*.go"}, "/main.go:2"},
			{query{Pattern: `[xy] =`, EnableMultiline: true, BeforeLines: 1}, "/src/c.py:1 /src/c.py:2 /src/c.py:3"},
		} {
			found, err := b.GrepRaw(t.Context(), &c.q)
			var got []string
			for _, m := range found {
				got = append(got, fmt.Sprintf("%s:%d", m.Path, m.Line))
				if line := strings.Split(tree[m.Path], "\n")[m.Line-1]; line != m.Content {
					t.Errorf("%+v: %q, want %q", c.q, m.Content, line)
				}
			}
			slices.Sort(got)
			if got := strings.Join(got, " "); err != nil || got != c.want {
				t.Errorf("%+v: %s, %v; want %s", c.q, got, err, c.want)
			}
		}
		for _, q := range []query{{Pattern: ""}, {Pattern: "("}, {Pattern: "(", EnableMultiline: true}, {Pattern: "a", Glob: "[a"}} {
			if found, err := b.GrepRaw(t.Context(), &q); err == nil {
				t.Errorf("%+v: %v", q, found)
			}
		}
	})
}
