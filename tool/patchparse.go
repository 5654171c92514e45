package tool

import (
	"strings"
)

// patchReader goes through the lines of a patch.
type patchReader struct {
	lines []string
	at    int // the next line
}

const bothForms = "It must be a unified diff (--- old, +++ new, @@ … @@), or begin with *** Begin Patch."

// parsePatch reads a patch of either form. What cannot be understood is an error:
// no line of a patch is passed over that might have been meant.
func parsePatch(text string) ([]filePatch, error) {
	r := &patchReader{lines: patchLines(text)}
	if len(r.lines) == 0 {
		return nil, mistakef("The patch is empty. %s", bothForms)
	}
	parse := r.unified
	if strings.HasPrefix(r.lines[0], "*** ") {
		parse = r.marked
	}
	files, err := parse()
	if err == nil && len(files) == 0 {
		err = mistakef("The patch changes no file. %s", bothForms)
	}
	return files, err
}

// patchLines are the lines of a patch, without blank lines and a code fence
// around it. Where every line ends in "\r\n" that is how it was sent, and no part
// of it.
func patchLines(text string) []string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	crs := 0
	for _, l := range lines {
		if strings.HasSuffix(l, "\r") {
			crs++
		}
	}
	if crs == len(lines) || crs == len(lines)-1 && !strings.HasSuffix(lines[len(lines)-1], "\r") && crs > 0 {
		for i := range lines {
			lines[i] = strings.TrimSuffix(lines[i], "\r")
		}
	}
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	if len(lines) > 0 && strings.HasPrefix(lines[0], "```") {
		lines = lines[1:]
		for n := len(lines); n > 0 && (lines[n-1] == "" || lines[n-1] == "```"); n-- {
			lines = lines[:n-1]
		}
	}
	return lines
}

func (r *patchReader) more() bool { return r.at < len(r.lines) }

func (r *patchReader) peek() string {
	if !r.more() {
		return ""
	}
	return r.lines[r.at]
}

func (r *patchReader) wrong(what string) error {
	return mistakef("Line %d of the patch, '%s', %s.", r.at+1, cut(r.peek(), 100), what)
}

// marked reads the form between *** Begin Patch and *** End Patch.
func (r *patchReader) marked() ([]filePatch, error) {
	if strings.TrimSpace(r.peek()) == "*** Begin Patch" {
		r.at++
	}
	var files []filePatch
	for r.more() {
		l := strings.TrimSpace(r.peek())
		if l == "*** End Patch" {
			r.at++
			return files, r.onlyBlank()
		}
		f := filePatch{line: r.at + 1}
		word, path, _ := strings.Cut(strings.TrimPrefix(l, "*** "), ": ")
		f.path = strings.TrimSpace(path)
		f.change = map[string]string{"Add File": added, "Delete File": deleted, "Update File": updated}[word]
		switch {
		case l == "":
			r.at++
			continue
		case f.change == "" || f.path == "" || !strings.HasPrefix(l, "*** "):
			return nil, r.wrong("is not *** Add File: path, *** Delete File: path, *** Update File: path or *** End Patch")
		}
		r.at++
		if err := r.markedFile(&f); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return nil, mistakef("The patch has no *** End Patch: its end is missing.")
}

func (r *patchReader) onlyBlank() error {
	for ; r.more(); r.at++ {
		if strings.TrimSpace(r.peek()) != "" {
			return r.wrong("comes after *** End Patch")
		}
	}
	return nil
}

func (r *patchReader) markedFile(f *filePatch) error {
	switch f.change {
	case deleted:
		return nil
	case added:
		return r.newFile(f)
	}
	if to, ok := strings.CutPrefix(r.peek(), "*** Move to: "); ok {
		f.change, f.to = renamed, strings.TrimSpace(to)
		r.at++
	}
	for r.more() && !r.nextFile() {
		if strings.TrimSpace(r.peek()) == "" && r.blankUpToNext() {
			break
		}
		h, err := r.markedHunk()
		if err != nil {
			return err
		}
		f.hunks = append(f.hunks, h)
	}
	if len(f.hunks) == 0 && f.to == "" {
		return mistakef("*** Update File: %s in line %d of the patch says nothing to change.", f.path, f.line)
	}
	return nil
}

// nextFile reports whether the next line ends what is about a file.
func (r *patchReader) nextFile() bool {
	l := strings.TrimRight(r.peek(), " \t\r")
	return strings.HasPrefix(l, "*** ") && l != "*** End of File"
}

// blankUpToNext passes over blank lines if nothing else comes before the next
// file.
func (r *patchReader) blankUpToNext() bool {
	at := r.at
	for r.more() && strings.TrimSpace(r.peek()) == "" {
		r.at++
	}
	if r.more() && !r.nextFile() {
		r.at = at
		return false
	}
	return true
}

func (r *patchReader) newFile(f *filePatch) error {
	h := hunk{line: r.at + 1, numbered: true}
	for r.more() && !r.nextFile() {
		l := r.peek()
		if l == "" && r.blankUpToNext() {
			break
		}
		text, ok := strings.CutPrefix(l, "+")
		if !ok {
			return r.wrong("is in a new file and does not begin with +")
		}
		h.lines = append(h.lines, hunkLine{kind: '+', text: text})
		r.at++
	}
	f.hunks = []hunk{h}
	return nil
}

func (r *patchReader) markedHunk() (hunk, error) {
	h := hunk{line: r.at + 1}
	for strings.HasPrefix(r.peek(), "@@") {
		head := strings.TrimPrefix(r.peek(), "@@")
		if n, ok := parseRange(r.peek()); ok { // the header of the other form
			h.old, h.numbered = n.old, true
		} else if head = strings.TrimSpace(head); head != "" && head != "@@" {
			h.headers = append(h.headers, head)
		}
		r.at++
	}
	for r.more() && !r.nextFile() && !strings.HasPrefix(r.peek(), "@@") {
		if strings.TrimSpace(r.peek()) == "*** End of File" {
			h.atEnd = true
			r.at++
			break
		}
		l, ok := bodyLine(r.peek())
		if !ok {
			return h, r.wrong("does not begin with a space, + or -")
		}
		h.take(l)
		r.at++
	}
	h.dropBare()
	if !h.changes() {
		return h, mistakef("The part at line %d of the patch has no + and no - line.", h.line)
	}
	return h, nil
}

// bodyLine reads a line of a hunk; kind '\\' is the mark of a missing line end.
func bodyLine(l string) (hunkLine, bool) {
	if l == "" || l == "\r" {
		return hunkLine{kind: ' ', cr: l != "", bare: true}, true
	}
	if !strings.ContainsRune(" +-\\", rune(l[0])) {
		return hunkLine{}, false
	}
	text, cr := strings.CutSuffix(l[1:], "\r")
	return hunkLine{kind: l[0], text: text, cr: cr}, true
}

func (h *hunk) take(l hunkLine) {
	if l.kind != '\\' {
		h.lines = append(h.lines, l)
	} else if n := len(h.lines); n > 0 {
		h.lines[n-1].open = true
	}
}

// dropBare forgets empty lines at the end of a hunk: they are between it and what
// follows.
func (h *hunk) dropBare() {
	for n := len(h.lines); n > 0 && h.lines[n-1].bare; n-- {
		h.lines = h.lines[:n-1]
	}
}

func (h *hunk) changes() bool {
	for _, l := range h.lines {
		if l.kind != ' ' {
			return true
		}
	}
	return false
}
