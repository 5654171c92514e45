package search

import "strings"

// Ignore holds the rules of the .gitignore files that apply to a directory: its
// own and those of its parents. It is immutable; a nil *Ignore has no rules and
// ignores nothing. A walker keeps one for each directory it is in and adds to it
// going down:
//
//	var ignore *Ignore
//	ignore = ignore.With(".", rootRules)
//	ignore = ignore.With("src", srcRules) // for what lies below src
//
// The answers are git's: as in git, patterns are bytes, so a '?' stands for one
// byte of a character that has several. The rules of $GIT_DIR/info/exclude and of
// the user's configuration are not known here; they can be added first, for ".".
type Ignore struct {
	parent *Ignore
	prefix string // the directory with a '/' behind it, "" for the root
	within bool   // the parent's directory is this one or above it
	rules  []rule
}

// With returns i with the rules of one .gitignore file of the directory dir, "."
// for the root, added; data is its content. Later rules win over earlier ones,
// within a file and among files. i is not changed; dir is usually at or below the
// directory of i.
func (i *Ignore) With(dir string, data []byte) *Ignore {
	rules := parseIgnore(data)
	if len(rules) == 0 {
		return i
	}
	level := &Ignore{parent: i, rules: rules}
	if dir != "." {
		level.prefix = dir + "/"
	}
	level.within = i == nil || strings.HasPrefix(level.prefix, i.prefix)
	return level
}

// Match reports whether the rules ignore name itself. It assumes that no
// directory above name is ignored, as in a walk that does not enter ignored ones;
// see MatchPath for other callers. Rules for a directory above or beside name say
// nothing about it.
func (i *Ignore) Match(name string, isDir bool) bool {
	base := name[strings.LastIndexByte(name, '/')+1:]
	below := false
	for ; i != nil; i = i.parent {
		if below || strings.HasPrefix(name, i.prefix) && len(name) > len(i.prefix) {
			if r := i.last(name[len(i.prefix):], base, isDir); r != nil {
				return !r.negate
			}
			below = i.within // then it is below all others, too
		}
	}
	return false
}

// last returns the last rule that says something about rel.
func (i *Ignore) last(rel, base string, isDir bool) *rule {
	for n := len(i.rules) - 1; n >= 0; n-- {
		if r := &i.rules[n]; r.match(rel, base, isDir) {
			return r
		}
	}
	return nil
}

// MatchPath reports whether the rules ignore the file name, be it because they
// ignore a directory above it: what is in an ignored directory cannot be taken
// out again.
func (i *Ignore) MatchPath(name string) bool {
	if i == nil {
		return false
	}
	for n := 0; n < len(name); n++ {
		if name[n] == '/' && i.Match(name[:n], true) {
			return true
		}
	}
	return i.Match(name, false)
}
