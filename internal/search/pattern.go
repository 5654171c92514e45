package search

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Options change how a pattern is read; the zero value is a regular expression
// that respects case.
type Options struct {
	Literal    bool // the pattern is a text, not an expression
	IgnoreCase bool // letters match in either case, by Unicode's simple folding
}

// Pattern finds lines that match a regular expression.
//
// The syntax is that of [regexp/syntax] with Perl flags. A line is what lies
// between line ends, and a line end is "\n" or "\r\n"; the last line needs none.
// Each line is matched by itself, exactly as package regexp would match it: ^ and
// $ are its two ends, also without (?m), and no match reaches into another line.
// Lines are bytes; one that is not part of valid UTF-8 counts as U+FFFD.
type Pattern struct {
	text string
	re   *regexp.Regexp
}

// Compile compiles a pattern. The error of a malformed one holds the parser's
// sentence.
func Compile(pattern string, o Options) (*Pattern, error) {
	flags := syntax.Perl
	source := pattern
	if o.Literal {
		source = regexp.QuoteMeta(pattern)
		flags |= syntax.Literal
	}
	if o.IgnoreCase {
		source = "(?i)" + source
		flags |= syntax.FoldCase
	}
	if _, err := syntax.Parse(pattern, flags); err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	re, err := regexp.Compile(source)
	if err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	return &Pattern{text: pattern, re: re}, nil
}

// String returns the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// Match finds the leftmost match in one line, which is given without its end.
func (p *Pattern) Match(line []byte) (start, end int, ok bool) {
	if loc := p.re.FindIndex(line); loc != nil {
		return loc[0], loc[1], true
	}
	return 0, 0, false
}

// Next finds the first matching line in buf, which begins at the start of a line
// and ends at the end of one. buf[lineStart:lineEnd] is the line without its end.
func (p *Pattern) Next(buf []byte) (lineStart, lineEnd int, ok bool) {
	for at := 0; at < len(buf); {
		line, next := lineAt(buf, at)
		if p.re.Match(buf[at:line]) {
			return at, line, true
		}
		at = next
	}
	return 0, 0, false
}

// lineAt returns where the line that begins at at ends, and where the next begins.
func lineAt(buf []byte, at int) (end, next int) {
	i := bytes.IndexByte(buf[at:], '\n')
	if i < 0 {
		return len(buf), len(buf)
	}
	end = at + i
	next = end + 1
	if end > at && buf[end-1] == '\r' {
		end--
	}
	return end, next
}
