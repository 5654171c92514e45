package backendtest

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/hutch-dev/hutch"
)

func viewChecks() []check {
	return []check{
		{"FS/TestFS", "FS is an io/fs file system and passes fstest.TestFS", trap, viewFS},
		{"FS/Empty", "FS of an empty backend passes fstest.TestFS", nil, viewFS},
		{"Sub/Names", "Sub shows names and errors as seen from its directory", nodes, subNames},
		{"Sub/Missing", "Sub of a directory that is not there is empty", nodes, subMissing},
		{"Speeds/Walk", "Walk gives what it gives without speeds", generated, speedWalk},
		{"Speeds/Glob", "Glob gives what it gives without speeds", generated, speedGlob},
		{"Speeds/Grep", "Grep gives what it gives without speeds", generated, speedGrep},
	}
}

func viewFS(t *env) {
	if err := fstest.TestFS(hutch.FS(t.ctx, t.b), slices.Collect(maps.Keys(t.files))...); err != nil {
		t.Errorf("fstest.TestFS: %v", err)
	}
}

func subNames(t *env) {
	inner, err := hutch.Sub(t.b, "dir")
	if err != nil {
		t.Fatal(err)
	}
	outer := t.b
	t.b = inner
	defer func() { t.b = outer }()
	if got, want := t.contents(inner), map[string]string{"inner": "in dir", "sub/x": "x\n"}; !maps.Equal(got, want) {
		t.Errorf("Sub holds %s, want %s", summary(got), summary(want))
	}
	if got := names(t.list(".")); !slices.Equal(got, []string{"inner", "sub"}) {
		t.Errorf("Sub lists %q", got)
	}
	if i := t.stat("."); i.Name != "." || !i.IsDir() {
		t.Errorf("the root of Sub is %+v", i)
	}
	if got := t.grep(hutch.Query{Pattern: "x"}); len(got) != 1 || got[0].Name != "sub/x" {
		t.Errorf("Grep in Sub finds %+v", got)
	}
	for _, o := range readOps() {
		if o.missing != nil {
			t.wantErr(o.name, o.try(t, t.ctx, "f"), "f", fs.ErrNotExist)
		}
		t.wantErr(o.name, o.try(t, t.ctx, "inner/x"), "inner/x", hutch.ErrNotDir)
		t.wantErr(o.name, o.try(t, t.ctx, "../f"), "../f", fs.ErrInvalid)
	}
}

func subMissing(t *env) {
	inner, err := hutch.Sub(t.b, "not/there")
	if err != nil {
		t.Fatal(err)
	}
	outer := t.b
	t.b = inner
	defer func() { t.b = outer }()
	t.stat(".")
	if got := t.list("."); len(got) != 0 {
		t.Errorf("Sub lists %q", names(got))
	}
	if got := collect(t, "Walk", hutch.Walk(t.ctx, inner, ".")); len(got) != 0 {
		t.Errorf("Walk in Sub shows %q", names(got))
	}
	t.wantErr("Open", doOpen(t, t.ctx, inner, "f"), "f", fs.ErrNotExist)
}

// generated is a tree in which a speed could go wrong in many places.
func generated() map[string]string {
	files := map[string]string{".gitignore": "*.o\n/out/\n", "a/.gitignore": "!keep.o\n"}
	segments := []string{"a", "a-b", "a.b", "ab", "A", ".h", "out", "é", "x y", "keep.o", "m.o", "z"}
	x := uint32(7)
	next := func(n int) int {
		x = x*1664525 + 1013904223
		return int(x>>16) % n
	}
	for range 150 {
		var parts []string
		for range 1 + next(4) {
			parts = append(parts, segments[next(len(segments))])
		}
		name := strings.Join(parts, "/") + "." + padded(next(100))
		line := []string{"needle", "Needle x", "", "no", "a needle, a needle", "\x00"}
		var content []string
		for range next(12) {
			content = append(content, line[next(40)%len(line)])
		}
		files[name] = strings.Join(content, []string{"\n", "\r\n"}[next(2)])
	}
	return files
}

func speedWalk(t *env) {
	plain := Plain(t.b)
	for _, dir := range []string{".", "a", "a/a", "x y", "nothing", "out", ".gitignore", ".gitignore/x", "/"} {
		got, gotErr := hutch.Collect(hutch.Walk(t.ctx, t.b, dir))
		want, wantErr := hutch.Collect(hutch.Walk(t.ctx, plain, dir))
		if !slices.EqualFunc(got, want, sameInfo) {
			t.Errorf("Walk(%s) shows %q, without speeds %q", dir, names(got), names(want))
		}
		t.sameError("Walk("+dir+")", gotErr, wantErr)
	}
}

func speedGlob(t *env) {
	plain := Plain(t.b)
	for pattern, all := range map[string][]hutch.GlobOptions{
		"**":          {{}, {Hidden: true}, {Gitignore: true}, {Dir: "a", Gitignore: true}, {Dir: "nothing"}, {Dir: ".gitignore"}, {Dir: "/"}},
		"*.*0*":       {{}, {Recurse: true}, {Recurse: true, Dir: "a"}, {Recurse: true, Hidden: true, Gitignore: true}},
		"a*/**/[!z]*": {{}, {Dir: "a"}, {Hidden: true}},
		"{a,é}/x y/*": {{}, {Dir: "."}},
		"[z-":         {{}},
	} {
		for _, o := range all {
			got, gotErr := hutch.Collect(t.do.glob(t.ctx, t.b, pattern, &o))
			want, wantErr := hutch.Collect(t.do.glob(t.ctx, plain, pattern, &o))
			if !slices.EqualFunc(got, want, sameInfo) {
				t.Errorf("Glob(%s, %+v) shows %q, without speeds %q", pattern, o, names(got), names(want))
			}
			t.sameError("Glob("+pattern+")", gotErr, wantErr)
		}
	}
}

func speedGrep(t *env) {
	plain := Plain(t.b)
	for _, q := range []hutch.Query{
		{Pattern: "needle"}, {Pattern: "(?i)NEEDLE"}, {Pattern: "needle", IgnoreCase: true, Literal: true},
		{Pattern: "^n", Before: 2, After: 1}, {Pattern: "$", MaxPerFile: 2}, {Pattern: "e", Max: 17},
		{Pattern: "needle", Hidden: true}, {Pattern: "needle", Gitignore: true}, {Pattern: "needle", Gitignore: true, Hidden: true},
		{Pattern: "needle", Dir: "a", Gitignore: true}, {Pattern: "needle", Dir: "a", Include: []string{"a*/**"}},
		{Pattern: "needle", Include: []string{"*.0*"}, Exclude: []string{"ab", "**/é/**"}}, {Pattern: "n", MaxLine: 3},
		{Pattern: "needle", Dir: "nothing"}, {Pattern: "needle", Dir: ".gitignore"}, {Pattern: "o", Dir: ".gitignore"},
		{Pattern: "x", Dir: ".gitignore/x"},
	} {
		got, gotErr := hutch.Collect(t.do.grep(t.ctx, t.b, q))
		want, wantErr := hutch.Collect(t.do.grep(t.ctx, plain, q))
		if !slices.Equal(got, want) {
			t.Errorf("Grep(%+v) finds\n%+v, without speeds\n%+v", q, got, want)
		}
		t.sameError("Grep", gotErr, wantErr)
	}
}
