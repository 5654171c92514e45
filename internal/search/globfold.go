package search

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CompileGlobFold is CompileGlob for names in any case: the pattern matches a
// name if it matches one that differs in case only. Case is that of Unicode,
// character by character.
func CompileGlobFold(pattern string) (*Glob, error) { return compileGlob(pattern, true) }

// Covers reports whether the pattern matches name, hidden or not, or a directory
// above it. "." covers everything.
func (g *Glob) Covers(name string) bool {
	if g.pattern == "." {
		return true
	}
	if g.fold {
		name = FoldName(name)
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '/' && g.match(name[:i], true) {
			return true
		}
	}
	return g.match(name, true)
}

// fold makes steps match all names that differ in case only from what they
// match, folded by FoldName.
func fold(steps []step) {
	for i := range steps {
		switch s := &steps[i]; s.op {
		case opRune:
			s.r = foldRune(s.r)
		case opSet:
			s.set = &charset{folds: s.set}
		}
	}
}

// FoldName is one spelling for all names that differ in case only.
func FoldName(name string) string {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return strings.Map(foldRune, name)
		}
	}
	return name
}

// foldRune is one of the characters that are r in some case: the small letter in
// ASCII, else the first of them.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least < utf8.RuneSelf {
		return unicode.ToLower(least)
	}
	return least
}

// hasFold reports whether c is in the set in any case.
func (s *charset) hasFold(c rune) bool {
	if s.has(c) {
		return true
	}
	for f := unicode.SimpleFold(c); f != c; f = unicode.SimpleFold(f) {
		if s.has(f) {
			return true
		}
	}
	return false
}

// NameList is a list of patterns as a confinement has them: the first one that
// covers a name decides, in any case, and one that begins with "!" excepts the
// very names that it matches.
type NameList struct{ rules []nameRule }

type nameRule struct {
	g      *Glob
	except bool
}

// CompileNameList compiles a list. The error of a malformed pattern is that of
// CompileGlob.
func CompileNameList(patterns []string) (*NameList, error) {
	l := &NameList{}
	for _, p := range patterns {
		text, except := strings.CutPrefix(p, "!")
		compile := CompileGlobFold
		if except {
			compile = CompileGlob
		}
		g, err := compile(text)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
		l.rules = append(l.rules, nameRule{g, except})
	}
	return l, nil
}

// Has reports whether name is in the list.
func (l *NameList) Has(name string) bool {
	for _, r := range l.rules {
		if r.except && r.g.Match(name, true) {
			return false
		}
		if !r.except && r.g.Covers(name) {
			return true
		}
	}
	return false
}
