package tool

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// window shows a part of a file.
type window struct {
	lines   *lineReader
	hashes  bool
	before  sum // of the line before the current one
	current textLine
	ended   bool // there is no current line
	out     []byte
	chars   int  // in out
	broken  bool // something shown is not UTF-8
	counted bool // the end of the file was seen
}

// start goes to the line after offset and says how many lines it has passed,
// which is fewer where the file ends before.
func (w *window) start(offset int) (passed int, err error) {
	skipped := offset
	if w.hashes && offset > 0 {
		skipped-- // the line before the window is a part of the first hash
	}
	passed, err = w.lines.skip(skipped, math.MaxInt64)
	if err == nil && skipped < offset {
		var l textLine
		if l, err = w.lines.next(); err == nil {
			w.before = l.sum
			passed++
		}
	}
	if err == nil {
		w.current, err = w.lines.next()
	}
	if err == io.EOF {
		w.ended, err = true, nil
	}
	return passed, err
}

// show prints up to limit lines from the current one on, and says how many lines
// follow; without counted it is at least that many.
func (w *window) show(offset, limit int) (shown, more int, err error) {
	for !w.ended && shown < limit {
		next, err := w.lines.next()
		if err != nil && err != io.EOF {
			return shown, 0, err
		}
		if !w.print(offset+shown+1, next.sum) {
			if err == nil {
				more++
			}
			break
		}
		shown++
		w.lines.done(w.current)
		w.before, w.current, w.ended = w.current.sum, next, err == io.EOF
	}
	if w.ended {
		w.counted = true
		return shown, 0, nil
	}
	rest, err := w.lines.skip(math.MaxInt, maxCounted)
	if err == io.EOF {
		w.counted, err = true, nil
	}
	return shown, more + 1 + rest, err
}

// print adds the current line, unless that would be more than is shown in all.
func (w *window) print(number int, next sum) bool {
	before := len(w.out)
	if w.hashes {
		w.out = strconv.AppendInt(w.out, int64(number), 10)
		w.out = append(append(append(w.out, ':'), hashOf(w.before, w.current.sum, next)...), '|')
	} else {
		w.out = fmt.Appendf(w.out, "%6d\t", number)
	}
	text := w.current.text
	if w.current.size > int64(len(text)) {
		text = fmt.Appendf(nil, "%s... (line cut, it has %d bytes)", whole(string(text)), w.current.size)
	}
	broken := !utf8.Valid(text)
	if broken {
		text = bytes.ToValidUTF8(text, []byte("\ufffd"))
	}
	w.out = append(append(w.out, text...), '\n')
	w.chars += utf8.RuneCount(w.out[before:])
	if w.chars > maxReadChars && before > 0 {
		w.out = w.out[:before]
		return false
	}
	w.broken = w.broken || broken
	return true
}

// whole is s without a character that was cut at its end.
func whole(s string) string {
	for i := 1; i <= min(utf8.UTFMax, len(s)); i++ {
		if b := s[len(s)-i]; utf8.RuneStart(b) {
			if !utf8.FullRuneInString(s[len(s)-i:]) {
				return s[:len(s)-i]
			}
			break
		}
	}
	return s
}
