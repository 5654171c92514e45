package search

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"unicode/utf8"
)

const (
	bufferSize = 128 << 10
	maxPooled  = 1 << 20
)

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }}

// Reader searches what r gives, as Bytes does for bytes in memory.
//
// It keeps 128 KiB of the file and Before lines of at most MaxLine bytes. A longer
// line is held in memory as a whole, unless the pattern is a plain text (with
// IgnoreCase, one without k, s and letters outside of ASCII): then no more than
// eight times MaxLine and the text are held, however long the line is.
//
// The error is r's. Lines that were complete before it occurred have been told.
func (q *Query) Reader(r io.Reader, yield func(Line) bool) (Stats, error) {
	pooled := buffers.Get().(*[]byte)
	h := newHunt(q, yield)
	in := &input{hunt: h, r: r, buf: *pooled}
	err := in.search()
	if len(in.buf) <= maxPooled {
		*pooled = in.buf
	}
	buffers.Put(pooled)
	return h.stats, err
}

// input reads a file piece by piece.
type input struct {
	*hunt
	r   io.Reader
	buf []byte
	n   int   // bytes in buf
	err error // of r; io.EOF at the end
}

func (in *input) search() error {
	in.fill()
	if isBinary(in.buf[:in.n]) {
		in.stats.Binary = true
		return nil
	}
	for {
		whole := bytes.LastIndexByte(in.buf[:in.n], '\n') + 1
		if in.err == io.EOF {
			whole = in.n
		}
		if whole > 0 && !in.lines(in.buf[:whole]) || in.err == io.EOF {
			return nil
		}
		if in.err != nil {
			return in.err
		}
		switch {
		case whole > 0:
			in.keep(in.buf[:whole])
			in.drop(whole)
		case in.Pattern.single == 0 || len(in.buf) < 4*(in.maxLine+in.Pattern.single):
			in.buf = append(in.buf, make([]byte, len(in.buf))...)
		case !in.long():
			return nil
		}
		in.fill()
	}
}

// fill reads until buf is full or r has ended.
func (in *input) fill() {
	for idle := 0; in.n < len(in.buf) && in.err == nil; idle++ {
		n, err := in.r.Read(in.buf[in.n:])
		if n < 0 || n > len(in.buf)-in.n {
			n, err = 0, errors.New("search: Read returned an impossible count")
		}
		if n > 0 {
			idle = 0
		}
		if in.err = err; err == nil && idle >= 100 {
			in.err = io.ErrNoProgress
		}
		in.n += n
		in.stats.Bytes += int64(n)
	}
}

// drop removes the first n bytes of buf.
func (in *input) drop(n int) {
	in.n = copy(in.buf, in.buf[n:in.n])
}

// long searches a line that does not fit into the buffer for a plain text, and
// leaves in buf what follows the line.
func (in *input) long() bool {
	head := in.head(in.number, bytes.Clone(in.buf[:in.maxLine+utf8.UTFMax]))
	at := -1
	if !in.full() {
		at = in.seek()
	}
	goOn := true
	switch {
	case at >= 0:
		line := Line{Number: in.number, Text: in.buf[:in.lineEnd()], Start: at, End: at + in.Pattern.single}
		goOn = in.leading(nil, 0) && in.found(in.cut(line))
	case in.after > 0:
		in.after--
		goOn = in.yield(head)
	default:
		in.keepLine(head)
	}
	if !goOn || in.full() && in.after == 0 {
		return in.stop()
	}
	in.skip()
	return true
}

// seek moves the line through the buffer until that holds the text and what is to
// be told around it. It returns the text's place in buf, or -1 at the line's end.
func (in *input) seek() int {
	in.shown = 0 // for leading: nothing before the line is in buf
	for {
		end, ended := in.lineEnd(), in.lineEnded()
		at := in.Pattern.literals.find(in.buf[:end], 0)
		switch {
		case at >= 0 && at <= in.maxLine:
			return at
		case at >= 0:
			in.drop(at - in.maxLine)
		case ended:
			return -1
		default:
			in.drop(end - in.maxLine - in.Pattern.single)
		}
		in.fill()
	}
}

// lineEnd returns where the line at the start of buf ends, as far as it is there.
func (in *input) lineEnd() int {
	end, _ := lineAt(in.buf[:in.n], 0)
	return end
}

func (in *input) lineEnded() bool {
	return in.err != nil || bytes.IndexByte(in.buf[:in.n], '\n') >= 0
}

// skip drops the rest of the line at the start of buf.
func (in *input) skip() {
	for {
		if i := bytes.IndexByte(in.buf[:in.n], '\n'); i >= 0 {
			in.drop(i + 1)
			in.number++
			return
		}
		in.n = 0
		if in.err != nil {
			return
		}
		in.fill()
	}
}
