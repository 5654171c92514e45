package diff

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// What a diff says leads from one text to the other, whatever they are.
func TestDiffIsTrue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		a, b := someLines(r), someLines(r)
		if r.IntN(2) == 0 {
			b = mutated(r, a)
		}
		var made []string
		at := 0
		for _, c := range compare(a, b) {
			if c.oldFrom < at || c.oldFrom == c.oldTo && c.newFrom == c.newTo {
				t.Fatalf("%v to %v: %v", a, b, c)
			}
			made = append(append(made, a[at:c.oldFrom]...), b[c.newFrom:c.newTo]...)
			at = c.oldTo
		}
		made = append(made, a[at:]...)
		if fmt.Sprint(made) != fmt.Sprint(b) {
			t.Fatalf("%v to %v makes %v", a, b, made)
		}
	}
}

func someLines(r *rand.Rand) []string {
	var l []string
	for range r.IntN(8) {
		l = append(l, string(rune('a'+r.IntN(6)))+"\n")
	}
	return l
}

func mutated(r *rand.Rand, a []string) []string {
	var b []string
	for _, l := range a {
		if r.IntN(4) > 0 {
			b = append(b, l)
		}
		if r.IntN(5) == 0 {
			b = append(b, "z\n")
		}
	}
	return b
}

func TestDiffShowsLittle(t *testing.T) {
	var old, new strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&old, "line %d\n", i)
		if i == 50_000 || i == 99_999 {
			new.WriteString("other\n")
			continue
		}
		fmt.Fprintf(&new, "line %d\n", i)
	}
	got := Unified("f", old.String(), strings.TrimSuffix(new.String(), "\n"))
	want := "--- f\n+++ f\n@@ -49998,7 +49998,7 @@\n line 49997\n line 49998\n line 49999\n-line 50000\n+other\n line 50001\n line 50002\n line 50003\n" +
		"@@ -99997,4 +99997,4 @@\n line 99996\n line 99997\n line 99998\n-line 99999\n+other\n\\ No newline at end of file\n"
	if got != want {
		t.Errorf("%s", got)
	}
	if got := Unified("f", "", "a\n"); got != "--- f\n+++ f\n@@ -0,0 +1 @@\n+a\n" {
		t.Errorf("%s", got)
	}
}
