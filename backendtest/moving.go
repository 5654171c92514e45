package backendtest

import (
	"fmt"
	"io/fs"
	"maps"
	"strings"

	"github.com/hutch-dev/hutch"
)

var moveTree = these("source", "source", "f", "f", "d/a", "a", "d/sub/b", "b", "d/.h", "h", "e/x", "x", "d-e", "beside")

func copyChecks() []check {
	return []check{
		{"Copy/File", "Copy makes a second file with content and mode, and keeps the first", moveTree, copyFile},
		{"Copy/Replace", "Copy replaces a file", moveTree, copyReplace},
		{"Copy/Dir", "Copy of a directory copies all files below it", moveTree, copyDir},
		{"Copy/Refused", "Copy onto a directory is ErrIsDir, of a directory onto anything fs.ErrExist, into itself fs.ErrInvalid", moveTree, copyRefused},
		{"Copy/Between", "Copy goes from one backend to another", moveTree, copyBetween},
	}
}

func moveChecks() []check {
	return []check{
		{"Move/File", "Move gives a file another name, with content and mode, and makes parents", moveTree, moveFile},
		{"Move/Replace", "Move replaces a file", moveTree, moveReplace},
		{"Move/Dir", "Move of a directory moves all files below it", moveTree, moveDir},
		{"Move/Itself", "Move of a name to itself changes nothing", moveTree, moveItself},
		{"Move/Refused", "Move replaces no directory and puts none into itself", moveTree, moveRefused},
	}
}

// wantTree fails unless the backend holds its first files after change.
func (t *env) wantTree(what string, change func(files map[string]string)) {
	t.Helper()
	want := maps.Clone(t.files)
	change(want)
	if got := t.contents(t.b); !maps.Equal(got, want) {
		t.Errorf("%s leaves %s\nwant %s", what, summary(got), summary(want))
	}
}

func (t *env) copy(to, from string) {
	t.Helper()
	if err := hutch.Copy(t.ctx, t.b, to, t.b, from); err != nil {
		t.Fatalf("Copy(%s to %s): %v", from, to, err)
	}
}

func (t *env) move(from, to string) {
	t.Helper()
	if err := hutch.Move(t.ctx, t.b, from, to); err != nil {
		t.Fatalf("Move(%s to %s): %v", from, to, err)
	}
}

func copyFile(t *env) {
	t.writeWith("f", "f", hutch.WriteOptions{Mode: 0o750})
	t.copy("new/parent/g", "f")
	t.wantTree("Copy", func(m map[string]string) { m["new/parent/g"] = "f" })
	if m := t.stat("new/parent/g").Mode; m != 0o750 {
		t.Errorf("the copy has the mode %v, want %v", m, fs.FileMode(0o750))
	}
	t.write("f", "changed")
	t.wantContent("new/parent/g", "f")
}

func copyReplace(t *env) {
	t.writeWith("f", "f", hutch.WriteOptions{Mode: 0o600})
	t.copy("d/a", "f")
	t.copy("f", "f")
	t.wantTree("Copy", func(m map[string]string) { m["d/a"] = "f" })
	if m := t.stat("d/a").Mode; m != 0o600 {
		t.Errorf("the copy has the mode %v, want %v", m, fs.FileMode(0o600))
	}
}

func copyDir(t *env) {
	t.copy("new/d", "d")
	t.copy("d2", "d")
	t.wantTree("Copy", func(m map[string]string) {
		for _, to := range []string{"new/d", "d2"} {
			m[to+"/a"], m[to+"/sub/b"], m[to+"/.h"] = "a", "b", "h"
		}
	})
}

func copyRefused(t *env) {
	for _, c := range []struct {
		from, to string
		want     error
	}{
		{"f", "d", hutch.ErrIsDir}, {"f", ".", hutch.ErrIsDir}, {"d", "e", fs.ErrExist}, {"d", "f", fs.ErrExist},
		{"d", "e/x", fs.ErrExist}, {"d", "d/new", fs.ErrInvalid}, {"d", "d", fs.ErrInvalid}, {".", "new", fs.ErrInvalid},
		{"d", ".", fs.ErrExist}, {"d", "f/new", hutch.ErrNotDir},
	} {
		err := hutch.Copy(t.ctx, t.b, c.to, t.b, c.from)
		if c.want == hutch.ErrNotDir { // which of the names below it is told is open
			if err == nil {
				t.Errorf("Copy(%s to %s): no error", c.from, c.to)
			}
			continue
		}
		t.wantErr(fmt.Sprintf("Copy(%s to %s)", c.from, c.to), err, c.to, c.want)
	}
	t.wantUntouched("refused copies")
}

func copyBetween(t *env) {
	other := t.open()
	if err := hutch.RemoveAll(t.ctx, other, "."); err != nil {
		t.Fatal(err)
	}
	if err := hutch.Copy(t.ctx, other, ".", t.b, "."); err != nil {
		t.Fatalf("Copy of all: %v", err)
	}
	if err := hutch.Copy(t.ctx, other, "d/new", t.b, "f"); err != nil {
		t.Fatalf("Copy of a file: %v", err)
	}
	want := maps.Clone(t.files)
	want["d/new"] = "f"
	if got := t.contents(other); !maps.Equal(got, want) {
		t.Errorf("the other backend holds %s, want %s", summary(got), summary(want))
	}
	t.wantUntouched("a copy to another backend")
}

func moveFile(t *env) {
	t.writeWith("f", "f", hutch.WriteOptions{Mode: 0o700})
	t.move("f", "new/parent/g")
	t.wantTree("Move", func(m map[string]string) { delete(m, "f"); m["new/parent/g"] = "f" })
	t.wantAbsent("f")
	if m := t.stat("new/parent/g").Mode; m != 0o700 {
		t.Errorf("the moved file has the mode %v, want %v", m, fs.FileMode(0o700))
	}
	t.write("f/free", "the name is free")
}

func moveReplace(t *env) {
	t.move("f", "d/a")
	t.move("d/.h", "source")
	t.wantTree("Move", func(m map[string]string) {
		delete(m, "f")
		delete(m, "d/.h")
		m["d/a"], m["source"] = "f", "h"
	})
}

func moveDir(t *env) {
	t.move("d", "new/d")
	t.wantTree("Move", func(m map[string]string) {
		for name, content := range t.files {
			if strings.HasPrefix(name, "d/") {
				delete(m, name)
				m["new/"+name] = content
			}
		}
	})
	t.wantAbsent("d")
	if got := names(t.list("new/d")); !equal(got, []string{"new/d/.h", "new/d/a", "new/d/sub"}) {
		t.Errorf("the moved directory lists %q", got)
	}
	t.write("d", "the name is free")
}

func moveItself(t *env) {
	for _, name := range []string{"f", "d", "d/a"} {
		if err := hutch.Move(t.ctx, t.b, name, name); err != nil {
			t.Errorf("Move(%s to itself): %v", name, err)
		}
	}
	t.wantUntouched("Move of a name to itself")
}

func moveRefused(t *env) {
	for _, c := range []struct {
		from, to, name string
		want           error
	}{
		{"f", "d", "d", hutch.ErrIsDir}, {"f", ".", ".", hutch.ErrIsDir}, {"d", "d/new", "d/new", fs.ErrInvalid},
		{"d", "d/sub", "d/sub", fs.ErrInvalid}, {"d", "d/sub/deep", "d/sub/deep", fs.ErrInvalid},
		{"f", "source/x", "source/x", hutch.ErrNotDir}, {"nothing", "new", "nothing", fs.ErrNotExist},
	} {
		err := hutch.Move(t.ctx, t.b, c.from, c.to)
		t.wantErr(fmt.Sprintf("Move(%s to %s)", c.from, c.to), err, c.name, c.want)
	}
	for _, c := range [][2]string{{"d", "e"}, {"d", "f"}, {"d", "e/x"}, {".", "new"}, {"d", "."}} {
		if err := hutch.Move(t.ctx, t.b, c[0], c[1]); err == nil {
			t.Errorf("Move(%s to %s): no error", c[0], c[1])
		}
	}
	t.wantUntouched("refused moves")
}
