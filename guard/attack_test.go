package guard_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

// trap is a tree with something secret, and links to it of every kind.
func trap(t testing.TB) *linked {
	t.Helper()
	l := newLinked()
	put(t, l, "secret/key", "secret/deep/er", "open/a", "open/sub/b", "free")
	for name, target := range map[string]string{
		"rel": "secret/key", "abs": "/workspace/secret/key", "dir": "secret", "absdir": "/workspace/secret/",
		"open/up": "../secret/key", "open/updir": "../secret", "chain": "open/second", "open/second": "../rel",
		"odd": "open/../secret/./key", "deepdir": "open/updir/deep", "new": "secret/new", "out": "../etc", "loop": "loop",
	} {
		l.link(strings.ReplaceAll(target, "/./", "/"), name)
	}
	return l
}

// ways are all names that lead to something secret.
var ways = []string{
	"secret/key", "rel", "abs", "dir/key", "absdir/key", "open/up", "open/updir/key", "chain", "odd",
	"deepdir/er", "dir/deep/er", "open/updir/deep/er", "open/second",
}

const all = "read write edit ls glob grep execute"

func try(t testing.TB, l *linked, g hutch.Backend, name string) map[string]error {
	t.Helper()
	_, stat := g.Stat(ctx, name)
	_, read := hutch.ReadFile(ctx, g, name)
	_, write := hutch.WriteFile(ctx, g, name, []byte("changed"), nil)
	_, fresh := hutch.WriteFile(ctx, g, name, []byte("changed"), &hutch.WriteOptions{IfRev: hutch.Absent})
	_, edit := hutch.EditFile(ctx, g, name, []hutch.Edit{{Old: "in", New: "out"}})
	_, grep := hutch.Collect(hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: name}))
	_, viaFS := hutch.FS(ctx, g).Open(name)
	return map[string]error{
		"Stat": stat, "Read": read, "Write": write, "Write absent": fresh, "Edit": edit, "Grep": grep, "FS": viaFS,
		"Copy": hutch.Copy(ctx, g, "open/copy", g, name), "Copy to": hutch.Copy(ctx, g, name, g, "free"),
		"Move to": hutch.Move(ctx, g, "free", "secret/free"),
	}
}

// untouched fails unless what is secret is as it was and nobody read it.
func untouched(t testing.TB, what string, l *linked, before map[string]string) {
	t.Helper()
	now := contents(t, l)
	for name, data := range before {
		if strings.HasPrefix(name, "secret/") && now[name] != data {
			t.Errorf("%s: %s has become %q", what, name, now[name])
		}
	}
	for name, data := range now {
		if !strings.HasPrefix(name, "secret/") && strings.Contains(data, "in secret/") {
			t.Errorf("%s: %s holds a secret", what, name)
		}
		if _, ok := before[name]; !ok && strings.HasPrefix(name, "secret") {
			t.Errorf("%s: %s has come", what, name)
		}
	}
	for name := range l.opened {
		if strings.HasPrefix(name, "secret/") {
			t.Errorf("%s: %s was opened", what, name)
		}
	}
}

func contents(t testing.TB, l *linked) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, err := range l.b.Walk(ctx, ".") {
		if err != nil {
			t.Fatal(err)
		}
		data, _ := hutch.ReadFile(ctx, l.b, i.Name)
		all[i.Name] = string(data)
	}
	return all
}

func TestWays(t *testing.T) {
	for _, asked := range []bool{false, true} {
		for _, name := range ways {
			l := trap(t)
			before := contents(t, l)
			rules := deny(all, "secret")
			if asked {
				visible := rules.visible
				rules = asking(rules.check)
				rules.visible = visible
			}
			g := guarded(t, l, rules)
			for op, err := range try(t, l, g, name) {
				at := name
				if op == "Move to" {
					at = "secret/free"
				}
				refused(t, fmt.Sprintf("%s(%s), asked %v", op, name, asked), err, at)
			}
			if asked { // a Write shows what was there before to whom it asks
				for name := range l.opened {
					delete(l.opened, name)
				}
			}
			untouched(t, name, l, before)
		}
	}
}

func TestDirs(t *testing.T) {
	l := trap(t)
	l.speeds = true
	before := contents(t, l)
	g := guarded(t, l, deny(all, "secret"))
	for _, dir := range []string{"secret", "dir", "absdir", "open/updir", "deepdir", "dir/deep"} {
		_, list := hutch.Collect(g.List(ctx, dir))
		_, scan := hutch.Collect(g.Scan(ctx, dir))
		_, walk := hutch.Collect(hutch.Walk(ctx, g, dir))
		_, glob := hutch.Collect(hutch.Glob(ctx, g, "**", &hutch.GlobOptions{Dir: dir}))
		_, base := hutch.Collect(hutch.Glob(ctx, g, dir+"/*", nil))
		_, grep := hutch.Collect(hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: dir, Before: 3, After: 3}))
		_, readDir := fs.ReadDir(hutch.FS(ctx, g), dir)
		_, write := hutch.WriteFile(ctx, g, dir+"/new", []byte("x"), nil)
		for op, err := range map[string]error{
			"List": list, "Scan": scan, "Walk": walk, "Glob": glob, "Glob from base": base, "Grep": grep, "ReadDir": readDir, "Write": write,
			"Copy": hutch.Copy(ctx, g, "open/copy", g, dir), "Move into": hutch.Move(ctx, g, "free", dir+"/free"),
		} {
			refused(t, op+" "+dir, err, dir)
		}
		sub, err := hutch.Sub(g, dir)
		if err != nil {
			t.Fatal(err)
		}
		_, list = hutch.Collect(sub.List(ctx, "."))
		_, read := hutch.ReadFile(ctx, sub, "key")
		_, read2 := hutch.ReadFile(ctx, sub, "er")
		_, grep = hutch.Collect(hutch.Grep(ctx, sub, hutch.Query{Pattern: "."}))
		for op, err := range map[string]error{"List": list, "Read key": read, "Read er": read2, "Grep": grep} {
			refused(t, op+" in Sub "+dir, err, ".")
		}
	}
	untouched(t, "directories", l, before)
	for _, name := range []string{"secret", "secret/key", "secret/deep"} {
		refused(t, "Move "+name, hutch.Move(ctx, g, name, "open/x"), name)
		refused(t, "Remove "+name, g.Remove(ctx, name), name)
		refused(t, "RemoveAll "+name, hutch.RemoveAll(ctx, g, name), name)
	}
	untouched(t, "moves", l, before)
}

// What only its parent's name protects must not get out by way of the parent.
func TestParents(t *testing.T) {
	for _, asked := range []bool{false, true} {
		l := trap(t)
		put(t, l, "p/keep/secret", "p/other", "q/x")
		before := contents(t, l)
		rules := deny("write", "p/keep/secret", "r/keep/secret", "q/y/z")
		if asked {
			protected := rules.confine
			rules = asking(rules.check)
			rules.confine = protected
		}
		g := guarded(t, l, rules)
		for what, err := range map[string]error{
			"a parent away":          hutch.Move(ctx, g, "p", "s"),
			"a nearer parent away":   hutch.Move(ctx, g, "p/keep", "s"),
			"the name itself":        hutch.Move(ctx, g, "p/keep/secret", "s"),
			"a tree to a parent":     hutch.Move(ctx, g, "q", "p/keep/secret"),
			"a file over a parent":   hutch.Move(ctx, g, "free", "p/keep"),
			"Write over a parent":    writeErr(g, "p/keep"),
			"RemoveAll of a parent":  hutch.RemoveAll(ctx, g, "p/keep"),
			"Copy over a parent":     hutch.Copy(ctx, g, "p/keep", g, "free"),
			"a link":                 hutch.Move(ctx, g, "dir", "r"),
			"a directory with links": hutch.Move(ctx, g, "open", "r"),
		} {
			if err == nil || !errors.Is(err, fs.ErrPermission) && !errors.Is(err, hutch.ErrIsDir) {
				t.Errorf("%s: %v", what, err)
			}
		}
		now := contents(t, l)
		if !maps.Equal(now, before) {
			t.Errorf("something has changed: %v\nwas %v", slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before)))
		}
		put(t, l, "w/keep/secret", "v/z")
		refused(t, "a tree with a name that is protected there", hutch.Move(ctx, g, "w", "r"), "r/keep/secret")
		refused(t, "a tree into a protected place", hutch.Move(ctx, g, "v", "q/y"), "q/y/z")
		if err := hutch.Move(ctx, g, "p/other", "s"); err != nil {
			t.Errorf("beside it: %v", err)
		}
	}
}

func writeErr(b hutch.Backend, name string) error {
	_, err := hutch.WriteFile(ctx, b, name, []byte("x"), nil)
	return err
}

// A file that may be written but not read does not become readable under
// another name.
func TestRenameReads(t *testing.T) {
	l := trap(t)
	g := guarded(t, l, deny("read", "secret"))
	refused(t, "Move", hutch.Move(ctx, g, "secret/key", "got"), "secret/key")
	refused(t, "Move of the directory", hutch.Move(ctx, g, "secret", "got"), "secret")
	refused(t, "Copy", hutch.Copy(ctx, g, "got", g, "secret/key"), "secret/key")
	_, err := hutch.EditFile(ctx, g, "secret/key", []hutch.Edit{{Old: "nothing", New: "x"}})
	refused(t, "Edit", err, "secret/key")
	if err := writeErr(g, "rel"); err != nil {
		t.Errorf("a write is no read: %v", err)
	}
}

func statErr(b hutch.Backend, name string) error {
	_, err := b.Stat(ctx, name)
	return err
}

func TestLinksThemselves(t *testing.T) {
	l := trap(t)
	g := guarded(t, l, deny(all, "secret"))
	for _, name := range []string{"rel", "dir", "chain", "out", "loop", "open/up"} {
		if err := g.Remove(ctx, name); err != nil {
			t.Errorf("Remove of the link %s: %v", name, err)
		}
	}
	for _, name := range []string{"dir/key", "absdir/key", "absdir/deep"} {
		if err := g.Remove(ctx, name); err == nil {
			t.Errorf("Remove(%s) goes through", name)
		}
	}
	if _, err := l.b.Stat(ctx, "secret/key"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]error{"up/x/y": fs.ErrPermission, "round/x": fs.ErrInvalid} {
		l.link("../etc", "up")
		l.link("round", "round")
		for what, err := range map[string]error{
			"Remove": g.Remove(ctx, name), "Move": hutch.Move(ctx, g, name, "x"), "Write": writeErr(g, name), "Stat": statErr(g, name),
		} {
			var pe *fs.PathError
			if !errors.As(err, &pe) || pe.Path != name || !errors.Is(err, want) {
				t.Errorf("%s(%s): %v", what, name, err)
			}
		}
	}
	lk, _ := hutch.As[hutch.Linker](g)
	if real, err := lk.Real(ctx, "abs"); real != "" || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Real tells %q, %v", real, err)
	}
}

// Names come out as they went in.
func TestNames(t *testing.T) {
	l := trap(t)
	l.link("open", "way")
	l.link("open/a", "alias")
	g := guarded(t, l, deny(all, "secret"))
	i, err := g.Stat(ctx, "way/a")
	f, ferr := g.Open(ctx, "alias")
	w, werr := hutch.WriteFile(ctx, g, "way/new", []byte("needle"), nil)
	if err != nil || ferr != nil || werr != nil || i.Name != "way/a" || f.Info().Name != "alias" || w.Name != "way/new" {
		t.Fatal(i, err, ferr, w, werr)
	}
	f.Close()
	e, err := hutch.EditFile(ctx, g, "way/new", []hutch.Edit{{Old: "needle", New: "needles"}})
	if err != nil || e.Info.Name != "way/new" {
		t.Errorf("%+v, %v", e.Info, err)
	}
	want(t, "list", infoNames(t, g.List(ctx, "way")), "way/a", "way/new", "way/second", "way/sub", "way/up", "way/updir")
	want(t, "walk", infoNames(t, hutch.Walk(ctx, g, "way/sub")), "way/sub/b")
	want(t, "glob", infoNames(t, hutch.Glob(ctx, g, "way/**/b", nil)), "way/sub/b")
	want(t, "glob dir", infoNames(t, hutch.Glob(ctx, g, "sub/*", &hutch.GlobOptions{Dir: "way"})), "way/sub/b")
	want(t, "grep", matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: "way"})), "way/a", "way/new", "way/sub/b")
	want(t, "grep one", matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: "alias"})), "alias")
	_, err = g.Open(ctx, "way/none/x")
	var pe *fs.PathError
	if !errors.As(err, &pe) || pe.Path != "way/none/x" || strings.Contains(err.Error(), "open/") {
		t.Errorf("%v", err)
	}
	if err := hutch.Move(ctx, g, "way/new", "way/sub/moved"); err != nil {
		t.Error(err)
	}
	err = hutch.Move(ctx, g, "way/none", "way/sub/moved")
	if !errors.As(err, &pe) || pe.Path != "way/none" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
