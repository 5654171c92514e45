package guard_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// both runs f on a guarded backend that does not search by itself, and on one
// that does.
func both(t *testing.T, files map[string]string, c guard.Check, f func(t *testing.T, l *linked, g hutch.Backend)) {
	t.Helper()
	for _, speeds := range []bool{false, true} {
		t.Run(fmt.Sprintf("speeds=%v", speeds), func(t *testing.T) {
			l := newLinked()
			l.speeds = speeds
			for _, name := range slices.Sorted(maps.Keys(files)) {
				if _, err := hutch.WriteFile(ctx, l, name, []byte(files[name]), nil); err != nil {
					t.Fatal(err)
				}
			}
			f(t, l, guarded(t, l, c))
		})
	}
}

// hide leaves out, and lets nobody read, what ends in one of suffixes.
func hide(suffixes ...string) *rules {
	hidden := func(name string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix("/"+name, s) })
	}
	return &rules{
		check: func(r *guard.Request) error {
			if r.Op == guard.Read && hidden(r.Name) {
				return &guard.Refusal{Text: "hidden"}
			}
			return nil
		},
		visible: func(_ guard.Op, name string) bool { return !hidden(name) },
	}
}

func TestGrepLeavesOut(t *testing.T) {
	files := map[string]string{}
	for i := range 9 {
		files[fmt.Sprintf("d/%d.txt", i)] = "one\nneedle\nthree\nneedle\n"
		files[fmt.Sprintf("d/%d.key", i)] = "needle\nneedle\n"
	}
	files["a.key"], files["z/a.key/x.txt"], files["b*.key"], files["b1"] = "needle", "needle\n", "needle", "needle"
	both(t, files, hide(".key"), func(t *testing.T, l *linked, g hutch.Backend) {
		for _, q := range []hutch.Query{
			{Pattern: "needle"}, {Pattern: "needle", Max: 5}, {Pattern: "needle", Max: 3, After: 1}, {Pattern: "needle", MaxPerFile: 1, Before: 1},
			{Pattern: ".", Dir: "d", Max: 7}, {Pattern: "needle", Hidden: true, Exclude: []string{"1.txt"}},
		} {
			want, err := hutch.Collect(hutch.Grep(ctx, fresh(t, files, ".key"), q))
			if err != nil {
				t.Fatal(err)
			}
			got, err := hutch.Collect(hutch.Grep(ctx, g, q))
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v: %+v, %v\nwant %+v", q, got, err, want)
			}
		}
		for name := range l.opened {
			if strings.HasSuffix(name, ".key") {
				t.Errorf("%s was read", name)
			}
		}
	})
}

// fresh is a backend with those of files whose names do not end in suffix.
func fresh(t testing.TB, files map[string]string, suffix string) hutch.Backend {
	t.Helper()
	l := newLinked()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, suffix) {
			continue
		}
		if _, err := hutch.WriteFile(ctx, l, name, []byte(files[name]), nil); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// The patterns by which a backend that searches by itself is kept from files
// must not keep it from others.
func TestGrepNamesakes(t *testing.T) {
	files := map[string]string{"x": "needle", "d/x": "needle", "e/x/y": "needle", "[a]": "needle", "a": "needle", "d/{b}": "needle", "d/b": "needle", "d/!c": "needle", "!c": "needle"}
	for _, one := range slices.Sorted(maps.Keys(files)) {
		c := hide()
		c.visible = func(_ guard.Op, name string) bool { return name != one }
		both(t, files, c, func(t *testing.T, l *linked, g hutch.Backend) {
			var expected []string
			for name := range files {
				if name != one {
					expected = append(expected, name)
				}
			}
			slices.Sort(expected)
			got := matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: "needle"}))
			slices.Sort(got)
			want(t, "without "+one, got, expected...)
			if l.opened[one] {
				t.Errorf("%s was read", one)
			}
		})
	}
}

func TestGlobAndList(t *testing.T) {
	files := map[string]string{"a.go": "", "b.key": "", "d/a.go": "", "d/b.key": "", ".h/x": "", "e/b.key": "", "s/a": "", "s/t/b": ""}
	both(t, files, hide(".key"), func(t *testing.T, _ *linked, g hutch.Backend) {
		want(t, "glob", infoNames(t, hutch.Glob(ctx, g, "**", nil)), "a.go", "d/a.go", "s/a", "s/t/b")
		want(t, "base", infoNames(t, hutch.Glob(ctx, g, "d/*", nil)), "d/a.go")
		want(t, "recurse", infoNames(t, hutch.Glob(ctx, g, "*.{go,key}", &hutch.GlobOptions{Recurse: true})), "a.go", "d/a.go")
		want(t, "a slash does not recurse", infoNames(t, hutch.Glob(ctx, g, "s/*", &hutch.GlobOptions{Recurse: true})), "s/a")
		want(t, "literal", infoNames(t, hutch.Glob(ctx, g, "d/b.key", nil)))
		want(t, "no base", infoNames(t, hutch.Glob(ctx, g, "none/*", nil)))
		want(t, "a file as base", infoNames(t, hutch.Glob(ctx, g, "a.go/*", nil)))
		want(t, "escaped base", infoNames(t, hutch.Glob(ctx, g, `\.h/*`, nil)), ".h/x")
		want(t, "list", infoNames(t, g.List(ctx, "d")), "d/a.go")
		want(t, "list root", infoNames(t, g.List(ctx, ".")), ".h", "a.go", "d", "e", "s")
		want(t, "walk", infoNames(t, hutch.Walk(ctx, g, ".")), ".h/x", "a.go", "d/a.go", "s/a", "s/t/b")
		if _, err := hutch.Collect(hutch.Glob(ctx, g, "x/*", &hutch.GlobOptions{Dir: "none"})); err == nil {
			t.Error("a directory that is not there: no error")
		}
	})
}

// What comes to be hidden while a backend searches by itself is not shown.
func TestGrepMeanwhile(t *testing.T) {
	looks := 0
	c := &rules{visible: func(_ guard.Op, name string) bool {
		if name == "a" {
			looks++
		}
		return name != "a" || looks == 1
	}}
	both(t, map[string]string{"a": "needle", "b": "needle"}, c, func(t *testing.T, _ *linked, g hutch.Backend) {
		looks = 0
		want(t, "grep", matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: "needle"})), "b")
	})
}

// A .gitignore that may not be read neither counts nor ends a search.
func TestGitignore(t *testing.T) {
	files := map[string]string{
		".gitignore": "*.log\n", "a.log": "needle", "a.go": "needle",
		"d/.gitignore": "*.go\n", "d/a.go": "needle", "d/b.log": "needle", "d/c": "needle", "d/e/f.go": "needle",
	}
	for _, test := range []struct {
		c    *rules
		all  []string
		in   []string
		know bool // of .gitignore
	}{
		{hide(), []string{"a.go", "d/c"}, nil, true},
		{hide("/d/.gitignore"), []string{"a.go", "d/a.go", "d/c", "d/e/f.go"}, []string{"d/e/f.go"}, true},
		{hide(".gitignore"), []string{"a.go", "a.log", "d/a.go", "d/b.log", "d/c", "d/e/f.go"}, []string{"d/e/f.go"}, false},
	} {
		both(t, files, test.c, func(t *testing.T, l *linked, g hutch.Backend) {
			for _, hidden := range []bool{false, true} {
				drop := func(names []string) []string {
					return slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, ".gitignore") })
				}
				glob := infoNames(t, hutch.Glob(ctx, g, "**", &hutch.GlobOptions{Gitignore: true, Hidden: hidden}))
				if slices.Contains(glob, ".gitignore") != (hidden && test.know) {
					t.Errorf("glob shows %q", glob)
				}
				want(t, "glob", drop(glob), test.all...)
				want(t, "glob below", drop(infoNames(t, hutch.Glob(ctx, g, "**", &hutch.GlobOptions{Dir: "d/e", Gitignore: true}))), test.in...)
				want(t, "glob base", drop(infoNames(t, hutch.Glob(ctx, g, "d/e/*", &hutch.GlobOptions{Gitignore: true}))), test.in...)
				want(t, "grep", matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: "needle", Gitignore: true, Hidden: hidden})), test.all...)
				want(t, "grep below", matchNames(t, hutch.Grep(ctx, g, hutch.Query{Pattern: "needle", Dir: "d/e", Gitignore: true})), test.in...)
			}
			if !test.know && (l.opened[".gitignore"] || l.opened["d/.gitignore"]) {
				t.Error("it was read")
			}
		})
	}
}

// What is read by Glob alone is a .gitignore that a Read would allow.
func TestGitignoreOfGlob(t *testing.T) {
	files := map[string]string{".gitignore": "*.log\n", "a.log": "", "b": ""}
	c := &rules{visible: func(op guard.Op, name string) bool { return op == guard.Glob && name != ".gitignore" }}
	both(t, files, c, func(t *testing.T, _ *linked, g hutch.Backend) {
		want(t, "glob", infoNames(t, hutch.Glob(ctx, g, "**", &hutch.GlobOptions{Gitignore: true, Hidden: true})), "b")
	})
	c.outlook = map[guard.Op]guard.Outlook{guard.Read: guard.Asked}
	both(t, files, c, func(t *testing.T, _ *linked, g hutch.Backend) {
		want(t, "glob, where a Read would ask", infoNames(t, hutch.Glob(ctx, g, "**", &hutch.GlobOptions{Gitignore: true, Hidden: true})), "a.log", "b")
	})
}
