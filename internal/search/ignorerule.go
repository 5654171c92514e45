package search

import (
	"bytes"
	"strings"
)

// rule is one line of a .gitignore file.
type rule struct {
	negate  bool
	dirOnly bool
	base    bool       // about the base name; otherwise about the whole name below the file's directory
	suffix  bool       // "*" and text, of a base name
	text    string     // literal start; all of it without auto
	auto    *automaton // the rest
}

func (r *rule) match(rel, base string, isDir bool) bool {
	if r.dirOnly && !isDir {
		return false
	}
	if r.base {
		rel = base
	}
	switch {
	case r.suffix:
		return strings.HasSuffix(rel, r.text)
	case r.auto == nil:
		return rel == r.text
	}
	return strings.HasPrefix(rel, r.text) && r.auto.match(rel[len(r.text):], true)
}

// parseIgnore returns the rules of a file; lines that can match nothing are left
// out.
func parseIgnore(data []byte) []rule {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var rules []rule
	for line := range bytes.SplitSeq(data, []byte("\n")) {
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		if i := bytes.IndexByte(line, 0); i >= 0 {
			line = line[:i] // git's lines are C strings
		}
		if r, ok := parseRule(trimSpaces(string(line))); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

// trimSpaces cuts off trailing spaces that no backslash protects.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		if line[i] == ' ' {
			continue
		}
		if line[i] == '\\' {
			i++
		}
		end = min(i+1, len(line))
	}
	return line[:end]
}

func parseRule(text string) (rule, bool) {
	var r rule
	text, r.negate = strings.CutPrefix(text, "!")
	wild := strings.IndexAny(text, `*?[\`)
	text, r.dirOnly = strings.CutSuffix(text, "/")
	r.base = strings.IndexByte(text, '/') < 0
	if wild < 0 || wild > len(text) {
		wild = len(text)
	}
	if r.base && wild == 0 && len(text) > 0 && text[0] == '*' && !strings.ContainsAny(text[1:], `*?[\`) {
		r.suffix, r.text = true, text[1:]
		return r, true
	}
	if strings.HasPrefix(text, "/") {
		text = text[1:]
		wild--
	}
	if text == "" {
		return r, false
	}
	// Git compares what comes before the first wildcard first and then looks at the
	// rest alone, so that "a**/b" means "a" and then "**/b". So do we.
	r.text, text = text[:max(wild, 0)], text[max(wild, 0):]
	if r.base {
		text, r.text = r.text+text, ""
	}
	return r.compile(text)
}

// compile fills in the part of the rule that has wildcards.
func (r rule) compile(text string) (rule, bool) {
	if text == "" {
		return r, true
	}
	p := ignoreParser{text: text, base: r.base}
	if !p.parse() {
		return r, false
	}
	if prefix, whole := literalPrefix(p.steps); whole && isASCII(prefix) {
		r.text += prefix
		return r, true
	}
	var ok bool
	r.auto, ok = build(p.steps, true)
	return r, ok
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c >= 0x80 }) < 0
}

// ignoreParser turns the wildcard part of a rule into steps over bytes.
type ignoreParser struct {
	text  string
	at    int
	base  bool
	steps []step
}

func (p *ignoreParser) emit(s step) { p.steps = append(p.steps, s) }

// parse reports false for a pattern that git lets match nothing.
func (p *ignoreParser) parse() bool {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; c {
		case '*':
			p.stars()
			continue
		case '?':
			p.emit(step{op: opAny})
		case '[':
			set, ok := p.class()
			if !ok {
				return false
			}
			p.emit(step{op: opSet, set: set})
		case '\\':
			p.at++
			if p.at == len(p.text) {
				return false
			}
			fallthrough
		default:
			p.emit(step{op: opRune, r: rune(p.text[p.at])})
		}
		p.at++
	}
	p.emit(step{op: opMatch})
	return true
}

// stars takes a run of stars. Two or more that fill a segment span segments.
func (p *ignoreParser) stars() {
	from := p.at
	for p.at < len(p.text) && p.text[p.at] == '*' {
		p.at++
	}
	rest := p.text[p.at:]
	opens := from == 0 || p.text[from-1] == '/'
	closes := rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`)
	if p.base || p.at-from < 2 || !opens || !closes {
		p.emit(step{op: opStar})
		return
	}
	if !strings.HasPrefix(rest, "/") {
		p.emit(step{op: opAll})
		return
	}
	n := int32(len(p.steps))
	p.emit(step{op: opSplit, alts: []int32{n + 1, n + 3}})
	p.emit(step{op: opAll})
	p.emit(step{op: opRune, r: '/'})
	p.at++
	for strings.HasPrefix(p.text[p.at:], "**/") { // says the same again
		p.at += 3
	}
}

// class parses a set in brackets and stops at its closing one.
func (p *ignoreParser) class() (*charset, bool) {
	set := &charset{}
	p.at++
	if p.at < len(p.text) && (p.text[p.at] == '!' || p.text[p.at] == '^') {
		set.negate = true
		p.at++
	}
	last := rune(-1) // where a range can begin
	for first := true; ; first = false {
		if p.at >= len(p.text) {
			return nil, false
		}
		c := p.text[p.at]
		if c == ']' && !first {
			return set, true
		}
		var ok bool
		switch rest := p.text[p.at+1:]; {
		case c == '-' && last >= 0 && rest != "" && rest[0] != ']':
			p.at++
			if c, ok = p.member(); !ok {
				return nil, false
			}
			set.add(last, rune(c))
			last = -1
		case c == '[' && strings.HasPrefix(rest, ":"):
			if last, ok = p.named(set); !ok {
				return nil, false
			}
		default:
			if c, ok = p.member(); !ok {
				return nil, false
			}
			set.add(rune(c), rune(c))
			last = rune(c)
		}
		p.at++
	}
}

// member takes one byte of a set and stays on it.
func (p *ignoreParser) member() (byte, bool) {
	if p.text[p.at] == '\\' {
		p.at++
		if p.at == len(p.text) {
			return 0, false
		}
	}
	return p.text[p.at], true
}

// named takes a class such as [:alpha:] and stays on its last byte. What only
// looks like one begins with a '[' that stands for itself.
func (p *ignoreParser) named(set *charset) (last rune, ok bool) {
	rest := p.text[p.at+2:]
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return 0, false
	}
	if end == 0 || rest[end-1] != ':' {
		set.add('[', '[')
		return '[', true
	}
	ranges, ok := posix[rest[:end-1]]
	for i := 0; i < len(ranges); i += 2 {
		set.add(rune(ranges[i]), rune(ranges[i+1]))
	}
	p.at += 2 + end
	return -1, ok
}

// posix holds the named classes as pairs of first and last byte. As in git,
// [:space:] has neither the vertical tab nor the form feed.
var posix = map[string]string{
	"alnum":  "09AZaz",
	"alpha":  "AZaz",
	"blank":  "\t\t  ",
	"cntrl":  "\x00\x1f\x7f\x7f",
	"digit":  "09",
	"graph":  "!~",
	"lower":  "az",
	"print":  " ~",
	"punct":  "!/:@[`{~",
	"space":  "\t\n\r\r  ",
	"upper":  "AZ",
	"xdigit": "09AFaf",
}
