package search

import (
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
)

// randomNames makes lists and names from few parts, so that they meet.
func randomNames(r *rand.Rand) (patterns []string, name string) {
	parts := []string{"a", "B", "b", ".c", "*", "**", "?", "{a,b/.c}", "[a-b]", ".*"}
	for range 1 + r.IntN(4) {
		var p []string
		for range 1 + r.IntN(3) {
			p = append(p, parts[r.IntN(len(parts))])
		}
		text := strings.Join(p, "/")
		if r.IntN(3) == 0 {
			text = "!" + text
		}
		patterns = append(patterns, text)
	}
	for i := range 1 + r.IntN(4) {
		name = path.Join(name, parts[(r.IntN(4)+i)%4])
	}
	return patterns, name
}

// TestWalkAgainstHas: a walk decides as Has does, and Varies leaves out nothing.
func TestWalkAgainstHas(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	hits := 0
	for range 20_000 {
		patterns, name := randomNames(r)
		l, err := CompileNameList(patterns)
		if err != nil {
			t.Fatal(err)
		}
		at := Nothing
		parts := strings.Split(name, "/")
		open := ""
		for i := range parts {
			dir := path.Join(parts[:i]...)
			if dir == "" {
				dir = "."
			}
			if covered := at != Nothing; open == "" && !l.Varies(dir, at) && l.Has(name) != covered {
				t.Fatalf("%q: nothing below %q differs from %v, but %q does", patterns, dir, covered, name)
			}
			prefix := path.Join(parts[:i+1]...)
			var in bool
			in, at = l.Enter(prefix, FoldName(prefix), at)
			if in != l.Has(prefix) {
				t.Fatalf("%q: %q is %v, want %v", patterns, prefix, in, !in)
			}
		}
		if l.Has(name) {
			hits++
		}
	}
	if hits < 2000 {
		t.Errorf("only %d names were in a list", hits)
	}
}

// TestLoose: what is loose can be anything.
func TestLoose(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	loose := 0
	for range 40_000 {
		patterns, name := randomNames(r)
		l, _ := CompileNameList(patterns)
		if !l.Has(name) {
			continue
		}
		parts := strings.Split(name, "/")
		n := l.Loose(name)
		if n >= len(parts) {
			t.Fatalf("%q: %d of %q", patterns, n, name)
		}
		if loose += n; n == 0 {
			continue
		}
		_, other := randomNames(r)
		moved := path.Join(other, path.Join(parts[n:]...))
		if !l.Has(moved) {
			t.Fatalf("%q: %d of %q are loose, but %q is not in the list", patterns, n, name, moved)
		}
	}
	if loose < 300 {
		t.Errorf("only %d were loose", loose)
	}
	for pattern, want := range map[string]int{"**/.env": 2, "**/b/.env": 1, "a/**": 0, "**": 2} {
		l, _ := CompileNameList([]string{"!**/x", pattern})
		if got := l.Loose("a/b/.env"); got != want {
			t.Errorf("%q: %d, want %d", pattern, got, want)
		}
	}
}

func TestLiterals(t *testing.T) {
	l, err := CompileNameList([]string{"!c", "a/B", "*.x", "c", `\[d`, ".", "!a/B"})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Literals(); !slices.Equal(got, []string{"a/B", "[d", "."}) {
		t.Errorf("%q", got)
	}
	if got := l.Roots(); !slices.Equal(got, []string{"a/B", ".", "c", "[d", "."}) {
		t.Errorf("%q", got)
	}
}

// TestRelative: the same names are on both lists.
func TestRelative(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 9))
	hits := 0
	for range 30_000 {
		patterns, name := randomNames(r)
		if strings.Contains(strings.Join(patterns, ""), "b/.c}") {
			continue
		}
		_, dir := randomNames(r)
		near, err := Relative(patterns, dir)
		if err != nil {
			t.Fatal(err)
		}
		whole, _ := CompileNameList(patterns)
		part, err := CompileNameList(near)
		if err != nil {
			t.Fatal(err)
		}
		want := whole.Has(dir + "/" + name)
		if part.Has(name) != want {
			t.Fatalf("%q in %q: %v, but %q says otherwise of %q", patterns, dir, want, near, name)
		}
		if want {
			hits++
		}
	}
	if hits < 2000 {
		t.Errorf("only %d names were on a list", hits)
	}
	for _, p := range []string{"{a/b,c}", "[", "!"} {
		if got, err := Relative([]string{p}, "a"); err == nil {
			t.Errorf("%q: %q", p, got)
		}
	}
	got, err := Relative([]string{`[a/]]/x`, `\{a/y`, "{a,b}/z", "A/v", "!A/v"}, "a")
	if err != nil || !slices.Equal(got, []string{"z", "v"}) {
		t.Errorf("%q %v", got, err)
	}
}
