package search

import (
	"fmt"
	"unicode/utf8"
)

const (
	maxGlob  = 4096
	maxDepth = 32
)

// globError says what is wrong with a pattern, which is shown shortened.
func globError(pattern, format string, args ...any) error {
	if len(pattern) > 100 {
		pattern = pattern[:100] + "…"
	}
	return fmt.Errorf("glob %q %s", pattern, fmt.Sprintf(format, args...))
}

// globParser turns a pattern into steps in one pass.
type globParser struct {
	text  string
	at    int
	steps []step
}

func parseGlob(pattern string) ([]step, error) {
	switch {
	case pattern == "":
		return nil, globError(pattern, "is empty")
	case len(pattern) > maxGlob:
		return nil, globError(pattern, "is longer than %d bytes", maxGlob)
	case !utf8.ValidString(pattern):
		return nil, globError(pattern, "is not valid UTF-8")
	}
	p := &globParser{text: pattern}
	if err := p.sequence(0); err != nil {
		return nil, err
	}
	if pattern[len(pattern)-1] == '/' {
		return nil, p.fail(len(pattern)-1, "ends with a '/', which no name does")
	}
	return append(p.steps, step{op: opMatch}), nil
}

func (p *globParser) fail(at int, format string, args ...any) error {
	return globError(p.text, "%s (at byte %d)", fmt.Sprintf(format, args...), at+1)
}

// sequence parses up to the end, or inside braces up to the ',' or '}' that ends
// an alternative.
func (p *globParser) sequence(depth int) error {
	for p.at < len(p.text) {
		c := p.text[p.at]
		if depth > 0 && (c == ',' || c == '}') {
			return nil
		}
		if err := p.element(c, depth); err != nil {
			return err
		}
	}
	return nil
}

func (p *globParser) element(c byte, depth int) error {
	switch c {
	case '*':
		p.stars()
	case '?':
		p.at++
		p.emit(step{op: opAny})
	case '[':
		return p.class()
	case '{':
		return p.braces(depth + 1)
	case '\\':
		p.at++
		if p.at == len(p.text) {
			return p.fail(p.at-1, "ends with a \\ that escapes nothing")
		}
		p.literal()
	case '/':
		n := len(p.steps)
		if depth == 0 && n == 0 {
			return p.fail(p.at, "begins with a '/', which no name does")
		}
		if depth == 0 && p.steps[n-1].op == opRune && p.steps[n-1].r == '/' {
			return p.fail(p.at, "has an empty segment")
		}
		p.literal()
	default:
		p.literal()
	}
	return nil
}

func (p *globParser) emit(s step) { p.steps = append(p.steps, s) }

func (p *globParser) rune() rune {
	r, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	return r
}

func (p *globParser) literal() { p.emit(step{op: opRune, r: p.rune()}) }

// stars takes a run of stars; exactly two are a "**".
func (p *globParser) stars() {
	from := p.at
	for p.at < len(p.text) && p.text[p.at] == '*' {
		p.at++
	}
	if p.at-from == 2 {
		p.emit(step{op: opGlobStar})
	} else {
		p.emit(step{op: opStar})
	}
}

func (p *globParser) braces(depth int) error {
	open := p.at
	if depth > maxDepth {
		return p.fail(open, "nests braces deeper than %d", maxDepth)
	}
	split := len(p.steps)
	p.emit(step{op: opSplit})
	var alts []int32
	var jumps []int
	for {
		p.at++ // the '{' or ','
		alts = append(alts, int32(len(p.steps)))
		if err := p.sequence(depth); err != nil {
			return err
		}
		if p.at == len(p.text) {
			return p.fail(open, "has a { that is never closed")
		}
		if p.text[p.at] == '}' {
			break
		}
		jumps = append(jumps, len(p.steps))
		p.emit(step{op: opJump})
	}
	p.at++
	p.steps[split].alts = alts
	for _, j := range jumps {
		p.steps[j].alts = []int32{int32(len(p.steps))}
	}
	return nil
}

// class parses a set in brackets.
func (p *globParser) class() error {
	open := p.at
	p.at++
	set := &charset{}
	if p.at < len(p.text) && (p.text[p.at] == '!' || p.text[p.at] == '^') {
		set.negate = true
		p.at++
	}
	for first := true; ; first = false {
		if p.at < len(p.text) && p.text[p.at] == ']' && !first {
			p.at++
			p.emit(step{op: opSet, set: set})
			return nil
		}
		lo, ok := p.member()
		if !ok {
			return p.fail(open, "has a [ that is never closed")
		}
		hi := lo
		if rest := p.text[p.at:]; len(rest) > 1 && rest[0] == '-' && rest[1] != ']' {
			from := p.at
			p.at++
			if hi, ok = p.member(); !ok {
				return p.fail(open, "has a [ that is never closed")
			}
			if hi < lo {
				return p.fail(from, "has a range whose ends are swapped")
			}
		}
		set.add(lo, hi)
	}
}

// member takes one character of a set; ok is false at the end of the pattern.
func (p *globParser) member() (r rune, ok bool) {
	if p.at < len(p.text) && p.text[p.at] == '\\' {
		p.at++
	}
	if p.at >= len(p.text) {
		return 0, false
	}
	return p.rune(), true
}
