package tool

import (
	"strings"
)

// fileLine is one line of a text that is edited by lines.
type fileLine struct {
	text string // without its end
	end  string // "\n", "\r\n", or "" of a last line without one
}

// splitText splits a text into its byte order mark and its lines.
func splitText(text string) (mark string, lines []fileLine) {
	text, found := strings.CutPrefix(text, bom)
	if found {
		mark = bom
	}
	lines = make([]fileLine, 0, strings.Count(text, "\n")+1)
	for l := range strings.Lines(text) {
		lines = append(lines, splitLine(l))
	}
	return mark, lines
}

func splitLine(l string) fileLine {
	text, ok := strings.CutSuffix(l, "\n")
	if !ok {
		return fileLine{text: l}
	}
	if cr, ok := strings.CutSuffix(text, "\r"); ok {
		return fileLine{cr, "\r\n"}
	}
	return fileLine{text, "\n"}
}

// joinText is the text that splitText has split.
func joinText(mark string, lines []fileLine) string {
	size := len(mark)
	for _, l := range lines {
		size += len(l.text) + len(l.end)
	}
	var s strings.Builder
	s.Grow(size)
	s.WriteString(mark)
	for _, l := range lines {
		s.WriteString(l.text)
		s.WriteString(l.end)
	}
	return s.String()
}

// lineEnd is the line end that a line put in at a place gets: that of the line
// there, of the one before, or of the first one.
func lineEnd(lines []fileLine, at int) string {
	for _, i := range []int{at, at - 1, 0} {
		if i >= 0 && i < len(lines) && lines[i].end != "" {
			return lines[i].end
		}
	}
	return "\n"
}

// splice replaces lines[from:to] by others. A last line without a line end is
// followed by none, and what becomes the last line in its place has none either.
func splice(lines []fileLine, from, to int, others []fileLine) []fileLine {
	open := len(lines) > 0 && lines[len(lines)-1].end == ""
	end := lineEnd(lines, from)
	made := make([]fileLine, 0, len(lines)-(to-from)+len(others))
	made = append(append(append(made, lines[:from]...), others...), lines[to:]...)
	for i := range made[:max(0, len(made)-1)] {
		if made[i].end == "" {
			made[i].end = end
		}
	}
	if open && len(made) > 0 {
		made[len(made)-1].end = ""
	}
	return made
}
