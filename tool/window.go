package tool

import (
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// window shows a part of a file.
type window struct {
	lines           *lineReader
	hashes          bool
	before, current *textLine // nil where there is none
	out             strings.Builder
	chars           int  // in out
	broken          bool // something shown is not UTF-8
	counted         bool // the end of the file was seen
}

// start goes to the line after offset and says how many lines it has passed,
// which is fewer where the file ends before.
func (w *window) start(offset int) (passed int, err error) {
	skipped := offset
	if w.hashes && offset > 0 {
		skipped-- // the line before the window is a part of the first hash
	}
	passed, err = w.lines.skip(skipped, math.MaxInt64)
	if err == io.EOF {
		return passed, nil
	}
	if err != nil {
		return passed, err
	}
	if skipped < offset {
		if w.before, err = w.take(); err != nil || w.before == nil {
			return passed, err
		}
		passed++
	}
	w.current, err = w.take()
	return passed, err
}

// take reads one line; nil follows the last one.
func (w *window) take() (*textLine, error) {
	l, err := w.lines.next()
	if err == io.EOF {
		return nil, nil
	}
	return &l, err
}

// show prints up to limit lines from the current one on, and says how many lines
// follow; without counted it is at least that many.
func (w *window) show(offset, limit int) (shown, more int, err error) {
	for w.current != nil && shown < limit {
		next, err := w.take()
		if err != nil {
			return shown, 0, err
		}
		if !w.print(offset+shown+1, next) {
			if next != nil {
				more++
			}
			break
		}
		shown++
		w.before, w.current = w.current, next
	}
	if w.current == nil {
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
func (w *window) print(number int, next *textLine) bool {
	text := string(w.current.text)
	if w.current.size > int64(len(text)) {
		text = fmt.Sprintf("%s... (line cut, it has %d bytes)", whole(text), w.current.size)
	}
	if !utf8.ValidString(text) {
		w.broken = true
		text = strings.ToValidUTF8(text, "\ufffd")
	}
	line := fmt.Sprintf("%6d\t%s\n", number, text)
	if w.hashes {
		line = fmt.Sprintf("%d:%s|%s\n", number, hashOf(sumOf(w.before), w.current.sum, sumOf(next)), text)
	}
	w.chars += utf8.RuneCountInString(line)
	if w.chars > maxReadChars && w.out.Len() > 0 {
		return false
	}
	w.out.WriteString(line)
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

func sumOf(l *textLine) sum {
	if l == nil {
		return sum{}
	}
	return l.sum
}
