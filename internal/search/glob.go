package search

import (
	"strings"
	"unicode/utf8"
)

// Glob is a compiled glob pattern. It is immutable.
//
// The dialect, which is the same on every backend:
//
//	?        one character, not '/'
//	*        any number of characters, not '/'
//	**       as a whole segment: any number of segments, also none;
//	         as the last segment: at least one. Elsewhere the same as *
//	[a-z]    one of a set; [!a-z] and [^a-z] one that is not; never '/'
//	{a,b}    one of several patterns, which may be empty, nest and contain '/'
//	\x       the character x itself, also inside brackets and braces
//
// So "a/**" matches everything below a but not a, "**/x" also matches x, and
// "a/**/b" also matches a/b. A ']' right after the opening of a set, a '-' at
// either end of one, and a ',' or '}' outside of braces stand for themselves.
// "{a}" is a group of one, the same as "a". Characters are Unicode code points;
// letters match in their own case only.
type Glob struct {
	base    string // Base
	prefix  string // every match starts with it
	suffix  string // every match ends with it
	exact   bool   // nothing but prefix
	tail    bool   // "*" and suffix, nothing else
	anyDir  bool   // the pattern is root, "**/" and something without a slash
	root    string // a literal directory with a '/' behind it, or ""
	slash   bool
	fold    bool // of CompileGlobFold
	auto    *automaton
	pattern string
}

// CompileGlob compiles a pattern. The error of a malformed one is a sentence that
// says what is wrong and at which byte. Malformed are: an unclosed [ or {, a \ at
// the end, a range whose ends are swapped, an empty segment (also a leading or a
// trailing '/'), invalid UTF-8, an empty pattern, more than 4096 bytes, braces
// nested deeper than 32, and more combinations of empty alternatives than can be
// kept.
func CompileGlob(pattern string) (*Glob, error) { return compileGlob(pattern, false) }

func compileGlob(pattern string, folded bool) (*Glob, error) {
	steps, err := parseGlob(pattern)
	if err != nil {
		return nil, err
	}
	if folded {
		fold(steps)
	}
	g := &Glob{pattern: pattern, fold: folded}
	for _, s := range steps {
		g.slash = g.slash || s.op == opRune && s.r == '/'
	}
	prefix, whole := literalPrefix(steps)
	g.base = baseOf(prefix)
	if rest, ok := onlyBase(steps); ok {
		g.anyDir, g.root = true, prefix
		steps = rest
		prefix, whole = literalPrefix(steps)
	}
	g.prefix, g.suffix = prefix, literalSuffix(steps)
	g.exact = whole
	g.tail = steps[0].op == opStar && len(steps) == 2+utf8.RuneCountInString(g.suffix) && !strings.Contains(g.suffix, "/")
	var ok bool
	if g.auto, ok = build(steps, false); !ok {
		return nil, globError(pattern, "has more combinations of alternatives than can be kept")
	}
	return g, nil
}

// String returns the pattern as it was given.
func (g *Glob) String() string { return g.pattern }

// Match reports whether the pattern matches the whole of name. Unless hidden is
// set, no wildcard matches a segment that begins with a dot, nor a part of one:
// such a segment is matched only by a pattern segment with the dot written first,
// as in ".github/**/*.yml". The root "." is matched by the pattern "." alone.
func (g *Glob) Match(name string, hidden bool) bool {
	if g.fold {
		name = FoldName(name)
	}
	return g.match(name, hidden)
}

func (g *Glob) match(name string, hidden bool) bool {
	if name == "." {
		return g.pattern == "."
	}
	if name == "" || !strings.HasSuffix(name, g.suffix) {
		return false
	}
	if g.anyDir {
		i := strings.LastIndexByte(name, '/') + 1
		if !strings.HasPrefix(name, g.root) || !hidden && hasHidden(name[len(g.root):i]) {
			return false
		}
		name = name[i:]
	}
	switch {
	case g.exact:
		return name == g.prefix
	case g.tail:
		return (hidden || !strings.HasPrefix(name, ".")) && strings.IndexByte(name, '/') < 0
	}
	return strings.HasPrefix(name, g.prefix) && g.auto.match(name, hidden)
}

// Below reports whether a name below the directory dir may match. When it is
// false, no such name does, and a walk can leave dir out; true promises nothing.
func (g *Glob) Below(dir string, hidden bool) bool {
	if g.fold {
		dir = FoldName(dir)
	}
	switch {
	case dir == ".":
		return true
	case g.anyDir:
		dir += "/"
		return strings.HasPrefix(g.root, dir) || strings.HasPrefix(dir, g.root) && (hidden || !hasHidden(dir[len(g.root):]))
	}
	return g.auto.opens(dir, hidden)
}

// Base returns the directory that the pattern names before its first wildcard,
// "." if it names none. Every match lies below it, so a walk can start there.
func (g *Glob) Base() string { return g.base }

// HasSlash reports whether the pattern contains a '/'. One that does not is
// often meant for base names, at any depth.
func (g *Glob) HasSlash() bool { return g.slash }

// hasHidden reports whether a segment of dir starts with a dot.
func hasHidden(dir string) bool {
	return strings.HasPrefix(dir, ".") || strings.Contains(dir, "/.")
}

func baseOf(prefix string) string {
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		return prefix[:i]
	}
	return "."
}

// onlyBase returns the steps behind the first "**/" if only a literal directory
// comes before and no slash after it, so that only the base name has to be
// matched.
func onlyBase(steps []step) ([]step, bool) {
	n := 0
	for steps[n].op == opRune {
		n++
	}
	slash := func(i int) bool { return i < len(steps) && steps[i].op == opRune && steps[i].r == '/' }
	if steps[n].op != opGlobStar || n > 0 && !slash(n-1) || !slash(n+1) {
		return nil, false
	}
	n += 2
	rest := make([]step, len(steps)-n)
	for i, s := range steps[n:] {
		if s.op == opRune && s.r == '/' || s.op == opGlobStar {
			return nil, false
		}
		alts := make([]int32, len(s.alts))
		for j, alt := range s.alts {
			alts[j] = alt - int32(n)
		}
		s.alts = alts
		rest[i] = s
	}
	return rest, true
}

// literalPrefix returns what every match starts with, and whether that is all.
func literalPrefix(steps []step) (string, bool) {
	var b strings.Builder
	for _, s := range steps {
		if s.op != opRune {
			return b.String(), s.op == opMatch
		}
		b.WriteRune(s.r)
	}
	return b.String(), false
}

// literalSuffix returns what every match ends with.
func literalSuffix(steps []step) string {
	end := len(steps) - 1
	floor := int32(0) // nothing jumps behind it
	for _, s := range steps {
		for _, alt := range s.alts {
			floor = max(floor, alt)
		}
	}
	begin := end
	for begin > int(floor) && steps[begin-1].op == opRune {
		begin--
	}
	var b strings.Builder
	for _, s := range steps[begin:end] {
		b.WriteRune(s.r)
	}
	return strings.TrimPrefix(b.String(), "/") // a "**" before it may take it along
}
