package backendtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

func versionChecks() []check {
	old := func() map[string]string { return map[string]string{"f": large(mib)} }
	return []check{
		{"Reader/Replaced", "a reader keeps its version while the file is replaced", old, readerReplaced},
		{"Reader/Removed", "a reader keeps its version while the file is removed", old, readerRemoved},
		{"Reader/Moved", "a reader keeps its version while the file is moved and its name taken", old, readerMoved},
	}
}

// keeps opens the file f, reads a little, does change and reads the rest.
func (t *env) keeps(change func()) {
	t.Helper()
	f, err := t.b.Open(t.ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info := f.Info()
	head := make([]byte, 10)
	if _, err := io.ReadFull(f, head); err != nil {
		t.Fatal(err)
	}
	change()
	rest, err := io.ReadAll(f)
	if err != nil || string(head)+string(rest) != t.files["f"] {
		t.Errorf("the reader gets %d bytes and %v, want the %d of its version", len(head)+len(rest), err, len(t.files["f"]))
	}
	if now := f.Info(); !sameInfo(now, info) {
		t.Errorf("the version that is read changes from %+v to %+v", info, now)
	}
}

func readerReplaced(t *env) {
	t.keeps(func() { t.write("f", "new"); t.write("f", strings.Repeat("newer", mib/2)) })
	t.wantContent("f", strings.Repeat("newer", mib/2))
}

func readerRemoved(t *env) {
	t.keeps(func() { t.remove("f"); t.wantAbsent("f") })
}

func readerMoved(t *env) {
	t.keeps(func() { t.move("f", "g"); t.write("f", "other") })
	t.wantContent("g", t.files["f"])
}

func speedChecks() []check {
	return []check{
		{"Speeds/Move", "Move does what it does without speeds", nil, speedMove},
		{"Speeds/Sub", "the speeds of Sub give what they give without", generated, speedSub},
	}
}

func speedMove(t *env) {
	slow := t.open()
	for _, m := range [][2]string{
		{"f", "g"}, {"f", "d/a"}, {"f", "new/deep/f"}, {"d", "new/d"}, {"d", "d2"}, {"d/sub", "sub"}, {"f", "f"}, {"d", "d"},
		{"f", "d"}, {"f", "."}, {"d", "d/new"}, {"d", "d/sub"}, {"nothing", "new"}, {"no/such", "new"}, {"f/x", "new"},
		{"f", "source/x"}, {"/f", "new"}, {"f", "../new"}, {"d/a", "d"}, {"d/sub/b", "d/a"}, {"nothing", "d"},
	} {
		for _, b := range []hutch.Backend{t.b, slow} {
			if err := hutch.RemoveAll(t.ctx, b, "."); err != nil {
				t.Fatal(err)
			}
			for name, content := range moveTree() {
				if _, err := hutch.WriteFile(t.ctx, b, name, []byte(content), &hutch.WriteOptions{Mode: 0o700}); err != nil {
					t.Fatal(err)
				}
			}
		}
		what := fmt.Sprintf("Move(%s to %s)", m[0], m[1])
		t.sameError(what, hutch.Move(t.ctx, t.b, m[0], m[1]), hutch.Move(t.ctx, Plain(slow), m[0], m[1]))
		if got, want := t.contents(t.b), t.contents(slow); !maps.Equal(got, want) {
			t.Errorf("%s leaves %s, without speeds %s", what, summary(got), summary(want))
		}
		got, want := collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")), collect(t, "Walk", hutch.Walk(t.ctx, slow, "."))
		if !slices.EqualFunc(got, want, func(a, b hutch.Info) bool { return a.Name == b.Name && a.Mode == b.Mode }) {
			t.Errorf("%s leaves %+v, without speeds %+v", what, got, want)
		}
	}
}

func speedSub(t *env) {
	for _, dir := range []string{"a", "a-b", "x y"} {
		fast, err := hutch.Sub(t.b, dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []string{".", "a", "nothing"} {
			got, gotErr := hutch.Collect(hutch.Walk(t.ctx, fast, in))
			want, wantErr := hutch.Collect(hutch.Walk(t.ctx, Plain(fast), in))
			if !slices.EqualFunc(got, want, sameInfo) {
				t.Errorf("Walk(%s) in %s shows %q, without speeds %q", in, dir, names(got), names(want))
			}
			t.sameError("Walk in Sub", gotErr, wantErr)
			t.sameSearch(fast, dir, in, false)
			t.sameSearch(fast, dir, in, true)
		}
	}
}

// sameSearch compares the searches of a view of dir with those without speeds.
func (t *env) sameSearch(fast hutch.Backend, dir, in string, ignore bool) {
	t.Helper()
	q := hutch.Query{Pattern: "needle", Dir: in, Before: 1, Include: []string{"**/a*", "*"}, Gitignore: ignore}
	gotM, gotErr := hutch.Collect(t.do.grep(t.ctx, fast, q))
	wantM, wantErr := hutch.Collect(t.do.grep(t.ctx, Plain(fast), q))
	if !slices.Equal(gotM, wantM) {
		t.Errorf("Grep(%s) in %s finds %+v, without speeds %+v", in, dir, gotM, wantM)
	}
	t.sameError("Grep in Sub", gotErr, wantErr)
	o := &hutch.GlobOptions{Dir: in, Recurse: true, Gitignore: ignore}
	got, gotErr := hutch.Collect(t.do.glob(t.ctx, fast, "*", o))
	want, wantErr := hutch.Collect(t.do.glob(t.ctx, Plain(fast), "*", o))
	if !slices.EqualFunc(got, want, sameInfo) {
		t.Errorf("Glob in %s of %s shows %q, without speeds %q", in, dir, names(got), names(want))
	}
	t.sameError("Glob in Sub", gotErr, wantErr)
}

func closeChecks() []check {
	return []check{
		{"Close/Refuses", "a backend that was closed is ErrClosed for every method", nodes, closeRefuses},
	}
}

// closeRefuses has nothing to check where a backend has no Close.
func closeRefuses(t *env) {
	c, ok := t.b.(io.Closer)
	if !ok {
		return
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	for _, o := range append(readOps(), writeOps()...) {
		name := "f"
		switch {
		case o.file != nil:
			name = "dir"
		case o.name == "Move to", o.name == "Copy to": // either name may be told
			name = "source"
		}
		t.wantErr(o.name, o.try(t, t.ctx, name), name, hutch.ErrClosed)
	}
}
