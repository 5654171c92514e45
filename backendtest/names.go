package backendtest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

// oddNames are good names that careless code trips over.
func oddNames() []string {
	return []string{
		" ", "trailing ", " leading", "dot.", "-rf", "--", "a\nb", "tab\t", "\r", "\x01", "\x7f",
		"'", `"`, "it's", "`x`", "$(x)", "$HOME", "a;b|c&d", "<in>", `back\slash`, `\`, "~", "#x", "!",
		".hidden", "..data", "...", "a..b", "[...slug]", "*", "?", "{a,b}", "[", "a:b", "100%", "%2F", "%00",
		"\u00e9", "e\u0301", "日本語", "\U0001f98a", "\ufeffbom", "\u202etfel", "A", "a", "CON", "nul.txt",
		strings.Repeat("n", 255), strings.Repeat("é", 127) + "x",
	}
}

// badNames are what hutch.CheckName refuses.
func badNames() []string {
	return []string{
		"", "/", "/a", "a/", "a//b", "..", "../a", "a/..", "a/../b", "./a", "a/.", "a/./b",
		"a\x00b", "\x00", "\xff", "a/\xc3\x28", "\xed\xa0\x80",
		strings.Repeat("n", 256), "a/" + strings.Repeat("n", 256) + "/b",
		strings.Repeat(strings.Repeat("n", 200)+"/", 21) + "n",
	}
}

// longestName has as many bytes as a name may have.
func longestName() string {
	seg := strings.Repeat("s", hutch.MaxSegment)
	return strings.Repeat(seg+"/", hutch.MaxName/(hutch.MaxSegment+1)) + seg
}

// oddTree has every odd name as a file, as a directory and below one.
func oddTree() map[string]string {
	files := map[string]string{}
	for _, n := range oddNames() {
		files["file/"+n] = "file " + n
		files["dir/"+n+"/"+n] = "below " + n
	}
	return files
}

func nameReadChecks() []check {
	return []check{
		{"Names/Odd", "every name that CheckName accepts is kept as it is", oddTree, namesOdd},
		{"Names/Walked", "Walk and List show odd names as they are", oddTree, namesWalked},
		{"Names/Distinct", "names that look alike are different names", these("\u00e9", "composed", "Case", "upper"), namesDistinct},
		{"Names/Longest", "a name of MaxName bytes works",
			func() map[string]string { return map[string]string{longestName(): "far"} }, namesLongest},
		{"Names/Refused", "every method refuses bad names with fs.ErrInvalid and the caller's name", nil,
			func(t *env) { namesRefused(t, readOps(), t.ctx) }},
		{"Names/CheckedFirst", "a name is checked before anything else, also before the context", nil,
			func(t *env) { namesRefused(t, readOps(), t.over()) }},
	}
}

func nameWriteChecks() []check {
	return []check{
		{"Names/OddWritten", "files with odd names are written, replaced, edited, moved and removed", nil, namesOddWritten},
		{"Names/RefusedWrites", "every method that writes refuses bad names with fs.ErrInvalid and the caller's name",
			these("source", "source"), func(t *env) { namesRefused(t, writeOps(), t.ctx); namesLeft(t) }},
		{"Names/WritesCheckedFirst", "a name is checked before the context is and before the reader is read",
			these("source", "source"), namesWritesCheckedFirst},
	}
}

func namesOdd(t *env) {
	for name, want := range t.files {
		t.wantContent(name, want)
		if i := t.stat(name); i.Name != name || i.IsDir() {
			t.Errorf("Stat(%s) = %+v", short(name), i)
		}
		f, err := t.b.Open(t.ctx, name)
		if err != nil {
			t.Errorf("Open(%s): %v", short(name), err)
			continue
		}
		if f.Info().Name != name {
			t.Errorf("the open file %s says it is %s", short(name), short(f.Info().Name))
		}
		f.Close()
	}
}

func namesWalked(t *env) {
	var want []string
	for name := range t.files {
		want = append(want, name)
	}
	slices.Sort(want)
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))); !slices.Equal(got, want) {
		t.Errorf("Walk shows %q\nwant %q", got, want)
	}
	want = nil
	for _, n := range oddNames() {
		want = append(want, "dir/"+n)
	}
	slices.Sort(want)
	if got := names(t.list("dir")); !slices.Equal(got, want) {
		t.Errorf("List shows %q\nwant %q", got, want)
	}
}

func namesDistinct(t *env) {
	for _, n := range []string{"e\u0301", "case", "CASE", "Case ", "Case."} {
		t.wantAbsent(n)
		t.wantErr("Open", doOpen(t, t.ctx, t.b, n), n, fs.ErrNotExist)
	}
}

func namesLongest(t *env) {
	t.wantContent(longestName(), "far")
	all := collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))
	if got := names(all); !slices.Equal(got, []string{longestName()}) {
		t.Errorf("Walk shows %d names, want the longest alone", len(got))
	}
}

func namesRefused(t *env, ops []op, ctx context.Context) {
	for _, o := range ops {
		for _, name := range badNames() {
			if name == "" && o.emptyOK {
				continue
			}
			t.wantErr(o.name, o.try(t, ctx, name), name, fs.ErrInvalid)
		}
	}
}

func namesLeft(t *env) {
	if got := names(t.list(".")); !slices.Equal(got, []string{"source"}) {
		t.Errorf("after refused writes there is %q, want only the source", got)
	}
	t.wantContent("source", "source")
}

func namesWritesCheckedFirst(t *env) {
	namesRefused(t, writeOps(), t.over())
	for _, name := range badNames() {
		r := readerFunc(func([]byte) (int, error) {
			t.Errorf("Write(%s) reads although the name is refused", short(name))
			return 0, io.EOF
		})
		_, err := t.b.Write(t.ctx, name, r, nil)
		t.wantErr("Write", err, name, fs.ErrInvalid)
	}
	namesLeft(t)
}

func namesOddWritten(t *env) {
	for _, n := range oddNames() {
		other := "moved"
		if info := t.write(n, "one"); info.Name != n {
			t.Errorf("Write(%s) says it is %s", short(n), short(info.Name))
		}
		t.write(n, "two")
		if _, err := t.do.edit(t.ctx, t.b, n, []hutch.Edit{{Old: "two", New: "three"}}); err != nil {
			t.Errorf("EditFile(%s): %v", short(n), err)
		}
		t.wantContent(n, "three")
		if err := hutch.Move(t.ctx, t.b, n, other); err != nil {
			t.Errorf("Move(%s): %v", short(n), err)
			continue
		}
		if err := hutch.Move(t.ctx, t.b, other, n); err != nil {
			t.Errorf("Move to %s: %v", short(n), err)
			continue
		}
		t.remove(n)
		if _, err := t.b.Stat(t.ctx, n); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there after Remove: %v", short(n), err)
		}
		if err := hutch.RemoveAll(t.ctx, t.b, "."); err != nil {
			t.Errorf("RemoveAll after %s: %v", short(n), err)
		}
	}
}

// readerFunc is a reader made of a function.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
