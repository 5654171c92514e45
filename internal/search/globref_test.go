package search

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The reference matcher: braces are multiplied out, segments are matched by trying.

type refToken struct {
	kind byte // 'r' character, '?', '*', 'G' for "**", '[' set
	r    rune
	set  *charset
}

func refExpand(p *globParser, depth int) [][]refToken {
	out := [][]refToken{nil}
	for p.at < len(p.text) {
		var alts [][]refToken
		switch c := p.text[p.at]; {
		case depth > 0 && (c == ',' || c == '}'):
			return out
		case c == '{':
			for p.text[p.at] != '}' {
				p.at++
				alts = append(alts, refExpand(p, depth+1)...)
			}
			p.at++
		default:
			p.steps = nil
			p.element(c, 1)
			s := p.steps[0]
			alts = [][]refToken{{{kind: "r?[*.G"[s.op], r: s.r, set: s.set}}}
		}
		var next [][]refToken
		for _, head := range out {
			for _, tail := range alts {
				next = append(next, slices.Concat(head, tail))
			}
		}
		out = next
	}
	return out
}

func refMatch(pattern, name string, hidden bool) bool {
	p := &globParser{text: pattern, steps: []step{{}}}
	for _, tokens := range refExpand(p, 0) {
		var segments [][]refToken
		segments = append(segments, nil)
		for _, tok := range tokens {
			if tok.kind == 'r' && tok.r == '/' {
				segments = append(segments, nil)
				continue
			}
			last := &segments[len(segments)-1]
			*last = append(*last, tok)
		}
		if refSegments(segments, strings.Split(name, "/"), hidden) {
			return true
		}
	}
	return false
}

func refSegments(pattern [][]refToken, name []string, hidden bool) bool {
	if len(pattern) == 0 || len(name) == 0 {
		return len(pattern) == len(name)
	}
	if p := pattern[0]; len(p) == 1 && p[0].kind == 'G' {
		if len(pattern) > 1 && refSegments(pattern[1:], name, hidden) {
			return true
		}
		if name[0][0] == '.' && !hidden {
			return false
		}
		return len(pattern) == 1 && len(name) == 1 || refSegments(pattern, name[1:], hidden)
	}
	if !hidden && name[0][0] == '.' && (len(pattern[0]) == 0 || pattern[0][0].kind != 'r') {
		return false
	}
	return refSegment(pattern[0], name[0]) && refSegments(pattern[1:], name[1:], hidden)
}

func refSegment(p []refToken, s string) bool {
	if len(p) == 0 {
		return s == ""
	}
	if p[0].kind == '*' || p[0].kind == 'G' {
		return refSegment(p[1:], s) || s != "" && refSegment(p, s[1:])
	}
	if s == "" {
		return false
	}
	r, size := utf8.DecodeRuneInString(s)
	ok := p[0].kind == '?' || p[0].kind == 'r' && p[0].r == r || p[0].kind == '[' && r != '/' && p[0].set.has(r)
	return ok && refSegment(p[1:], s[size:])
}

func checkGlob(t *testing.T, pattern, name string) {
	g, err := CompileGlob(pattern)
	if err != nil || !fs.ValidPath(name) || name == "." || strings.Count(pattern, "{")+strings.Count(pattern, ",") > 6 || strings.Count(pattern, "*") > 8 {
		return
	}
	for _, hidden := range []bool{false, true} {
		want := refMatch(pattern, name, hidden)
		if got := g.Match(name, hidden); got != want {
			t.Fatalf("pattern %q, name %q, hidden %v: %v, the reference says %v", pattern, name, hidden, got, want)
		}
		for dir := path.Dir(name); want && dir != "."; dir = path.Dir(dir) {
			if !g.Below(dir, hidden) {
				t.Fatalf("pattern %q matches %q, but nothing below %q", pattern, name, dir)
			}
		}
		if base := g.Base(); want && base != "." && !strings.HasPrefix(name, base+"/") {
			t.Fatalf("pattern %q matches %q outside of its base %q", pattern, name, base)
		}
	}
}
