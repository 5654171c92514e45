package search

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// Query says what to look for in a file and how much to tell. It is not changed
// by a search; several may run at once.
type Query struct {
	Pattern *Pattern
	Before  int // lines of context before each matching line
	After   int // and after it
	Max     int // matching lines per file, 0 for no limit
	MaxLine int // bytes of a line that are told, 0 for 64 KiB
}

// Line is a line of a file that matches or, with Context, is near one that does.
type Line struct {
	Number     int    // counted from 1
	Text       []byte // without the line end; valid until yield returns
	Start, End int    // the first match, in Text; both 0 in a line of context
	Context    bool   // the line is told for its neighbour's sake
	Cut        bool   // Text is a part of the line: around the match, or its start
}

// Stats is what a search has come to.
type Stats struct {
	Binary  bool  // the file holds something else than text and was not searched
	Matches int   // matching lines told
	Bytes   int64 // bytes read
	Stopped bool  // the search ended early: yield returned false, or Max was reached
}

const (
	defaultMaxLine = 64 << 10
	binaryPrefix   = 8000 // bytes that are looked at; the same as in git
)

// Bytes searches data, the content of a file, and hands every line found to
// yield until that returns false.
//
// Lines come in order, each at most once, as grep -C prints them: context that
// belongs to two matches is told once. Once Max lines have matched, the lines
// after the last are still told, as context, whether they match or not.
//
// Data with a NUL byte among its first 8000 is binary: nothing is told of it.
func (q *Query) Bytes(data []byte, yield func(Line) bool) Stats {
	h := newHunt(q, yield)
	h.stats.Bytes = int64(len(data))
	if isBinary(data) {
		h.stats.Binary = true
		return h.stats
	}
	h.lines(data)
	return h.stats
}

func isBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), binaryPrefix)], 0) >= 0
}

// hunt is one search of one file, which it is given in pieces of whole lines.
type hunt struct {
	*Query
	yield   func(Line) bool
	stats   Stats
	maxLine int
	number  int    // of the line at counted
	counted int    // in the current piece
	shown   int    // what lies before it in the current piece has been told or passed over
	after   int    // lines of context that are still to be told
	kept    []Line // the last lines of earlier pieces, in case they become context
}

func newHunt(q *Query, yield func(Line) bool) *hunt {
	h := &hunt{Query: q, yield: yield, number: 1, maxLine: q.MaxLine}
	if h.maxLine <= 0 {
		h.maxLine = defaultMaxLine
	}
	return h
}

// lines searches a piece. It returns false when the search is over.
func (h *hunt) lines(buf []byte) bool {
	h.counted, h.shown = 0, 0
	for at := 0; at < len(buf) && !h.full(); {
		start, end, ok := h.Pattern.Next(buf[at:])
		if !ok {
			break
		}
		start, end = at+start, at+end
		if !h.trailing(buf, start) || !h.leading(buf, start) || !h.match(buf, start, end) {
			return h.stop()
		}
		_, at = lineAt(buf, end)
		h.shown = at
	}
	if !h.trailing(buf, len(buf)) || h.full() && h.after == 0 {
		return h.stop()
	}
	return true
}

func (h *hunt) full() bool { return h.Max > 0 && h.stats.Matches >= h.Max }

func (h *hunt) stop() bool {
	h.stats.Stopped = true
	return false
}

// trailing tells the lines up to to that follow a match.
func (h *hunt) trailing(buf []byte, to int) bool {
	for h.after > 0 && h.shown < to {
		end, next := lineAt(buf, h.shown)
		h.after--
		if !h.context(buf, h.shown, end) {
			return false
		}
		h.shown = next
	}
	return true
}

// leading tells the lines before a match at at.
func (h *hunt) leading(buf []byte, at int) bool {
	from, n := at, 0
	for ; n < h.Before && from > h.shown; n++ {
		from = h.shown + bytes.LastIndexByte(buf[h.shown:from-1], '\n') + 1
	}
	for _, line := range h.kept[max(0, len(h.kept)-(h.Before-n)):] {
		if !h.yield(line) {
			return false
		}
	}
	h.kept = h.kept[:0]
	for from < at {
		end, next := lineAt(buf, from)
		if !h.context(buf, from, end) {
			return false
		}
		from = next
	}
	return true
}

func (h *hunt) context(buf []byte, start, end int) bool {
	return h.yield(h.head(h.count(buf, start), buf[start:end]))
}

// head is a line as context.
func (h *hunt) head(number int, text []byte) Line {
	line := Line{Number: number, Text: text, Context: true}
	if len(text) > h.maxLine {
		line.Cut, line.Text = true, text[:runeStart(text, h.maxLine)]
	}
	return line
}

// match tells a line that matches.
func (h *hunt) match(buf []byte, start, end int) bool {
	text := buf[start:end]
	from, to, _ := h.Pattern.Match(text)
	line := Line{Number: h.count(buf, start), Text: text, Start: from, End: to}
	return h.found(h.cut(line))
}

func (h *hunt) found(line Line) bool {
	h.stats.Matches++
	h.after = h.After
	return h.yield(line)
}

// cut keeps a part of a long line with the start of the match in it.
func (h *hunt) cut(line Line) Line {
	n := len(line.Text)
	if n <= h.maxLine {
		return line
	}
	from := max(0, min(line.Start-h.maxLine/4, n-h.maxLine))
	to := runeStart(line.Text, from+h.maxLine)
	for from < line.Start && !utf8.RuneStart(line.Text[from]) {
		from++
	}
	line.Cut = true
	line.Text = line.Text[from:to]
	line.Start, line.End = min(line.Start, to)-from, min(line.End, to)-from
	return line
}

// runeStart moves at back to where a character begins, if one does nearby.
func runeStart(text []byte, at int) int {
	for back := 0; back < utf8.UTFMax && at-back > 0 && at < len(text); back++ {
		if utf8.RuneStart(text[at-back]) {
			return at - back
		}
	}
	return at
}

// count returns the number of the line that begins at at, which is not before
// the last one asked for.
func (h *hunt) count(buf []byte, at int) int {
	h.number += bytes.Count(buf[h.counted:at], []byte("\n"))
	h.counted = at
	return h.number
}

// keep remembers the end of a piece that the next one will replace.
func (h *hunt) keep(buf []byte) {
	from, n := len(buf), 0
	for ; n < h.Before && from > h.shown; n++ {
		from = h.shown + bytes.LastIndexByte(buf[h.shown:from-1], '\n') + 1
	}
	for from < len(buf) {
		end, next := lineAt(buf, from)
		h.keepLine(h.head(h.count(buf, from), buf[from:end]))
		from = next
	}
	h.count(buf, len(buf))
}

func (h *hunt) keepLine(line Line) {
	if h.Before <= 0 {
		return
	}
	line.Text = bytes.Clone(line.Text)
	if len(h.kept) >= h.Before {
		h.kept = slices.Delete(h.kept, 0, len(h.kept)-h.Before+1)
	}
	h.kept = append(h.kept, line)
}
