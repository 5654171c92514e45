package search

import (
	"fmt"
	"strings"
)

// Relative is patterns, of a NameList, as they are to be for the names below
// dir, seen from there: together they have on the list what patterns have below
// dir. The error is that of a pattern that cannot be read, or that cannot be
// split into segments: where alternatives in braces hold a '/'.
func Relative(patterns []string, dir string) ([]string, error) {
	if _, err := CompileNameList(patterns); err != nil {
		return nil, err
	}
	if dir == "." {
		return patterns, nil
	}
	var all []string
	for _, p := range patterns {
		text, except := strings.CutPrefix(p, "!")
		mark, compile := "", CompileGlobFold
		if except {
			mark, compile = "!", CompileGlob
		}
		from := []string{text}
		for seg := range strings.SplitSeq(dir, "/") {
			var next []string
			for _, f := range from {
				more, err := relative(f, seg, except, compile)
				if err != nil {
					return nil, err
				}
				next = append(next, more...)
			}
			from = next
		}
		for _, f := range from {
			all = append(all, mark+f)
		}
	}
	return all, nil
}

// relative is pattern for what is below a directory named seg.
func relative(pattern, seg string, except bool, compile func(string) (*Glob, error)) ([]string, error) {
	if pattern == "." {
		if except {
			return nil, nil // an exception holds for nothing below
		}
		return []string{"."}, nil
	}
	first, rest, ok := cutSegment(pattern)
	if !ok {
		return nil, fmt.Errorf("pattern %q has a '/' between braces, which cannot be read from within a directory", pattern)
	}
	if first == "**" {
		if rest == "" {
			return []string{"**", "."}, nil
		}
		more, err := relative(rest, seg, except, compile)
		return append([]string{pattern}, more...), err
	}
	g, err := compile(first)
	if err != nil || !g.Match(seg, true) {
		return nil, err
	}
	if rest == "" {
		rest = "."
	}
	return []string{rest}, nil
}

// cutSegment cuts a pattern at its first '/'; ok is false where that is between
// braces.
func cutSegment(pattern string) (first, rest string, ok bool) {
	depth := 0
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '\\':
			i++
		case '[':
			i = endOfSet(pattern, i)
		case '{':
			depth++
		case '}':
			depth = max(0, depth-1)
		case '/':
			return pattern[:i], pattern[i+1:], depth == 0
		}
	}
	return pattern, "", true
}

// endOfSet is where the set that begins at i ends.
func endOfSet(pattern string, i int) int {
	i++
	if i < len(pattern) && (pattern[i] == '!' || pattern[i] == '^') {
		i++
	}
	for first := true; i < len(pattern) && (first || pattern[i] != ']'); i++ {
		if pattern[i] == '\\' {
			i++
		}
		first = false
	}
	return i
}
