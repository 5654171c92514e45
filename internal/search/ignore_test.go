package search

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var trials = flag.Int("trials", 100, "how many random sets of rules to compare with git")

// ignoreTree is what the rules are tried on; a trailing slash makes a directory.
var ignoreTree = []string{
	"a", "b", "ab", "abc", "a.b", "foo", "foo.go", "foobar", "bar ", "#x", "!x", "a*b", "[a]", `a\b`, "é", "-", "a-c", "]", "^a", " x", "x y",
	"d/a", "d/b", "d/foo", "d/bar", "d/foo.go", "d/d/a", "d/d/foo", "d/e/a", "d/e/foo.go",
	"e/a", "e/ab", "e/d/a", "e/d/d/d/a", "e/foo/bar/a", "e/foo/b",
	"foox/bar", "fooxx/y/bar", "foo.d/a", "foo.d/bar/a", ".x", "d/.x", "d/.y/a", "empty/", "d/empty/",
	"bar/foo/a", "bar/foo/foo/b", "bar/a/b/c/d/e/foo", "A/B", "0/1", "0/_", "\t", "\n", "\v", "\f", "\x7f", "d/\u00a0",
}

// ignorePieces are put together at random to make rules.
var ignorePieces = []string{
	"a", "b", "c", "d", "e", "foo", "bar", "x", "y", "/", "/", "/", "*", "*", "**", "**/", "/**", "/**/", "?", "[a-c]", "[!a]", "[^b]",
	"[]a]", "[a-]", "[[:alpha:]]", "[[:digit:]_]", "[![:space:]]", "[[:space:]]", "[[:cntrl:]]", "[[:graph:]]", "[[:print:]]", "[[:blank:]]", "[[:punct:]]", "[a", "[[:bad:]]", "[[:a]", `\a`, `\*`, `\ `, " ", `\`, "!", "#", `\#`,
	`\!`, ".", ".go", "-", `[\]]`, `[\a-c]`, "[a-\\c]", "\xc3", "é", "***", `**\/`, "\t", "[c-a]", "[/]", "[!-z]", "[--0]",
}

func randomRule(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(4) == 0 {
		b.WriteByte('!')
	}
	if r.IntN(4) == 0 {
		b.WriteByte('/')
	}
	for range 1 + r.IntN(5) {
		b.WriteString(ignorePieces[r.IntN(len(ignorePieces))])
	}
	switch r.IntN(8) {
	case 0, 1:
		b.WriteByte('/')
	case 2:
		b.WriteString("  ")
	case 3:
		b.WriteString("\r")
	}
	return b.String()
}

func randomRules(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(10) == 0 {
		b.WriteString("\xef\xbb\xbf")
	}
	n := 1 + r.IntN(6)
	for i := range n {
		b.WriteString(randomRule(r))
		if i < n-1 || r.IntN(2) == 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func makeIgnoreTree(t *testing.T) (dir string, names map[string]bool) {
	dir = t.TempDir()
	for _, name := range ignoreTree {
		full := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(full, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(full), 0o755))
		must(t, os.WriteFile(full, nil, 0o644))
	}
	names = map[string]bool{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if name != "." {
			names[name] = d.IsDir()
		}
		return err
	}))
	return dir, names
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// git runs git in dir without the user's configuration.
func git(dir string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	cmd.Stdin = bytes.NewReader(stdin)
	return cmd.Output()
}

func TestIgnoreAsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir, names := makeIgnoreTree(t)
	if _, err := git(dir, nil, "init", "-q"); err != nil {
		t.Skip("git init does not work here: ", err)
	}
	var stdin bytes.Buffer
	for name := range names {
		stdin.WriteString(name + "\x00")
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for trial := range *trials {
		rules := map[string]string{}
		for _, d := range []string{".", "d", "e/d", "bar"} {
			file := filepath.Join(dir, d, ".gitignore")
			os.Remove(file)
			if d == "." || r.IntN(2) == 0 {
				rules[d] = randomRules(r)
				must(t, os.WriteFile(file, []byte(rules[d]), 0o644))
			}
		}
		out, err := git(dir, stdin.Bytes(), "check-ignore", "--no-index", "-z", "--stdin")
		if e, ok := err.(*exec.ExitError); err != nil && (!ok || e.ExitCode() != 1) {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for name := range strings.SplitSeq(string(out), "\x00") {
			want[name] = true
		}
		for name, isDir := range names {
			if got := ignoredAt(rules, name, isDir); got != want[name] {
				t.Fatalf("seed %d, trial %d: %q ignored: %v, git says %v, rules %q", seed, trial, name, got, want[name], rules)
			}
		}
	}
}

// ignoredAt answers for one name with the rules of its parents, as a caller would.
func ignoredAt(rules map[string]string, name string, isDir bool) bool {
	var i *Ignore
	dirs := []string{"."}
	for n, c := range name {
		if c == '/' {
			dirs = append(dirs, name[:n])
		}
	}
	for _, d := range dirs {
		if d != "." && i.Match(d, true) {
			return true
		}
		i = i.With(d, []byte(rules[d]))
	}
	if !isDir && i.Match(name, false) != i.MatchPath(name) {
		panic("Match and MatchPath disagree on " + name)
	}
	return i.Match(name, isDir)
}

func TestIgnore(t *testing.T) {
	tests := []struct {
		rules, yes, no string // names, a trailing slash for directories
	}{
		{"", "", "a b/"},
		{"a", "a a/ d/a d/a/", "ab b d/ab"},
		{"/a", "a a/", "d/a"},
		{"a/", "a/ d/a/ a/b", "a d/a"},
		{"d/a", "d/a d/a/", "a e/d/a"},
		{"*.o\n!keep.o", "a.o d/a.o", "keep.o d/keep.o a.oo"},
		{"!a\na", "a", "b"},
		{"a\r\nb\r\n", "a b", "c"},
		{"\xef\xbb\xbfa", "a", "b"},
		{"a\x00b", "a", "b ab"},
		{"**/a", "a d/a d/e/a", "b"},
		{"d/**", "d/a d/e/a d/e/", "d/ d"},
		{"d/**/a", "d/a d/e/a d/e/f/a", "a e/d/a"},
		{"d/\n!d/a", "d/ d/a", "a"},
		{"a**/b", "a/b ax/b ax/y/b ab", "b"},
		{"#a\n\\#b", "#b", "#a a"},
		{"[", "", "["},
		{"a\\", "", "a a\\"},
		{"[[:alpha:]]x", "ax Bx", "1x [x"},
		{"\\[a]", "[a]", "a"},
	}
	for _, test := range tests {
		var i *Ignore
		i = i.With(".", []byte(test.rules))
		check := func(list string, want bool) {
			for _, name := range strings.Fields(list) {
				name, isDir := strings.CutSuffix(name, "/")
				got := isDir && i.Match(name, true) || i.MatchPath(name) && !isDir
				if got != want {
					t.Errorf("%q: %s ignored: %v", test.rules, name, got)
				}
			}
		}
		check(test.yes, true)
		check(test.no, false)
	}
}

func TestIgnoreNested(t *testing.T) {
	var i *Ignore
	i = i.With(".", []byte("*.o\n/x"))
	sub := i.With("d", []byte("!a.o\n/x/y"))
	other := sub.With("e", []byte("z"))
	for name, want := range map[string]bool{
		"a.o": true, "d/a.o": false, "d/b.o": true, "d/e/a.o": false, "x": true, "d/x": false, "d/x/y": true,
		"z": false, "d/z": false, "e/z": true, "e/a.o": true, "d": false,
	} {
		if got := other.Match(name, false); got != want {
			t.Errorf("%s ignored: %v", name, got)
		}
	}
	if i.Match("d/a.o", false) != true {
		t.Error("With changed what it was called on")
	}
	if sub.With("d/e", []byte("# nothing\n\n")) != sub {
		t.Error("a file without rules makes a level")
	}
}

// TestIgnoreDeep fails by its time when rules of many directories add up.
func TestIgnoreDeep(t *testing.T) {
	var i *Ignore
	name := "."
	for n := range 512 {
		i = i.With(name, []byte("*.o\n!keep\n/gen/**/x*\n"))
		name = path.Join(name, fmt.Sprint("d", n))
		for range 100 {
			if i.Match(name, true) {
				t.Fatal(name, "is ignored")
			}
		}
	}
}

// TestIgnoreTime has rules that are slow to match by trying all ways.
func TestIgnoreTime(t *testing.T) {
	began := time.Now()
	for _, rule := range []string{
		strings.Repeat("**/", 1000) + "b", strings.Repeat("*a", 1000) + "b", "x/" + strings.Repeat("*?", 2000), "/" + strings.Repeat("**/*a", 500), strings.Repeat("[a-z]*", 1000) + "b",
	} {
		var i *Ignore
		i = i.With(".", []byte(strings.Repeat(rule+"\n", 5)))
		i.Match(strings.Repeat("a", 250), false)
		i.MatchPath(strings.Repeat("a/", 100) + "c")
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Error("took ", d)
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add([]byte("a/**/b\n!*.[a-z]?\n"), "a/c/b", false)
	f.Add([]byte("[[:alpha:]-\\]"), "x", true)
	f.Fuzz(func(t *testing.T, data []byte, name string, isDir bool) {
		if !fs.ValidPath(name) {
			t.Skip()
		}
		var i *Ignore
		i = i.With(".", data).With(path.Dir(name), data)
		i.Match(name, isDir)
		i.MatchPath(name)
	})
}

func BenchmarkIgnore(b *testing.B) {
	var i *Ignore
	i = i.With(".", []byte("*.o\n*.a\nnode_modules/\n/build\n*.py[co]\n__pycache__/\n.env\n!important.o\ndocs/**/*.html\n*~\n"))
	b.ReportAllocs()
	for b.Loop() {
		i.Match("src/internal/package/some_file.go", false)
	}
}
