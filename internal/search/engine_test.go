package search

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestPatternLarge has an automaton of more states than can be kept.
func TestPatternLarge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var buf []byte
	for range 100000 {
		buf = append(buf, "ab ab ab ba\nx"[r.IntN(13)])
	}
	for _, pattern := range []string{`(a|b|x)*a(a|b| |x){17}$`, `a[^q]{30}x$`, `(?i)\pL{20}`, `[ab ]{300}x`} {
		p, err := Compile(pattern, Options{})
		must(t, err)
		checkCompiled(t, p, regexp.MustCompile(pattern), buf)
		if m := p.program.newMachine(); len(buf) > 0 {
			m.scan(buf)
			if len(m.table) > maxCells || m.sets > 2*maxSets {
				t.Errorf("%s: %d cells, %d instructions", pattern, len(m.table), m.sets)
			}
		}
	}
}

// TestPatternGivesUp has more states than bytes.
func TestPatternGivesUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 400<<10)
	for i := range buf {
		buf[i] = "abbx"[r.IntN(4)]
	}
	copy(buf[100<<10:], "cZc")
	for i, where := range []int{350 << 10, 360 << 10, 361 << 10, 399 << 10} {
		copy(buf[where:], "\nabababababababababababab"[:20+i]+"Z\r\n")
	}
	for _, pattern := range []string{`a[abx]{18}[Q-Z]`, `a[abx]{18}Z`} {
		p, err := Compile(pattern, Options{})
		must(t, err)
		checkCompiled(t, p, regexp.MustCompile(pattern), buf)
		if !p.slow.Load() {
			t.Errorf("%s did not give up: the test proves nothing", pattern)
		}
	}
}

// TestFind compares with package strings, also where the rarest byte is common.
func TestFind(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "aaaaabABxX."[r.IntN(11)]
		}
		return string(b)
	}
	for range 20000 {
		var set []literal
		fold := r.IntN(2) == 0
		for range 1 + r.IntN(3) {
			l := literal{text(1 + r.IntN(4)), fold}
			if fold {
				l.text = lowerASCII(l.text)
			}
			set = append(set, l)
		}
		buf := text(r.IntN(2000))
		at, want := r.IntN(len(buf)+1), -1
		for _, l := range set {
			hay := buf
			if fold {
				hay = lowerASCII(buf)
			}
			if i := strings.Index(hay[at:], l.text); i >= 0 && (want < 0 || at+i < want) {
				want = at + i
			}
		}
		if got := newFinder(set).find([]byte(buf), at); got != want {
			t.Fatalf("%v in %q from %d: %d, want %d", set, buf, at, got, want)
		}
	}
}

func TestStudy(t *testing.T) {
	for pattern, want := range map[string]string{
		`ErrNotExist`:                    "[{ErrNotExist false}] true",
		`(?i)errnotexist`:                "[{errnotexi true}] false",
		`(?i)foo|BAR`:                    "[{foo true} {bar true}] true",
		`func \w+\(ctx context\.Context`: "[{(ctx context.Context false}] false",
		`[A-Z][a-z]+Error\b`:             "[{Error false}] false",
		`ErrNotExist|fs\.SkipDir|bazqux`: "[{ErrNotExist false} {fs.SkipDir false} {bazqux false}] true",
		`\w+\s*:=\s*range`:               "[{range false}] false",
		`^\s*// TODO\(`:                  "[{// TODO( false}] false",
		`(foo|bar)baz`:                   "[{foobaz false} {barbaz false}] true",
		`x?zqj`:                          "[{xzqj false} {zqj false}] true",
		`\w+`:                            "[] false",
		`foo\r`:                          "[{foo\r false}] false",
		`\x{FFFD}`:                       "[] false",
		`1\d|\db`:                        "[] false",
		`(?:zq){2,}`:                     "[{zq false}] false",
	} {
		p, err := Compile(pattern, Options{})
		must(t, err)
		var set []literal
		if p.literals != nil {
			for _, probe := range p.literals.probes {
				if l := (literal{probe.text, probe.fold}); len(set) == 0 || set[len(set)-1] != l {
					set = append(set, l)
				}
			}
		}
		if got := fmt.Sprint(set, " ", p.exact); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
}
