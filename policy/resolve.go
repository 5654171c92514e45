package policy

import (
	"path"
	"strings"
)

// resolve is what a word of a command names as a path, as seen from dir.
func (a *analysis) resolve(text, dir string) (target, bool) {
	switch {
	case text == "" || len(text) > 4096 || strings.IndexByte(text, 0) >= 0:
		return target{}, false
	case text[0] == '~':
		return target{path.Clean(text), true}, true
	}
	p := text
	if text[0] != '/' {
		p = path.Join("/", a.root, dir, text)
	}
	p = path.Clean(p)
	if a.root == "" || a.root == "/" {
		return target{name: orDot(p[1:])}, true
	}
	if p == a.root {
		return target{name: "."}, true
	}
	if rest, ok := strings.CutPrefix(p, a.root+"/"); ok {
		return target{name: rest}, true
	}
	return target{orDot(p[1:]), true}, true
}

func orDot(s string) string {
	if s == "" {
		return "."
	}
	return s
}

// candidates are the parts of an argument that may be a path.
func candidates(text string) []string {
	if _, value, ok := strings.Cut(text, "="); ok && value != "" {
		return []string{value, text}
	}
	return []string{text}
}

// bare reports whether a word does not look like a path, so that only a rule that
// spells it out is about it.
func bare(text string) bool {
	return !strings.ContainsAny(text, "/.") || strings.ContainsAny(text, " \t\n") && !strings.Contains(text, "/")
}
