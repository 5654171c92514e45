package tool

import (
	"fmt"
	"slices"
	"strings"
)

// maxDrop is how many lines of context at either end of a hunk may differ.
const maxDrop = 2

// find looks for the place of a hunk below those before it: first for its lines
// as they are, then without regard to white space at the ends of lines, then
// without the outermost lines of context, where it must be the only such place.
// Indentation never differs.
func (p *patchedText) find(i int, hunks []hunk) (match, error) {
	h := &hunks[i]
	from, err := p.below(h)
	if err != nil {
		return match{}, err
	}
	old := oldLines(h.lines)
	if len(old) == 0 {
		return p.insertion(h, from)
	}
	for _, loose := range []bool{false, true} {
		if all := p.placesOf(old, from, h.atEnd, loose); len(all) > 0 {
			at, err := p.choose(h, all, twins(i, hunks, old))
			return match{at: at, loose: loose}, err
		}
	}
	for n := 1; n <= maxDrop && !h.atEnd; n++ {
		if m, ok := p.without(h, n, from); ok {
			return m, nil
		}
	}
	return match{}, p.nowhere(h, old, from)
}

// below is the line from which a hunk is looked for: after its headers.
func (p *patchedText) below(h *hunk) (int, error) {
	from := p.at
	for _, head := range h.headers {
		at := p.header(head, from)
		if at < 0 {
			return 0, mistakef("The line '@@ %s' of the patch (line %d) is not in '%s' below line %d. Nothing was changed.", cut(head, 100), h.line, printable(p.path), from)
		}
		from = at + 1
	}
	if n := len(h.headers); n > 0 && len(h.lines) > 0 && h.lines[0].kind != '+' && strings.TrimSpace(h.lines[0].text) == h.headers[n-1] {
		from-- // the hunk begins with its header
	}
	return from, nil
}

// header is where a line stands that a hunk is below: a whole line first, then
// a part of one.
func (p *patchedText) header(head string, from int) int {
	part := -1
	for i := from; i < len(p.lines); i++ {
		text := strings.TrimSpace(p.lines[i].text)
		if text == head {
			return i
		}
		if part < 0 && strings.Contains(text, head) {
			part = i
		}
	}
	return part
}

// insertion is the place of a hunk that only adds lines.
func (p *patchedText) insertion(h *hunk, from int) (match, error) {
	switch {
	case h.numbered && h.old+p.drift > len(p.lines) || h.numbered && h.old+p.drift < p.at:
		return match{}, mistakef("The part at line %d of the patch adds lines after line %d of '%s', which has %d. Nothing was changed.", h.line, h.old, printable(p.path), len(p.lines))
	case h.numbered:
		return match{at: h.old + p.drift}, nil
	case len(h.headers) > 0:
		return match{at: from}, nil
	}
	return match{at: len(p.lines)}, nil
}

func (p *patchedText) placesOf(old []string, from int, atEnd, loose bool) []int {
	table := p.exact
	if loose {
		if p.loose == nil {
			p.loose = newLineTable(p.lines, true)
		}
		table = p.loose
	}
	all := table.find(old, from)
	if atEnd {
		return slices.DeleteFunc(all, func(at int) bool { return at+len(old) != len(p.lines) })
	}
	return all
}

// choose takes the place that the numbers of the patch are nearest to. Without
// numbers there may be only one, or as many as there are hunks for them: twins.
func (p *patchedText) choose(h *hunk, all []int, twins int) (int, error) {
	switch {
	case h.numbered:
		want := h.old - 1 + p.drift
		best := slices.MinFunc(all, func(a, b int) int { return distanceOf(a, want) - distanceOf(b, want) })
		if other := 2*want - best; other != best && slices.Contains(all, other) {
			return 0, p.ambiguous(h, []int{best, other})
		}
		return best, nil
	case len(all) <= twins || len(h.headers) > 0:
		return all[0], nil
	}
	return 0, p.ambiguous(h, all)
}

func (p *patchedText) ambiguous(h *hunk, all []int) error {
	var numbers []int
	for _, at := range all {
		numbers = append(numbers, at+1)
	}
	slices.Sort(numbers)
	return mistakef("The part at line %d of the patch fits '%s' in several places (%s). Give more lines of context, or a line @@ with a line that stands above the right one. Nothing was changed.",
		h.line, printable(p.path), linesText(numbers))
}

func distanceOf(a, b int) int { return max(a-b, b-a) }

// twins is how many hunks from the i-th on look for the same lines.
func twins(i int, hunks []hunk, old []string) int {
	n := 0
	for j := i; j < len(hunks); j++ {
		if len(hunks[j].headers) == 0 && slices.Equal(oldLines(hunks[j].lines), old) {
			n++
		}
	}
	return n
}

// without looks for a hunk without n lines of context at either end.
func (p *patchedText) without(h *hunk, n, from int) (match, bool) {
	m := match{drop: min(n, contextRun(h.lines, false)), tail: min(n, contextRun(h.lines, true))}
	if m.drop+m.tail == 0 || m.drop+m.tail >= len(h.lines) {
		return m, false
	}
	old := oldLines(h.lines[m.drop : len(h.lines)-m.tail])
	if len(old) == 0 || strings.TrimSpace(strings.Join(old, "")) == "" {
		return m, false
	}
	all := p.placesOf(old, from, false, false)
	if len(all) != 1 {
		return m, false
	}
	m.at = all[0]
	return m, true
}

// contextRun is how many lines of context a hunk begins or ends with.
func contextRun(lines []hunkLine, end bool) int {
	n := 0
	for n < len(lines) {
		l := lines[n]
		if end {
			l = lines[len(lines)-1-n]
		}
		if l.kind != ' ' {
			break
		}
		n++
	}
	return n
}

// nowhere is the error for a hunk that fits nowhere.
func (p *patchedText) nowhere(h *hunk, old []string, from int) error {
	text := fmt.Sprintf("The part at line %d of the patch does not fit '%s': its lines are not there", h.line, printable(p.path))
	if h.atEnd {
		text += " at the end of the file"
	}
	if p.at > 0 {
		text += fmt.Sprintf(" below line %d", p.at)
	}
	if near := p.near(old, from); near != "" {
		return mistakef("%s. %s Nothing was changed.", text, near)
	}
	return mistakef("%s. Read the file again and make the patch from what is there. Nothing was changed.", text)
}

// maxNearLines bounds how many pairs of lines near compares.
const maxNearLines = 4 << 20

// near says where the lines fit best, and what is the first that differs.
func (p *patchedText) near(old []string, from int) string {
	if len(old)*(len(p.lines)-from) > maxNearLines {
		return ""
	}
	best, most := -1, 0
	for at := from; at < len(p.lines); at++ {
		same := 0
		for j := 0; j < len(old) && at+j < len(p.lines); j++ {
			if text := strings.TrimSpace(old[j]); text != "" && text == strings.TrimSpace(p.lines[at+j].text) {
				same++
			}
		}
		if same > most {
			best, most = at, same
		}
	}
	if best < 0 || 2*most < len(old) && most < 2 {
		return ""
	}
	for j, want := range old {
		if best+j >= len(p.lines) {
			return fmt.Sprintf("It nearly fits at line %d, but the file ends before '%s'.", best+1, cut(want, 200))
		}
		if have := p.lines[best+j].text; strings.TrimRight(have, " \t") != strings.TrimRight(want, " \t") {
			what := "stands"
			if strings.TrimSpace(have) == strings.TrimSpace(want) {
				what = "stands, with another indentation,"
			}
			return fmt.Sprintf("It nearly fits at line %d, but in line %d %s\n%s\nwhere the patch has\n%s\n", best+1, best+j+1, what, cut(have, 200), cut(want, 200))
		}
	}
	return ""
}
