package search

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestGlob(t *testing.T) {
	tests := []struct {
		pattern, yes, no string
	}{
		{"a", "a", "b a/a aa"},
		{"*", "a abc é", "a/b .a"},
		{"*.go", "a.go x.y.go", ".go .a.go a/b.go a.goo go"},
		{"*a/b", "a/b xa/b", "a/x/b x"},
		{"?", "a é 世", "ab a/b ."},
		{"??", "ab é世", "a é"},
		{"**", "a a/b a/b/c", ".a a/.b .a/b"},
		{"**/x", "x a/x a/b/x", "ax a/ax .a/x a/.b/x x/a"},
		{"**/*.go", "a.go a/b.go a/b/c.go", "a/.b.go .a/b.go a.go/b"},
		{"a/**", "a/b a/b/c", "a b/a a/.b ab/c"},
		{"a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb a/b/c a/.x/b"},
		{"a/**/**/b", "a/b a/x/b a/x/y/b", "ab"},
		{"**/a/**", "a/b x/a/b a/b/c", "a x/a"},
		{"a**b", "ab axxb", "a/b ax/b"},
		{"**b", "b ab", "a/b"},
		{"a***", "a abc", "a/b"},
		{"[a-c]x", "ax bx cx", "dx /x"},
		{"[!a]", "b é", "a /"},
		{"[^a-c]", "d", "a b c"},
		{"[]a]", "] a", "b"},
		{"[!]a]", "b", "] a"},
		{"[a-]", "a -", "b"},
		{"[-a]", "a -", "b"},
		{`[\]\-x]`, "] - x", `\ a`},
		{"[α-ω]", "β", "b a"},
		{"{a,b}", "a b", "c ab {a,b}"},
		{"{a,b{c,d}}.go", "a.go bc.go bd.go", "b.go"},
		{"a{,b}", "a ab", "b"},
		{"{a/,}x", "a/x x", "b/x"},
		{"{a,b/c}/d", "a/d b/c/d", "b/d"},
		{"{**/,}x", "x a/x a/b/x", "ax"},
		{"{**,a}/x", "x a/x b/c/x", "ax"},
		{"a/{**,b}", "a/b a/c a/b/c", "a"},
		{"x{**,b}/c", "x/c xa/c xb/c", "x/a/c"},
		{"{*,}.go", "a.go .go", "a/.go"},
		{".*", ".a ..a", "a a/.a"},
		{".github/**/*.yml", ".github/a.yml .github/w/a.yml", ".github/.a.yml"},
		{"*/.x", "a/.x", ".a/.x"},
		{"a,b}", "a,b}", "a b"},
		{`\*`, "*", "a"},
		{`\{a\,b}`, "{a,b}", "a b"},
		{"{a}", "a", "{a}"},
		{".", ".", "a"},
	}
	for _, test := range tests {
		g, err := CompileGlob(test.pattern)
		must(t, err)
		for _, name := range strings.Fields(test.yes) {
			if !g.Match(name, false) || !g.Match(name, true) {
				t.Errorf("%s does not match %s", test.pattern, name)
			}
		}
		for _, name := range strings.Fields(test.no) {
			if g.Match(name, false) {
				t.Errorf("%s matches %s", test.pattern, name)
			}
		}
	}
}

func TestGlobHidden(t *testing.T) {
	for pattern, names := range map[string]string{
		"*": ".a .", "**": ".a a/.b .a/b", "**/*.go": ".go a/.b.go .a/b.go", "?a": ".a", "[.]a": ".a", "a/**/b": "a/.x/b",
	} {
		g, err := CompileGlob(pattern)
		must(t, err)
		for _, name := range strings.Fields(names) {
			if g.Match(name, false) {
				t.Errorf("%s matches the hidden %s", pattern, name)
			}
			if name != "." && !g.Match(name, true) {
				t.Errorf("%s does not match the hidden %s when asked to", pattern, name)
			}
		}
	}
}

func TestGlobErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"":                                "is empty",
		"a[b":                             "has a [ that is never closed (at byte 2)",
		"[]":                              "has a [ that is never closed (at byte 1)",
		"[a-":                             "has a [ that is never closed",
		`[\`:                              "has a [ that is never closed",
		"{a,{b}":                          "has a { that is never closed (at byte 1)",
		`a\`:                              `ends with a \ that escapes nothing (at byte 2)`,
		"[b-a]":                           "has a range whose ends are swapped (at byte 3)",
		"/a":                              "begins with a '/'",
		"a/":                              "ends with a '/'",
		"a//b":                            "has an empty segment (at byte 3)",
		"\xff":                            "is not valid UTF-8",
		strings.Repeat("a", 4097):         "is longer than 4096 bytes",
		strings.Repeat("{a,", 100):        "nests braces deeper than 32 (at byte 97)",
		strings.Repeat("{,a}", 1024) + "": "",
		strings.Repeat("{,?}", 1000):      "",
		strings.Repeat("{,?,?,?}", 512):   "combinations",
	} {
		_, err := CompileGlob(pattern)
		if want == "" {
			continue // only has to come back
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", pattern, err, want)
		}
	}
}

func TestGlobParts(t *testing.T) {
	tests := []struct {
		pattern, base string
		slash         bool
	}{
		{"*.go", ".", false}, {"src/*.go", "src", true}, {"src/a/b.go", "src/a", true}, {"src/a*/b", "src", true},
		{"{a,b}/c", ".", true}, {`s\*c/x`, "s*c", true}, {"**/x", ".", true}, {"a/b/**", "a/b", true}, {"{a,b/c}", ".", true}, {"a", ".", false},
	}
	for _, test := range tests {
		g, err := CompileGlob(test.pattern)
		must(t, err)
		if g.Base() != test.base || g.HasSlash() != test.slash {
			t.Errorf("%s: base %q, slash %v", test.pattern, g.Base(), g.HasSlash())
		}
	}
}

func TestGlobBelow(t *testing.T) {
	tests := []struct {
		pattern, dir string
		hidden, want bool
	}{
		{"*.go", ".", false, true}, {"*.go", "a", true, false}, {"a/*.go", "a", false, true}, {"a/*.go", "b", false, false},
		{"a/*.go", "a/b", false, false}, {"**/*.go", "a/b", false, true}, {"**/*.go", "a/.b", false, false}, {"**/*.go", "a/.b", true, true},
		{"src/**/x/*", "src/a/b", false, true}, {"src/**/x/*", "lib", false, false}, {"src/a/**/*.go", "src", false, true}, {"src/a/**/*.go", "src/b", false, false}, {"src/a/**/*.go", "src/ab", false, false},
		{".a/**/*.go", ".a/b", false, true}, {".a/**/*.go", ".a/.b", false, false}, {".a/**", ".a", false, true}, {"{a,b/c}/d", "b", false, true},
		{"{a,b/c}/d", "c", false, false},
	}
	for _, test := range tests {
		g, err := CompileGlob(test.pattern)
		must(t, err)
		if got := g.Below(test.dir, test.hidden); got != test.want {
			t.Errorf("%s below %s: %v", test.pattern, test.dir, got)
		}
	}
}

// TestGlobTime fails by never ending if matching tries all ways in turn.
func TestGlobTime(t *testing.T) {
	name := strings.Repeat("a", 1000)
	began := time.Now()
	for _, pattern := range []string{
		strings.Repeat("*a", 50) + "b", strings.Repeat("**/", 50) + "b", strings.Repeat("{a,aa,*}", 100) + "b", strings.Repeat("{a,b}", 800),
	} {
		g, err := CompileGlob(pattern)
		must(t, err)
		if g.Match(name, false) || g.Match(strings.Repeat("a/", 500)+"c", false) {
			t.Errorf("%.20s matches", pattern)
		}
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Error("took ", d)
	}
}

func TestGlobRandom(t *testing.T) {
	pieces := []string{"a", "b", ".", "/", "/", "*", "**", "**/", "/**", "?", "[ab]", "[!a]", "{", "}", ",", "{a,", "é", `\a`, "a/", "/.", ".b"}
	names := []string{"a", "b", ".", "/", "é", "a/", "/b", "/.", "ab"}
	seed := rand.Uint64()
	t.Log("seed ", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	matched := 0
	for range 200000 {
		var pattern, name strings.Builder
		for range 1 + r.IntN(7) {
			pattern.WriteString(pieces[r.IntN(len(pieces))])
		}
		for range 1 + r.IntN(6) {
			name.WriteString(names[r.IntN(len(names))])
		}
		checkGlob(t, pattern.String(), name.String())
		if g, err := CompileGlob(pattern.String()); err == nil && g.Match(name.String(), true) {
			matched++
		}
	}
	if matched < 500 {
		t.Errorf("only %d matches: the test proves little", matched)
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("**/*.{go,mod}", "a/b.go")
	f.Add("{a,**}/[!a-c]", "x/.y")
	f.Fuzz(checkGlob)
}

func BenchmarkGlob(b *testing.B) {
	name := "internal/search/some_package/file_name.go"
	for _, pattern := range []string{"**/*.go", "**/*.rs", "internal/**/*.go", "**/*_{name,test}.{go,rs}", "*.go", "internal/*/*/*.go"} {
		b.Run(pattern, func(b *testing.B) {
			g, err := CompileGlob(pattern)
			must(b, err)
			b.ReportAllocs()
			for b.Loop() {
				g.Match(name, false)
			}
		})
	}
}
