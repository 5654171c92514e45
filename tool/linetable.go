package tool

import (
	"strings"
)

// lineTable finds runs of lines in a text, in time that grows with the text and
// the run, whatever they hold.
type lineTable struct {
	ids   []int // of the lines of the text; equal lines have equal ones
	known map[string]int
	loose bool
}

func newLineTable(lines []fileLine, loose bool) *lineTable {
	t := &lineTable{ids: make([]int, len(lines)), known: map[string]int{}, loose: loose}
	for i, l := range lines {
		key := t.key(l.text)
		id, ok := t.known[key]
		if !ok {
			id = len(t.known)
			t.known[key] = id
		}
		t.ids[i] = id
	}
	return t
}

func (t *lineTable) key(text string) string {
	if t.loose {
		return strings.TrimRight(text, " \t\r")
	}
	return text
}

// find is where run begins, at or after from (Knuth, Morris and Pratt).
func (t *lineTable) find(run []string, from int) []int {
	want := make([]int, len(run))
	for i, l := range run {
		id, ok := t.known[t.key(l)]
		if !ok {
			return nil
		}
		want[i] = id
	}
	back := make([]int, len(want)) // how much still fits where the next one does not
	for i, k := 1, 0; i < len(want); i++ {
		for k > 0 && want[i] != want[k] {
			k = back[k-1]
		}
		if want[i] == want[k] {
			k++
		}
		back[i] = k
	}
	var all []int
	for i, k := from, 0; i < len(t.ids); i++ {
		for k > 0 && (k == len(want) || t.ids[i] != want[k]) {
			k = back[k-1]
		}
		if t.ids[i] == want[k] {
			k++
		}
		if k == len(want) {
			all = append(all, i+1-k)
		}
	}
	return all
}
