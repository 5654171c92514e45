package search

import (
	"math/rand/v2"
	"path"
	"strings"
	"testing"
	"unicode"
)

// TestFoldAgainstVariants: a folded pattern matches a name if the plain one
// matches some spelling of it.
func TestFoldAgainstVariants(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "A", "k", "K", "\u212a", "é", "É", ".", "/", "*", "?", "[a-k]", "[!k]", "[A-B]", "**", "{a,K}", "ſ", "S"}
	some := func(n int, from []string) string {
		var b strings.Builder
		for range 1 + r.IntN(n) {
			b.WriteString(from[r.IntN(len(from))])
		}
		return b.String()
	}
	letters := []string{"a", "A", "k", "K", "\u212a", "é", "É", ".", "/", "s", "ſ", "b"}
	hits := 0
	for range 60_000 {
		pattern, name := some(5, alphabet), path.Clean(some(4, letters))
		if strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") {
			continue
		}
		plain, err := CompileGlob(pattern)
		if err != nil {
			continue
		}
		folded, err := CompileGlobFold(pattern)
		if err != nil {
			t.Fatal(err)
		}
		want := false
		for _, v := range variants([]rune(name)) {
			want = want || plain.Match(v, true)
		}
		if got := folded.Match(name, true); got != want {
			t.Fatalf("pattern %q, name %q: %v, want %v", pattern, name, got, want)
		}
		if want {
			hits++
		}
		covers := want
		for dir := name; !covers && dir != "."; dir = path.Dir(dir) {
			covers = folded.Match(dir, true)
		}
		if got := folded.Covers(name); got != covers && pattern != "." {
			t.Fatalf("pattern %q covers %q: %v, want %v", pattern, name, got, covers)
		}
	}
	if hits < 500 {
		t.Errorf("only %d matches tried", hits)
	}
}

// variants are all names that differ from name in case only.
func variants(name []rune) []string {
	out := []string{""}
	for _, c := range name {
		orbit := []rune{c}
		for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
			orbit = append(orbit, f)
		}
		var next []string
		for _, head := range out {
			for _, o := range orbit {
				next = append(next, head+string(o))
			}
		}
		out = next
	}
	return out
}

func TestNameList(t *testing.T) {
	l, err := CompileNameList([]string{"!docs/.env.example", "**/.env*", "secret", "!**/*.go", "src"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"docs/.env.example": false, "docs/.ENV.example": true, "docs/.env.example/x": true,
		".env": true, "a/.Env/b": true, "SECRET/a.go": true, "src": true, "src/a.go": false,
		"src/a.GO": true, "src/a.go/x": true, "a": false, ".": false,
	} {
		if l.Has(name) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
	if _, err := CompileNameList([]string{"a", "![b"}); err == nil || !strings.Contains(err.Error(), "![b") {
		t.Errorf("a bad pattern: %v", err)
	}
}
