package tool

import (
	"strconv"
	"strings"
)

// named takes in the names of the lines --- and +++.
func (f *filePatch) named(from, to string) error {
	from, to = withoutPrefix(from, to)
	switch {
	case f.change == renamed: // the lines of git have said it
		return nil
	case from == devNull && to == devNull:
		return mistakef("Line %d of the patch names no file.", f.line)
	case from == devNull:
		f.change, f.path = added, to
	case to == devNull:
		f.change, f.path = deleted, from
	case from != to:
		return mistakef("Line %d of the patch has two names, '%s' and '%s'. To change a file give its name twice; to rename it put the lines 'diff --git', 'rename from' and 'rename to' before.", f.line, from, to)
	default:
		f.path = to
	}
	return nil
}

// patchPath is a path in a diff: up to a tab, which a date follows, and unquoted.
func patchPath(s string) string {
	s, _, _ = strings.Cut(strings.TrimRight(s, "\r"), "\t")
	if !strings.HasPrefix(s, `"`) {
		return strings.TrimRight(s, " ")
	}
	if u, err := strconv.Unquote(strings.TrimSpace(s)); err == nil {
		return u
	}
	return s
}

// withoutPrefix takes off what git puts before the names of the old and the new
// version: a/ and b/, or other letters where the rest is the same.
func withoutPrefix(from, to string) (string, string) {
	switch {
	case from == devNull:
		return from, strings.TrimPrefix(to, "b/")
	case to == devNull:
		return strings.TrimPrefix(from, "a/"), to
	case strings.HasPrefix(from, "a/") && strings.HasPrefix(to, "b/"):
		return from[2:], to[2:]
	case len(from) > 2 && len(to) > 2 && from[1] == '/' && to[1] == '/' && from[0] != to[0] && from[2:] == to[2:]:
		return from[2:], to[2:]
	}
	return from, to
}

// bothNames is the name in a line "a/name b/name", "" if there are two.
func bothNames(s string) string {
	if strings.HasPrefix(s, `"`) {
		first, err := strconv.QuotedPrefix(s)
		if err != nil {
			return ""
		}
		from, _ := withoutPrefix(patchPath(first), patchPath(strings.TrimSpace(s[len(first):])))
		return from
	}
	if len(s)%2 == 0 {
		return ""
	}
	from, to := withoutPrefix(s[:len(s)/2], s[len(s)/2+1:])
	if from != to || s[len(s)/2] != ' ' {
		return ""
	}
	return from
}
