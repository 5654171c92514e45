package search

import (
	"bytes"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"testing"
)

// patterns are interesting by themselves, for tests and as seeds.
var patterns = []string{
	``, `a`, `abc`, `^`, `$`, `^$`, `^a`, `a$`, `^abc$`, `\Aa`, `a\z`, `(?m)^a$`, `a*`, `a+$`, `^\s*$`, `.`, `..`, `^.$`, `(?s).`, `^..$`,
	`\b`, `\B`, `\ba`, `a\b`, `\bfoo\b`, `\Boo\B`, `\b\b`, `^\b`, `\b$`, `\B$`, `^\B`, `a\Bb`, `(?:\b|x)foo`,
	`foo|bar`, `foo|bar|baz$`, `(foo|bar)+x`, `fo{2,3}`, `(a|b)*abb`, `x*y*z`, `[a-c]+d`, `[^a]b`, `[^\n]*x`,
	`(?i)foo`, `(?i)KISS`, `(?i)k`, `(?i)s+t`, `(?i)error`, `(?i)straße`, `(?i)é`, `(?i)foo|BAR`, `(?i:f)oo`, `foo(?i)bar`, `(?i)x[a-c]`,
	`é`, `[é-ü]x`, `[^é]`, `\pL+`, `\p{Greek}`, `[[:alpha:]]\d`, `世界`, `[世-界]`, `\x{FFFD}`, `[^\x{FFFD}]`, `a.b`, `^.b`, `\x{10FFFF}`, `[\x{10000}-\x{10FFFF}]`,
	`\r`, `\r$`, `a\r`, `\s$`, `\s+$`, `a\n`, `\n`, `a\s*b`, `[\r\n]`, `\S+\s\S+`, `\x00`, `a\x00b`, `(?U)a+b`, `a??b`, `(|a)b`, `(a|)`, `()`,
	`\w+\s*:=\s*range`, `[A-Z][a-z]+Error\b`, `func \w+\(ctx`, `^\s*// TODO\(`, `ErrNotExist|fs\.SkipDir|bazqux`, `(?i)errnotexist`,
	`(a+)+b`, `(a|aa)+$`, `(a|b)*a(a|b){12}`, `[a-q][^u-z]{13}x`, `\D{3}`, `\Q.*\E`, `a{0}`, `(?:a{0,2}){3}$`, `\x{D800}`, `[\x{D7FF}-\x{E000}]`, `x\x{D800}|y`,
	`(?i)ſ`, `(?i)\x{212A}x`, `[k-s]`, `(?i)[k-s]x`, `ab|AB|aB`, `(?-i)a`, `(?i)a(?-i)b`, `..é`, `é..`, `^[^x]*$`,
}

var lines = []string{
	"", "a", "b", "abc", "aabb", "foo", "foobar", "xfoo", "foo_", "foo bar", " foo", "bar", "FOO", "Foo", "kiss", "KISS", "\u212aiss", "ki\u017f\u017f", "s", "st", "ſt",
	"é", "É", "aéb", "ü", "ß", "straSSe", "STRAßE", "世界", "世", "界x", "\ufffd", "\xff", "\xc3", "\xc3(", "\xe4\xb8", "\xe4\xb8x", "a\xe4\xb8\xadb", "\xf0\x9f\x98\x80", "\xf0\x9f\x98", "\xf4\x90\x80\x80",
	"\xed\xa0\x80", "\xc0\x80", "\xf8", "\x80", "a\xffb", "\U0010ffff", "\r", "a\r", "a\rb", "\r\r", "a \r", "\t", "  ", "a b", "a\x00b", "\x00",
	"x := range y", "for i:=range", "FooError", "FooErrors", "func F(ctx", "// TODO(x)", "\t\t// TODO(y)", "a // TODO(z)", "errnotexist", "ErrNotExist", "ERRNOTEXI\u017fT",
	"aaaaaaaaaaaaaaaaaaaaaaaaa", "abababababababababab", "qqqqqqqqqqqqqqqx", "ab", "AB", "aB", "Ab", "1a", "a1", ".*", "éb", "\u03b1", "α β", "ĩ", "\xe5\xb8\x96", "\xe4\xb9\x96", "\xe0\x80\x80", "\xe0\x81\xa1", "\xf0\x80\x80\x80", "\xf0\x80\x81\xa1", "\xf5\x80\x80\x80",
}

// nextByRegexp is what Next has to answer.
func nextByRegexp(re *regexp.Regexp, buf []byte) (int, int, bool) {
	for at := 0; at < len(buf); {
		end, next := len(buf), len(buf)
		if i := bytes.IndexByte(buf[at:], '\n'); i >= 0 {
			end, next = at+i, at+i+1
			end -= len(buf[at:end]) - len(bytes.TrimSuffix(buf[at:end], []byte("\r")))
		}
		if re.Match(buf[at:end]) {
			return at, end, true
		}
		at = next
	}
	return 0, 0, false
}

// checkPattern compares every answer about a buffer with package regexp's.
func checkPattern(t *testing.T, pattern string, o Options, buf []byte) {
	t.Helper()
	p, err := Compile(pattern, o)
	source := pattern
	if o.Literal {
		source = regexp.QuoteMeta(pattern)
	}
	if o.IgnoreCase {
		source = "(?i)" + source
	}
	re, reErr := regexp.Compile(source)
	if (err == nil) != (reErr == nil) {
		t.Fatalf("pattern %q: error %v, regexp says %v", pattern, err, reErr)
	}
	if err != nil {
		return
	}
	checkCompiled(t, p, re, buf)
}

func checkCompiled(t *testing.T, p *Pattern, re *regexp.Regexp, buf []byte) {
	t.Helper()
	for rest := buf; ; {
		start, end, ok := p.Next(rest)
		wantStart, wantEnd, want := nextByRegexp(re, rest)
		if start != wantStart || end != wantEnd || ok != want {
			t.Fatalf("pattern %q in %q: line %d to %d, %v; regexp says %d to %d, %v", re, rest, start, end, ok, wantStart, wantEnd, want)
		}
		if !ok {
			return
		}
		from, to, ok := p.Match(rest[start:end])
		if loc := re.FindIndex(rest[start:end]); !ok || from != loc[0] || to != loc[1] {
			t.Fatalf("pattern %q in line %q: %d to %d, %v; regexp says %v", re, rest[start:end], from, to, ok, loc)
		}
		_, next := lineAt(rest, end)
		rest = rest[next:]
	}
}

func TestPatternTable(t *testing.T) {
	var all bytes.Buffer
	for _, end := range []string{"\n", "\r\n"} {
		for _, line := range lines {
			all.WriteString(line + end)
		}
	}
	for _, pattern := range patterns {
		for _, o := range []Options{{}, {IgnoreCase: true}, {Literal: true}, {Literal: true, IgnoreCase: true}} {
			checkPattern(t, pattern, o, all.Bytes())
			for _, line := range lines {
				checkPattern(t, pattern, o, []byte(line))
			}
		}
	}
}

func TestPatternErrors(t *testing.T) {
	for _, pattern := range []string{"(", "a**", "[b-a]", `\8`, "x{1001}", "(?<n", "\xff"} {
		_, err := Compile(pattern, Options{})
		_, want := syntax.Parse(pattern, syntax.Perl)
		if err == nil || !strings.Contains(err.Error(), want.Error()) {
			t.Errorf("%q: error %v, want %v", pattern, err, want)
		}
	}
	if _, err := Compile("((", Options{IgnoreCase: true}); err == nil || !strings.HasSuffix(err.Error(), "`((`") {
		t.Error("the error shows what was not written: ", err)
	}
}

// randomPattern writes an expression of random pieces.
func randomPattern(r *rand.Rand, depth int) string {
	atoms := []string{"a", "b", "c", "ab", "abc", "k", "s", "é", "世", ".", `\w`, `\W`, `\s`, `\d`, "[ab]", "[^a]", "[a-c]", "[^é]", "^", "$", `\b`, `\B`, `\r`,
		" ", "_", "1", `\pL`, `\x{FFFD}`, "[k-z]", "(?i:k)", "(?i:ab)", "(?i:é)", `\A`, `\z`, "", "[\\s\\d]", "[à-ü]", "[世-界]", "\u212a"}
	if depth == 0 {
		return atoms[r.IntN(len(atoms))]
	}
	sub := func() string { return randomPattern(r, depth-1) }
	switch r.IntN(8) {
	case 0:
		return "(?:" + sub() + "|" + sub() + ")"
	case 1:
		return "(" + sub() + ")" + []string{"*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}"}[r.IntN(9)]
	case 2:
		return "(?i:" + sub() + ")"
	case 3, 4, 5, 6:
		return sub() + sub()
	}
	return sub()
}

func randomText(r *rand.Rand) []byte {
	pieces := []string{"a", "b", "c", "ab", "abc", "A", "K", "k", "s", "S", "\u212a", "\u017f", "é", "É", "世", "界", "\xff", "\xc3", "\xe4\xb8", "\xf0\x9f", " ", "\t", "_", "1",
		"\r", "\n", "\n", "\r\n", "\ufffd", ".", "\x00", "aaaa", "\xed\xa0\x80", "ĩ", "\xe0\x81", "\xf0\x80\x81", "\xe5\xb8\x96"}
	var b []byte
	for range r.IntN(24) {
		b = append(b, pieces[r.IntN(len(pieces))]...)
	}
	return b
}

func TestPatternRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed ", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		pattern := randomPattern(r, 1+r.IntN(4))
		p, err := Compile(pattern, Options{})
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(pattern)
		for range 20 {
			checkCompiled(t, p, re, randomText(r))
		}
	}
}

// TestPatternLong has buffers that are scanned at several places at once.
func TestPatternLong(t *testing.T) {
	seed := rand.Uint64()
	t.Log("seed ", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 60 {
		var buf []byte
		for len(buf) < 100<<10 {
			buf = append(buf, []string{"abc ", "é", "A_1", "\n", "\r\n", "\r", "世", "\xe4", "12", "\n\n", " "}[r.IntN(11)]...)
			if r.IntN(5000) == 0 {
				buf = append(buf, []string{"999", "qq", "\xff\xff", "zz\r\n", "c9"}[r.IntN(5)]...)
			}
		}
		buf = append(buf, "\nabc abc q"...)
		for _, pattern := range []string{`\d{3}`, `q.`, `[q-z]+$`, `[^a-zA-Z0-9_é世\s]{2}`, `c\d`, `9\b`, `^z`, `(?i)[Q-Z]{2}`, `[^\x00-\x{10FFFF}]`} {
			p, err := Compile(pattern, Options{})
			must(t, err)
			p.literals, p.exact, p.single = nil, false, 0
			checkCompiled(t, p, regexp.MustCompile(pattern), buf[r.IntN(len(buf)):])
		}
	}
}

func FuzzRegexp(f *testing.F) {
	for i, pattern := range patterns {
		f.Add(pattern, []byte(lines[i%len(lines)]+"\n"+lines[i*7%len(lines)]+"\r\nabc"), i%3 == 0)
	}
	f.Fuzz(func(t *testing.T, pattern string, buf []byte, ignoreCase bool) {
		if len(pattern) > 100 {
			t.Skip()
		}
		checkPattern(t, pattern, Options{IgnoreCase: ignoreCase}, buf)
		checkPattern(t, pattern, Options{IgnoreCase: ignoreCase, Literal: true}, buf)
	})
}

func TestPatternConcurrent(t *testing.T) {
	buf := []byte(strings.Repeat("a b c\nfoo bar\n日本\n", 200))
	for _, pattern := range []string{`o\s+b`, `[a-z]{3}\b`, `\pL`} {
		p, err := Compile(pattern, Options{})
		must(t, err)
		re := regexp.MustCompile(pattern)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { checkCompiled(t, p, re, buf) })
		}
		wg.Wait()
	}
}
