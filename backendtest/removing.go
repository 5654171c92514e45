package backendtest

import (
	"errors"
	"io/fs"
	"maps"

	"github.com/hutch-dev/hutch"
)

func removeChecks() []check {
	return []check{
		{"Remove/File", "Remove removes one file and nothing beside it", these("d/f", "f", "d/g", "g", "d.f", "x"), removeFile},
		{"Remove/Dir", "a directory that is not empty, and \".\", is ErrIsDir and stays", nodes, removeDir},
		{"Remove/Name", "after Remove the name is free for a directory, and the other way round", nil, removeName},
		{"Remove/Last", "a directory whose last file was removed is empty or gone, and can be removed", these("d/e/f", "f"), removeLast},
		{"RemoveAll/Dir", "RemoveAll removes a directory with all below it, and nothing beside it", removeTree, removeAllDir},
		{"RemoveAll/Root", "RemoveAll of \".\" empties the backend", removeTree, removeAllRoot},
		{"RemoveAll/Missing", "RemoveAll of nothing is no error", nodes, removeAllMissing},
	}
}

var removeTree = these("d/a", "1", "d/e/b", "2", "d/e/f/c", "3", "d/.h/x", "4", "d-e", "5", "d.x/y", "6", "dd", "7", "e/d/a", "8")

func removeFile(t *env) {
	t.remove("d/f")
	t.wantAbsent("d/f")
	t.wantErr("Open", doOpen(t, t.ctx, t.b, "d/f"), "d/f", fs.ErrNotExist)
	t.wantErr("Remove", t.b.Remove(t.ctx, "d/f"), "d/f", fs.ErrNotExist)
	if got, want := t.contents(t.b), map[string]string{"d/g": "g", "d.f": "x"}; !maps.Equal(got, want) {
		t.Errorf("after Remove there is %s, want %s", summary(got), summary(want))
	}
	if got := names(t.list("d")); !equal(got, []string{"d/g"}) {
		t.Errorf("after Remove List shows %q", got)
	}
}

func removeDir(t *env) {
	for _, name := range []string{"dir", "dir/sub", "."} {
		t.wantErr("Remove", t.b.Remove(t.ctx, name), name, hutch.ErrIsDir)
	}
	t.wantUntouched("a refused Remove")
}

func removeName(t *env) {
	for range 3 {
		t.write("x", "a file")
		t.remove("x")
		t.write("x/y/z", "below")
		if i := t.stat("x"); !i.IsDir() {
			t.Errorf("x is %+v, want a directory", i)
		}
		if err := hutch.RemoveAll(t.ctx, t.b, "x"); err != nil {
			t.Fatalf("RemoveAll: %v", err)
		}
		t.wantAbsent("x")
	}
	t.write("x", "a file again")
	t.wantContent("x", "a file again")
}

func removeLast(t *env) {
	t.remove("d/e/f")
	for _, dir := range []string{"d/e", "d"} {
		info, err := t.b.Stat(t.ctx, dir)
		if errors.Is(err, fs.ErrNotExist) {
			t.wantErr("List", doList(t, t.ctx, t.b, dir), dir, fs.ErrNotExist)
			continue
		}
		if err != nil || !info.IsDir() {
			t.Errorf("Stat(%s) = %+v, %v; want an empty directory or nothing", dir, info, err)
		}
		if got := t.list(dir); len(got) != 0 {
			t.Errorf("List(%s) shows %q", dir, names(got))
		}
		if err := t.b.Remove(t.ctx, dir); err != nil {
			t.Errorf("Remove of the empty directory %s: %v", dir, err)
		}
	}
	t.wantAbsent("d")
	if got := t.list("."); len(got) != 0 {
		t.Errorf("in the end List shows %q", names(got))
	}
}

func removeAllDir(t *env) {
	if err := hutch.RemoveAll(t.ctx, t.b, "d"); err != nil {
		t.Fatal(err)
	}
	t.wantAbsent("d")
	want := map[string]string{"d-e": "5", "d.x/y": "6", "dd": "7", "e/d/a": "8"}
	if got := t.contents(t.b); !maps.Equal(got, want) {
		t.Errorf("after RemoveAll there is %s, want %s", summary(got), summary(want))
	}
	if err := hutch.RemoveAll(t.ctx, t.b, "dd"); err != nil {
		t.Errorf("RemoveAll of a file: %v", err)
	}
	t.wantAbsent("dd")
}

func removeAllRoot(t *env) {
	if err := hutch.RemoveAll(t.ctx, t.b, "."); err != nil {
		t.Fatal(err)
	}
	if got := t.list("."); len(got) != 0 {
		t.Errorf("after RemoveAll List shows %q", names(got))
	}
	t.stat(".")
	t.write("d/a", "again")
	t.wantContent("d/a", "again")
}

func removeAllMissing(t *env) {
	for _, name := range []string{"nothing", "no/such/name", "dir/nothing"} {
		if err := hutch.RemoveAll(t.ctx, t.b, name); err != nil {
			t.Errorf("RemoveAll(%s): %v", name, err)
		}
	}
	t.wantUntouched("RemoveAll of nothing")
}
