package backendtest

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

func padded(i int) string { return fmt.Sprintf("%05d", i) }

// globTree is searched by all glob checks.
var globTree = these("a.go", "", "b.txt", "", ".hid", "", "ab", "", "[x].md", "", "a.b/c", "",
	"src/a.go", "", "src/b_test.go", "", "src/.secret/k.go", "", "src/deep/er/c.go", "",
	"docs/x.md", "", "docs/y.MD", "", "é.go", "", "sp ace/t.go", "")

type globCase struct {
	pattern string
	opts    hutch.GlobOptions
	want    []string
}

func globChecks() []check {
	return []check{
		{"Glob/Dialect", "the dialect of Glob is the same everywhere", globTree, func(t *env) { globs(t, globDialect()) }},
		{"Glob/Hidden", "wildcards match names that begin with a dot only where asked to", globTree, func(t *env) { globs(t, globHidden()) }},
		{"Glob/Recurse", "with Recurse a pattern without a slash matches base names at any depth", globTree, func(t *env) { globs(t, globRecurse()) }},
		{"Glob/Dir", "a pattern is matched as seen from Dir", globTree, func(t *env) { globs(t, globDir()) }},
		{"Glob/Gitignore", "what .gitignore leaves out is left out where asked to", ignoreTree, globIgnore},
		{"Glob/Order", "Glob is in the byte order of whole names", trap, globOrder},
		{"Glob/Bad", "a pattern that cannot be read is fs.ErrInvalid", globTree, globBad},
	}
}

func globDialect() []globCase {
	return []globCase{
		{pattern: "a.go", want: []string{"a.go"}},
		{pattern: "*.go", want: []string{"a.go", "é.go"}},
		{pattern: "*", want: []string{"[x].md", "a.go", "ab", "b.txt", "é.go"}},
		{pattern: "**/*.go", want: []string{"a.go", "sp ace/t.go", "src/a.go", "src/b_test.go", "src/deep/er/c.go", "é.go"}},
		{pattern: "src/**", want: []string{"src/a.go", "src/b_test.go", "src/deep/er/c.go"}},
		{pattern: "src/**/*.go", want: []string{"src/a.go", "src/b_test.go", "src/deep/er/c.go"}},
		{pattern: "**/er/**", want: []string{"src/deep/er/c.go"}},
		{pattern: "src/*/c.go"},
		{pattern: "src/*/er/*.go", want: []string{"src/deep/er/c.go"}},
		{pattern: "src*a.go"},
		{pattern: "src?a.go"},
		{pattern: "?.go", want: []string{"a.go", "é.go"}},
		{pattern: "[ab].*", want: []string{"a.go", "b.txt"}},
		{pattern: "[a-b].txt", want: []string{"b.txt"}},
		{pattern: "[!a].go", want: []string{"é.go"}},
		{pattern: "*.{go,txt}", want: []string{"a.go", "b.txt", "é.go"}},
		{pattern: "{src,docs}/*.{go,md}", want: []string{"docs/x.md", "src/a.go", "src/b_test.go"}},
		{pattern: `\[x\].md`, want: []string{"[x].md"}},
		{pattern: "[[]x].md", want: []string{"[x].md"}},
		{pattern: "docs/*.md", want: []string{"docs/x.md"}},
		{pattern: "sp ace/*", want: []string{"sp ace/t.go"}},
		{pattern: "docs"},
		{pattern: "nowhere/*"},
		{pattern: "a.go/*"},
	}
}

func globHidden() []globCase {
	hidden := hutch.GlobOptions{Hidden: true}
	return []globCase{
		{pattern: "*hid"},
		{pattern: "**/k.go"},
		{pattern: ".*", want: []string{".hid"}},
		{pattern: ".hid", want: []string{".hid"}},
		{pattern: "src/.secret/*", want: []string{"src/.secret/k.go"}},
		{pattern: "src/.s*/k.go", want: []string{"src/.secret/k.go"}},
		{pattern: "*hid", opts: hidden, want: []string{".hid"}},
		{pattern: "**/k.go", opts: hidden, want: []string{"src/.secret/k.go"}},
	}
}

func globRecurse() []globCase {
	recurse := hutch.GlobOptions{Recurse: true}
	return []globCase{
		{pattern: "b_*.go"},
		{pattern: "b_*.go", opts: recurse, want: []string{"src/b_test.go"}},
		{pattern: "c.go", opts: recurse, want: []string{"src/deep/er/c.go"}},
		{pattern: "k.go", opts: recurse},
		{pattern: "k.go", opts: hutch.GlobOptions{Recurse: true, Hidden: true}, want: []string{"src/.secret/k.go"}},
		{pattern: "er/c.go", opts: recurse},
		{pattern: "a.go", opts: recurse, want: []string{"a.go", "src/a.go"}},
	}
}

func globDir() []globCase {
	return []globCase{
		{pattern: "*.go", opts: hutch.GlobOptions{Dir: "src"}, want: []string{"src/a.go", "src/b_test.go"}},
		{pattern: "*/*/c.go", opts: hutch.GlobOptions{Dir: "src"}, want: []string{"src/deep/er/c.go"}},
		{pattern: "src/*.go", opts: hutch.GlobOptions{Dir: "src"}},
		{pattern: "*", opts: hutch.GlobOptions{Dir: "src/.secret"}, want: []string{"src/.secret/k.go"}},
		{pattern: "*.go", opts: hutch.GlobOptions{Dir: "src/deep", Recurse: true}, want: []string{"src/deep/er/c.go"}},
		{pattern: "a.go", opts: hutch.GlobOptions{Dir: "."}, want: []string{"a.go"}},
	}
}

func globs(t *env, cases []globCase) {
	for _, c := range cases {
		got := names(collect(t, "Glob("+c.pattern+")", t.do.glob(t.ctx, t.b, c.pattern, &c.opts)))
		if !slices.Equal(got, c.want) {
			t.Errorf("Glob(%q, %+v) = %q, want %q", c.pattern, c.opts, got, c.want)
		}
		globNames(t, c)
	}
}

// globNames does it for names and types alone, and for all there is to know.
func globNames(t *env, c globCase) {
	short := c.opts
	short.Names = true
	some := collect(t, "Glob("+c.pattern+"), names", t.do.glob(t.ctx, t.b, c.pattern, &short))
	if got := names(some); !slices.Equal(got, c.want) {
		t.Errorf("Glob(%q, %+v) = %q, want %q", c.pattern, short, got, c.want)
	}
	for i, info := range collect(t, "Glob("+c.pattern+")", t.do.glob(t.ctx, t.b, c.pattern, &c.opts)) {
		if want := t.stat(info.Name); info.Rev != want.Rev || info.Size != want.Size || info.Mode != want.Mode {
			t.Errorf("Glob(%q, %+v) = %+v, want %+v", c.pattern, c.opts, info, want)
		}
		if i < len(some) && some[i].Mode.Type() != info.Mode.Type() {
			t.Errorf("Glob(%q, %+v) = %+v, want the type of %+v", c.pattern, short, some[i], info)
		}
	}
}

// ignoreTree has .gitignore files in two directories.
var ignoreTree = these(".gitignore", "*.log\n/build/\n!keep.log\n", "main.go", "find me\n", "a.log", "find me\n",
	"keep.log", "find me\n", "build/out.go", "find me\n", "sub/build/in.go", "find me\n",
	"sub/.gitignore", "*.tmp\n", "sub/x.tmp", "find me\n", "sub/b.log", "find me\n", "x.tmp", "find me\n",
	".git/index", "find me\n")

// notIgnored is what is left of ignoreTree, without hidden files.
var notIgnored = []string{"keep.log", "main.go", "sub/build/in.go", "x.tmp"}

func globIgnore(t *env) {
	got := names(collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", &hutch.GlobOptions{Gitignore: true})))
	if !slices.Equal(got, notIgnored) {
		t.Errorf("with Gitignore: %q, want %q", got, notIgnored)
	}
	got = names(collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", &hutch.GlobOptions{Dir: "sub", Gitignore: true})))
	if want := []string{"sub/build/in.go"}; !slices.Equal(got, want) {
		t.Errorf("with Gitignore in sub: %q, want %q", got, want)
	}
	got = names(collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", &hutch.GlobOptions{Gitignore: true, Hidden: true})))
	if slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, ".git/") }) || !slices.Contains(got, ".gitignore") {
		t.Errorf("with Gitignore and Hidden: %q, want .gitignore but nothing below .git", got)
	}
	if got := collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", nil)); len(got) != 8 {
		t.Errorf("without Gitignore: %q, want all that is not hidden", names(got))
	}
}

func globOrder(t *env) {
	got := names(collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", &hutch.GlobOptions{Hidden: true})))
	if len(got) != len(t.files) || !slices.IsSorted(got) {
		t.Errorf("Glob shows %q", got)
	}
}

func globBad(t *env) {
	for _, p := range []string{"[a", "src/[", `a\`, "{a,b"} {
		err := lastError(t, "Glob", t.do.glob(t.ctx, t.b, p, nil))
		t.wantErr("Glob", err, p, fs.ErrInvalid)
		err = lastError(t, "Grep", t.do.grep(t.ctx, t.b, hutch.Query{Pattern: "x", Include: []string{p}}))
		t.wantErr("Grep Include", err, p, fs.ErrInvalid)
	}
}
