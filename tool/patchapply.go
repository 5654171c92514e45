package tool

import (
	"fmt"
	"strings"
)

// patchedText is a text that hunks are applied to, from the first to the last.
type patchedText struct {
	path  string
	lines []fileLine
	exact *lineTable // of the lines as they are
	loose *lineTable // of the lines without white space at their ends; made when it is needed

	made   []fileLine
	at     int // up to which lines are dealt with
	drift  int // how many lines further down than the patch says the last hunk was
	open   bool
	places []string
}

// applyHunks applies hunks to a text, and says where they were applied if that
// is not just where they say.
func applyHunks(path, text string, hunks []hunk) (string, []string, error) {
	mark, lines := splitText(text)
	p := &patchedText{path: path, lines: lines, exact: newLineTable(lines, false)}
	p.open = len(lines) > 0 && lines[len(lines)-1].end == ""
	for i := range hunks {
		if err := p.apply(i, hunks); err != nil {
			return "", nil, err
		}
	}
	p.made = append(p.made, p.lines[p.at:]...)
	p.ends(hunks)
	return joinText(mark, p.made), p.places, nil
}

// match is where a hunk fits.
type match struct {
	at    int // the first line of the text
	drop  int // lines of context that are left out at the start of the hunk
	tail  int // and at its end
	loose bool
}

func (p *patchedText) apply(i int, hunks []hunk) error {
	h := &hunks[i]
	m, err := p.find(i, hunks)
	if err != nil {
		return err
	}
	p.made = append(p.made, p.lines[p.at:m.at]...)
	p.at = m.at
	crs := h.hasCR()
	for _, l := range h.lines[m.drop : len(h.lines)-m.tail] {
		switch l.kind {
		case ' ':
			p.made = append(p.made, p.lines[p.at])
			p.at++
		case '-':
			p.at++
		default:
			p.made = append(p.made, fileLine{l.text, p.end(l, crs, m.at)})
		}
	}
	p.note(i, len(hunks), h, m)
	return nil
}

// end is the line end of a line that is added: what the patch says where it
// tells "\r\n" from "\n", else that of the lines around.
func (p *patchedText) end(l hunkLine, crs bool, at int) string {
	switch {
	case l.open:
		return ""
	case l.cr:
		return "\r\n"
	case crs:
		return "\n"
	}
	return lineEnd(p.lines, at)
}

// ends gives every line but the last a line end, and the last one none where the
// text had none and the patch says nothing else.
func (p *patchedText) ends(hunks []hunk) {
	told := false
	for i := range hunks {
		for _, l := range hunks[i].lines {
			told = told || l.open
		}
	}
	last := len(p.made) - 1
	for i := range p.made {
		if i < last && p.made[i].end == "" {
			p.made[i].end = lineEnd(p.lines, 0)
		}
	}
	if last >= 0 && p.open && !told {
		p.made[last].end = ""
	}
}

// note says where a hunk was applied.
func (p *patchedText) note(i, of int, h *hunk, m match) {
	var notes []string
	at := m.at + 1
	if h.numbered && h.olds() > 0 {
		p.drift = m.at - m.drop - (h.old - 1)
		if p.drift != 0 {
			notes = append(notes, fmt.Sprintf("the patch has line %d", h.old))
		}
	}
	if m.loose {
		notes = append(notes, "white space at line ends differs")
	}
	if m.drop+m.tail > 0 {
		notes = append(notes, count(m.drop+m.tail, "line of context around it differs", "lines of context around it differ"))
	}
	if h.miscounted {
		notes = append(notes, "the numbers of lines in its @@ line are wrong")
	}
	if len(notes) > 0 || !h.numbered {
		text := fmt.Sprintf("part %d of %d at line %d", i+1, of, at)
		if len(notes) > 0 {
			text += " (" + strings.Join(notes, "; ") + ")"
		}
		p.places = append(p.places, text)
	}
}

func (h *hunk) hasCR() bool {
	for _, l := range h.lines {
		if l.cr {
			return true
		}
	}
	return false
}

// olds is how many lines of the old text the hunk holds.
func (h *hunk) olds() int { return len(oldLines(h.lines)) }

// oldLines are the texts of the lines that must be there.
func oldLines(lines []hunkLine) []string {
	var old []string
	for _, l := range lines {
		if l.kind != '+' {
			old = append(old, l.text)
		}
	}
	return old
}
