// Package show makes text for people: of the events of an agent, of diffs, of what
// may hold anything. Nothing that it writes can move the cursor or turn text around,
// but what it puts there itself.
package show

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The colours of diffs, and of what is about the text of others.
const (
	Removed = "\x1b[31m"
	Added   = "\x1b[32m"
	Place   = "\x1b[36m"
	Dim     = "\x1b[2m"
	Bold    = "\x1b[1m"
	Plain   = "\x1b[0m"
)

// Visible replaces control characters by what Go writes for them in a string. With
// lines, tabs and line ends stay.
func Visible(s string, lines bool) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return hides(r, lines) }) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !hides(r, lines):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// hides reports whether r is a control character, or one that turns the direction
// of the text around.
func hides(r rune, lines bool) bool {
	if lines && (r == '\n' || r == '\t') {
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// Paint is s, visible, in a colour, line by line. "" is no colour.
func Paint(color, s string) string {
	if color == "" || s == "" {
		return Visible(s, true)
	}
	var b strings.Builder
	for line := range strings.SplitAfterSeq(Visible(s, true), "\n") {
		text, end := strings.CutSuffix(line, "\n")
		if text != "" {
			b.WriteString(color + text + Plain)
		}
		if end {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// Diff is a unified diff, visible, with the colours of its lines where these are
// wanted.
func Diff(diff string, color bool) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(diff, "\n") {
		b.WriteString(Paint(diffColor(line, color), line))
	}
	return b.String()
}

func diffColor(line string, color bool) string {
	if !color || line == "" {
		return ""
	}
	return map[byte]string{'-': Removed, '+': Added, '@': Place}[line[0]]
}

// clip is s with at most n columns, and whether something was left out.
func clip(s string, n int) (string, bool) {
	used := 0
	for i, r := range s {
		if used += columns(r); used > n {
			return s[:i], true
		}
	}
	return s, false
}

// columns is how many columns a character takes at most.
func columns(r rune) int {
	switch {
	case r == '\t':
		return 8
	case r < 0x1100:
		return 1
	}
	return 2
}

// oneLine is s on one line of at most n columns.
func oneLine(s string, n int) string {
	s = strings.TrimSpace(s)
	first, rest, more := strings.Cut(s, "\n")
	if more && strings.TrimSpace(rest) != "" {
		first += " …"
	}
	text, cut := clip(Visible(strings.TrimRight(first, "\r"), false), n)
	if cut {
		text, _ = clip(text, n-2)
		text += "…"
	}
	return text
}
