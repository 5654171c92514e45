package search

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"sync/atomic"
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
//
// The time Next takes is proportional to the length of the buffer. Each goroutine
// that is in Next uses up to about 4 MiB, which are kept for the next call.
type Pattern struct {
	text     string
	re       *regexp.Regexp
	program  *program
	literals *finder   // every match contains one of them; nil if none are known
	exact    bool      // and a line that contains one matches
	single   int       // if exact: the length of the only literal, 0 if there are several
	machines sync.Pool // *machine
	slow     atomic.Bool
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
	tree, err := syntax.Parse(pattern, flags)
	if err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	p := &Pattern{text: pattern}
	if p.re, err = regexp.Compile(source); err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	p.prepare(study(tree))
	if p.program, err = newProgram(tree); err != nil {
		return nil, fmt.Errorf("regular expression: %w", err)
	}
	return p, nil
}

// prepare chooses the literals to look for.
func (p *Pattern) prepare(f facts) {
	set := better(f.need, f.set)
	if f.set != nil && f.exact && !hasLineEnd(f.set) {
		if len(f.set) == 1 {
			p.single = len(f.set[0].text)
		}
		if p.exact = p.single > 0 || cost(f.set) < worthwhile; p.exact {
			set = f.set
		}
	}
	if p.exact || set != nil && cost(set) < worthwhile {
		p.literals = newFinder(set)
	}
}

// hasLineEnd reports whether a text may lie partly outside of a line.
func hasLineEnd(set []literal) bool {
	for _, l := range set {
		if strings.ContainsAny(l.text, "\r\n") {
			return true
		}
	}
	return false
}

// String returns the pattern as it was given.
func (p *Pattern) String() string { return p.text }

// Match finds the leftmost match in one line, which is given without its end.
func (p *Pattern) Match(line []byte) (start, end int, ok bool) {
	if p.single > 0 {
		if i := p.literals.find(line, 0); i >= 0 {
			return i, i + p.single, true
		}
		return 0, 0, false
	}
	if loc := p.re.FindIndex(line); loc != nil {
		return loc[0], loc[1], true
	}
	return 0, 0, false
}

// Next finds the first matching line in buf, which begins at the start of a line
// and ends at the end of one. buf[lineStart:lineEnd] is the line without its end.
func (p *Pattern) Next(buf []byte) (lineStart, lineEnd int, ok bool) {
	if p.exact {
		at := p.literals.find(buf, 0)
		if at < 0 {
			return 0, 0, false
		}
		return lineAround(buf, 0, at)
	}
	if p.slow.Load() {
		return p.nextSlow(buf, 0)
	}
	m, _ := p.machines.Get().(*machine)
	if m == nil {
		m = p.program.newMachine()
	}
	defer p.machines.Put(m)
	if p.literals != nil {
		return p.nextChecked(m, buf)
	}
	at, matched, sane := m.scan(buf)
	if !sane {
		p.slow.Store(true)
		return p.nextSlow(buf, 0)
	}
	if !matched {
		return 0, 0, false
	}
	return lineAround(buf, 0, at)
}

// nextChecked looks for a literal and then at the line it is in. Where the literal
// turns out to be common, the automaton alone is faster.
func (p *Pattern) nextChecked(m *machine, buf []byte) (lineStart, lineEnd int, ok bool) {
	for from, since, misses := 0, 0, 0; ; misses++ {
		if misses > 4 && misses*worthBytes > from-since {
			end := lineAfter(buf, from+8<<10)
			at, matched, sane := m.scan(buf[from:end])
			if !sane {
				p.slow.Store(true)
				return p.nextSlow(buf, from)
			}
			if matched {
				return lineAround(buf, from, from+at)
			}
			from, since, misses = end, end, 0
		}
		at := p.literals.find(buf, from)
		if at < 0 {
			return 0, 0, false
		}
		start, end, _ := lineAround(buf, from, at)
		matched, sane := m.line(buf[start:end])
		if !sane {
			p.slow.Store(true)
			return p.nextSlow(buf, start)
		}
		if matched {
			return start, end, true
		}
		_, from = lineAt(buf, end)
	}
}

// worthBytes is how much the automaton can scan while one line is looked at.
const worthBytes = 128

// nextSlow is for expressions whose automaton is too large to be built: those
// that need more states than bytes to read.
func (p *Pattern) nextSlow(buf []byte, from int) (lineStart, lineEnd int, ok bool) {
	for from < len(buf) {
		end, next := lineAt(buf, from)
		if p.re.Match(buf[from:end]) {
			return from, end, true
		}
		from = next
	}
	return 0, 0, false
}

// lineAround returns the line that at is in; it does not begin before from.
func lineAround(buf []byte, from, at int) (start, end int, ok bool) {
	start = from + bytes.LastIndexByte(buf[from:at], '\n') + 1
	end, _ = lineAt(buf, at)
	return start, max(start, end), true
}

// lineAt returns where the line that at is in ends, and where the next begins.
func lineAt(buf []byte, at int) (end, next int) {
	i := bytes.IndexByte(buf[at:], '\n')
	if i < 0 {
		return len(buf), len(buf)
	}
	end = at + i
	next = end + 1
	if end > 0 && buf[end-1] == '\r' {
		end--
	}
	return end, next
}
