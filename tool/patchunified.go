package tool

import (
	"io/fs"
	"strconv"
	"strings"
)

// hunkRange is what the header of a hunk says: where it begins in both versions
// and how many lines it has of each.
type hunkRange struct{ old, olds, new, news int }

// parseRange reads "@@ -1,2 +3,4 @@"; a number of lines that is left out is 1.
func parseRange(l string) (n hunkRange, ok bool) {
	l, ok1 := strings.CutPrefix(l, "@@ -")
	old, l, ok2 := strings.Cut(l, " +")
	now, _, ok3 := strings.Cut(l, " @@")
	if !ok1 || !ok2 || !ok3 {
		return n, false
	}
	n.old, n.olds, ok1 = pair(old)
	n.new, n.news, ok2 = pair(now)
	return n, ok1 && ok2
}

func pair(s string) (start, lines int, ok bool) {
	first, second, both := strings.Cut(s, ",")
	lines = 1
	start, err := strconv.Atoi(first)
	if err == nil && both {
		lines, err = strconv.Atoi(second)
	}
	return start, lines, err == nil && start >= 0 && lines >= 0
}

// unified reads unified diffs, those of git included.
func (r *patchReader) unified() ([]filePatch, error) {
	r.cutSignature()
	var files []filePatch
	for r.more() {
		if !r.fileBegins() {
			if len(files) > 0 && strings.TrimSpace(r.peek()) != "" {
				return nil, r.wrong("belongs to no part of the diff")
			}
			if strings.HasPrefix(r.peek(), "@@") {
				return nil, r.wrong("has no --- and +++ lines before it that say which file is meant")
			}
			r.at++
			continue
		}
		f, err := r.unifiedFile()
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// cutSignature takes off what git format-patch puts at the end.
func (r *patchReader) cutSignature() {
	n := len(r.lines)
	for n > 0 && strings.TrimSpace(r.lines[n-1]) == "" {
		n--
	}
	if n >= 2 && r.lines[n-2] == "-- " && !strings.ContainsAny(r.lines[n-1][:1], " +-\\") {
		r.lines = r.lines[:n-2]
	}
}

// fileBegins reports whether the part about the next file begins here.
func (r *patchReader) fileBegins() bool {
	return strings.HasPrefix(r.peek(), "diff --git ") || r.namesBegin()
}

// namesBegin reports whether the lines --- and +++ are next.
func (r *patchReader) namesBegin() bool {
	return strings.HasPrefix(r.peek(), "--- ") && r.at+1 < len(r.lines) && strings.HasPrefix(r.lines[r.at+1], "+++ ")
}

func (r *patchReader) unifiedFile() (filePatch, error) {
	f := filePatch{line: r.at + 1, change: updated}
	if err := r.extended(&f); err != nil {
		return f, err
	}
	if r.namesBegin() {
		from, to := strings.TrimPrefix(r.peek(), "--- "), strings.TrimPrefix(r.lines[r.at+1], "+++ ")
		if err := f.named(patchPath(from), patchPath(to)); err != nil {
			return f, err
		}
		r.at += 2
	}
	for strings.HasPrefix(r.peek(), "@@") {
		h, err := r.unifiedHunk()
		if err != nil {
			return f, err
		}
		f.hunks = append(f.hunks, h)
	}
	if f.path == "" {
		return f, mistakef("The part at line %d of the patch does not say which file is meant.", f.line)
	}
	if f.change == updated && len(f.hunks) == 0 && f.mode == 0 {
		return f, mistakef("The part at line %d of the patch, about '%s', says nothing to change.", f.line, f.path)
	}
	return f, nil
}

// extended reads the lines that git puts before --- and +++.
func (r *patchReader) extended(f *filePatch) error {
	if !strings.HasPrefix(r.peek(), "diff --git ") {
		return nil
	}
	f.path = bothNames(strings.TrimPrefix(r.peek(), "diff --git "))
	for r.at++; r.more() && !r.fileBegins() && !strings.HasPrefix(r.peek(), "@@"); r.at++ {
		l := r.peek()
		switch {
		case strings.HasPrefix(l, "new file mode "):
			f.change = added
		case strings.HasPrefix(l, "deleted file mode "):
			f.change = deleted
		case strings.HasPrefix(l, "rename from "):
			f.change, f.path = renamed, patchPath(strings.TrimPrefix(l, "rename from "))
		case strings.HasPrefix(l, "rename to "):
			f.to = patchPath(strings.TrimPrefix(l, "rename to "))
		case strings.HasPrefix(l, "copy "):
			return r.wrong("copies a file, which is not supported: add the new file with its content")
		case strings.HasPrefix(l, "GIT binary patch"), strings.HasPrefix(l, "Binary files "):
			return r.wrong("is about a binary file, which is not supported")
		case l == "" || !hasAny(l, "index ", "old mode ", "new mode ", "similarity index ", "dissimilarity index "):
			return r.blankOr("is not a line of a git diff")
		}
		if err := f.modeOf(l); err != nil {
			return r.wrong(err.Error())
		}
	}
	return nil
}

// blankOr passes over blank lines, and refuses any other.
func (r *patchReader) blankOr(what string) error {
	for r.more() && strings.TrimSpace(r.peek()) == "" {
		r.at++
	}
	if r.more() && !r.fileBegins() {
		return r.wrong(what)
	}
	return nil
}

func hasAny(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

type badMode struct{}

func (badMode) Error() string { return "is about a link or a submodule, which is not supported" }

// modeOf takes in the mode of a new version.
func (f *filePatch) modeOf(l string) error {
	mode, ok := strings.CutPrefix(l, "new file mode ")
	if !ok {
		if mode, ok = strings.CutPrefix(l, "new mode "); !ok {
			return nil
		}
	}
	n, err := strconv.ParseUint(strings.TrimSpace(mode), 8, 32)
	if err != nil || n&^0o777 != 0o100000 {
		return badMode{}
	}
	f.mode = fs.FileMode(n & 0o777)
	return nil
}

const devNull = "/dev/null"

// unifiedHunk reads one hunk: as many lines as its header says where these are
// all, else all up to what must be something else.
func (r *patchReader) unifiedHunk() (hunk, error) {
	start := r.at
	n, numbered := parseRange(r.peek())
	h := hunk{line: start + 1}
	r.at++
	if numbered {
		h.old, h.numbered = n.old, true
		if r.counted(&h, n.olds, n.news) {
			return h, r.onlyChanges(&h)
		}
		h.miscounted, h.lines, r.at = true, nil, start+1
	}
	for r.more() && !strings.HasPrefix(r.peek(), "@@") && !r.fileBegins() {
		l, ok := bodyLine(r.peek())
		if !ok {
			return h, r.wrong("does not begin with a space, + or -")
		}
		h.take(l)
		r.at++
	}
	h.dropBare()
	return h, r.onlyChanges(&h)
}

func (r *patchReader) onlyChanges(h *hunk) error {
	if !h.changes() {
		return mistakef("The part at line %d of the patch has no + and no - line.", h.line)
	}
	return nil
}

// counted reads a hunk by the numbers of its header, and reports whether they
// are right: the lines are there, and what follows is no line of a hunk.
func (r *patchReader) counted(h *hunk, old, new int) bool {
	for old > 0 || new > 0 {
		l, ok := bodyLine(r.peek())
		if !ok || !r.more() {
			return false
		}
		if l.kind == ' ' || l.kind == '-' {
			old--
		}
		if l.kind == ' ' || l.kind == '+' {
			new--
		}
		if old < 0 || new < 0 {
			return false
		}
		h.take(l)
		r.at++
	}
	if strings.HasPrefix(r.peek(), `\`) {
		h.take(hunkLine{kind: '\\'})
		r.at++
	}
	next := r.peek()
	return !r.more() || r.fileBegins() || next == "" || !strings.ContainsRune(" +-", rune(next[0]))
}
