package tool

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
)

// sum identifies the text of a line, without its line end.
type sum [16]byte

// lineReader reads a file line by line, however long the lines are: of each it
// holds no more than keep bytes. A line ends with "\n" or "\r\n"; what follows
// the last line end is a line if it is not empty. A byte order mark at the start
// is no part of the first line.
type lineReader struct {
	ctx  context.Context
	r    *bufio.Reader
	keep int
	sums hash.Hash // nil: no sums are wanted
	free []byte    // for the text of a line to come
}

// textLine is one line as lineReader has read it.
type textLine struct {
	text []byte // the first bytes of it
	size int64  // all its bytes
	sum  sum
}

func newLineReader(ctx context.Context, r *bufio.Reader, keep int, sums bool) *lineReader {
	if head, _ := r.Peek(len(bom)); string(head) == bom {
		_, _ = r.Discard(len(bom))
	}
	l := &lineReader{ctx: ctx, r: r, keep: keep}
	if sums {
		l.sums = sha256.New()
	}
	return l
}

// bom is the byte order mark of UTF-8.
const bom = "\ufeff"

// next reads a line; io.EOF follows the last one.
func (l *lineReader) next() (t textLine, err error) {
	t.text, l.free = l.free[:0], nil
	if l.sums != nil {
		l.sums.Reset()
	}
	cr := false // the part before ended with a "\r" that may be of the line end
	for {
		if err := l.ctx.Err(); err != nil {
			return t, err
		}
		part, err := l.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
			return t, err
		}
		if err == io.EOF && len(part) == 0 && t.size == 0 && !cr {
			return t, io.EOF
		}
		ended := err == nil
		part = bytes.TrimSuffix(part, []byte("\n"))
		if cr && !(ended && len(part) == 0) {
			l.add(&t, []byte("\r"))
		}
		cr = len(part) > 0 && part[len(part)-1] == '\r' && err != io.EOF
		if cr {
			part = part[:len(part)-1]
		}
		l.add(&t, part)
		if ended || err == io.EOF {
			if l.sums != nil {
				copy(t.sum[:], l.sums.Sum(nil))
			}
			return t, nil
		}
	}
}

func (l *lineReader) add(t *textLine, part []byte) {
	t.size += int64(len(part))
	if l.sums != nil {
		l.sums.Write(part)
	}
	if room := l.keep - len(t.text); room > 0 {
		t.text = append(t.text, part[:min(room, len(part))]...)
	}
}

// done gives back a line that is no longer needed.
func (l *lineReader) done(t textLine) { l.free = t.text }

// skip passes over up to n lines and at most budget bytes, in whole buffers, and
// says how many lines it has passed. It stops with io.EOF at the end of the file.
func (l *lineReader) skip(n int, budget int64) (passed int, err error) {
	open := false // the file goes on after the last line end
	for passed < n && budget > 0 {
		if err := l.ctx.Err(); err != nil {
			return passed, err
		}
		if _, err := l.r.Peek(1); err != nil {
			if open && err == io.EOF {
				passed++
			}
			return passed, err
		}
		chunk, _ := l.r.Peek(l.r.Buffered())
		lines := bytes.Count(chunk, []byte("\n"))
		if passed+lines >= n {
			chunk = chunk[:nthLine(chunk, n-passed)]
			lines = n - passed
		}
		open = chunk[len(chunk)-1] != '\n'
		passed += lines
		budget -= int64(len(chunk))
		_, _ = l.r.Discard(len(chunk))
	}
	return passed, nil
}

// nthLine is where the n-th line of chunk ends.
func nthLine(chunk []byte, n int) int {
	at := 0
	for range n {
		at += bytes.IndexByte(chunk[at:], '\n') + 1
	}
	return at
}
