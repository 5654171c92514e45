// Package diff makes unified diffs.
package diff

import (
	"fmt"
	"sort"
	"strings"
)

// contextLines is how many lines are shown around a change.
const contextLines = 3

// change is a run of lines of the old text that a run of the new one replaces.
type change struct{ oldFrom, oldTo, newFrom, newTo int }

// Unified is the unified diff from old to new, with name in its first two lines;
// "" if they are equal. It takes time in proportion to the texts, however
// different they are, and for that it may not be the shortest diff.
func Unified(name, old, new string) string {
	a, b := diffLines(old), diffLines(new)
	changes := compare(a, b)
	if len(changes) == 0 {
		return ""
	}
	var s strings.Builder
	fmt.Fprintf(&s, "--- %s\n+++ %s\n", name, name)
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && changes[n].oldFrom-changes[n-1].oldTo <= 2*contextLines {
			n++
		}
		hunk(&s, a, b, changes[:n])
		changes = changes[n:]
	}
	return s.String()
}

// diffLines splits text into lines with their ends.
func diffLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		return lines[:len(lines)-1]
	}
	return lines
}

// hunk prints changes that are close to each other.
func hunk(s *strings.Builder, a, b []string, changes []change) {
	first, last := changes[0], changes[len(changes)-1]
	before := min(contextLines, first.oldFrom)
	after := min(contextLines, len(a)-last.oldTo)
	fmt.Fprintf(s, "@@ -%s +%s @@\n",
		lineRange(first.oldFrom-before, last.oldTo+after),
		lineRange(first.newFrom-before, last.newTo+after))
	at := first.oldFrom - before
	for _, c := range changes {
		diffPut(s, ' ', a[at:c.oldFrom])
		diffPut(s, '-', a[c.oldFrom:c.oldTo])
		diffPut(s, '+', b[c.newFrom:c.newTo])
		at = c.oldTo
	}
	diffPut(s, ' ', a[at:last.oldTo+after])
}

func lineRange(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func diffPut(s *strings.Builder, mark byte, lines []string) {
	for _, l := range lines {
		s.WriteByte(mark)
		s.WriteString(l)
		if !strings.HasSuffix(l, "\n") {
			s.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// compare finds what differs. What both texts begin and end with is left aside
// first, so that a small change of a large text costs little.
func compare(a, b []string) []change {
	head, tail := 0, 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		head++
	}
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	changes := compareInner(a[head:len(a)-tail], b[head:len(b)-tail])
	for n, c := range changes {
		changes[n] = change{c.oldFrom + head, c.oldTo + head, c.newFrom + head, c.newTo + head}
	}
	return changes
}

// compareInner takes the lines that occur once in both texts and in the same
// order for the same, and lets each such place grow in both directions as far as
// the lines are equal.
func compareInner(a, b []string) []change {
	var changes []change
	i, j := 0, 0 // up to where a and b are dealt with
	for _, at := range append(anchors(a, b), [2]int{len(a), len(b)}) {
		x, y := at[0], at[1]
		if x < i || y < j {
			continue // inside what has grown up to here
		}
		for x > i && y > j && a[x-1] == b[y-1] {
			x, y = x-1, y-1
		}
		if x > i || y > j {
			changes = append(changes, change{i, x, j, y})
		}
		for i, j = x, y; i < len(a) && j < len(b) && a[i] == b[j]; {
			i, j = i+1, j+1
		}
	}
	return changes
}

// anchors are the places of the lines that occur once in a and once in b: the
// longest row of them that is in order in both.
func anchors(a, b []string) [][2]int {
	type seen struct{ inA, inB, at int }
	lines := make(map[string]seen, len(b))
	for _, l := range a {
		s := lines[l]
		s.inA++
		lines[l] = s
	}
	for j, l := range b {
		s := lines[l]
		s.inB, s.at = s.inB+1, j
		lines[l] = s
	}
	var pairs [][2]int
	for i, l := range a {
		if s := lines[l]; s.inA == 1 && s.inB == 1 {
			pairs = append(pairs, [2]int{i, s.at})
		}
	}
	return rising(pairs)
}

// rising is the longest part of pairs, which are in order by the first number,
// that is in order by the second one too.
func rising(pairs [][2]int) [][2]int {
	var ends []int // ends[n]: the pair with the least second number that ends a row of n+1
	before := make([]int, len(pairs))
	for k, p := range pairs {
		n := sort.Search(len(ends), func(n int) bool { return pairs[ends[n]][1] >= p[1] })
		before[k] = -1
		if n > 0 {
			before[k] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, k)
		} else {
			ends[n] = k
		}
	}
	row := make([][2]int, len(ends))
	if len(ends) > 0 {
		for n, k := len(ends)-1, ends[len(ends)-1]; n >= 0; n, k = n-1, before[k] {
			row[n] = pairs[k]
		}
	}
	return row
}
