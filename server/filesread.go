package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
)

// contentRoutes are those of the contents of files.
func contentRoutes() []Route {
	return []Route{
		{
			Method: "GET", Path: "/files/{path...}", Name: "readFile",
			Doc: "Gives the bytes of a file, of one version of it. The ETag is its revision; If-None-Match, Range of one range and If-Range are honoured. HEAD too.",
			Out: []byte(nil), Serve: readFile,
		},
		{
			Method: "PUT", Path: "/files/{path...}", Name: "writeFile", Raw: true, Replays: true,
			Doc: "Stores the body as a file, all of it or nothing, and makes missing directories. If-Match with a revision writes only over that one, If-None-Match: * only where no file is; else it is 412.",
			In:  []byte(nil), Out: wroteOut{}, Serve: writeFile,
		},
		{
			Method: "DELETE", Path: "/files/{path...}", Name: "deleteFile", Replays: true,
			Doc:   "Removes a file, a link or an empty directory; with recursive a directory with all that is in it.",
			Query: deleteQuery{}, Serve: deleteFile,
		},
	}
}

// pieceBytes is how much of a file is in memory while it is sent.
const pieceBytes = 64 << 10

var pieces = sync.Pool{New: func() any { return new([pieceBytes]byte) }}

func readFile(c *Call) (any, error) {
	name, err := c.name(c.R.PathValue("path"))
	if err != nil {
		return nil, err
	}
	f, err := c.Backend.Open(c.Ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	i := f.Info()
	h := c.W.Header()
	h.Set("ETag", etag(i.Rev))
	if matches(c.R.Header["If-None-Match"], i.Rev) {
		c.W.WriteHeader(http.StatusNotModified)
		return nil, nil
	}
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment") // never rendered
	h.Set("Accept-Ranges", "bytes")
	p := part{size: i.Size, n: i.Size}
	if asked := c.R.Header["Range"]; len(asked) == 1 && ifRange(c.R.Header["If-Range"], i.Rev) {
		if !p.choose(asked[0]) {
			return nil, unsatisfiable(c, i.Size)
		}
	}
	h.Set("Content-Length", strconv.FormatInt(p.n, 10))
	c.Status = http.StatusOK
	if p.partial {
		c.Status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", p.from, p.from+p.n-1, p.size))
	}
	if c.R.Method == http.MethodHead {
		c.W.WriteHeader(c.Status)
		return nil, nil
	}
	return nil, c.send(f, p)
}

// send answers with a part of f.
func (c *Call) send(f hutch.File, p part) error {
	r, whole, err := p.of(c, f)
	if err == nil {
		err = c.pour(r, p.n, whole)
	}
	if errors.Is(err, hutch.ErrConflict) {
		return Problem(http.StatusConflict, "conflict", "the file was changed while it was read")
	}
	return err
}

// pour answers with n bytes of r. The last of them are sent when whole has said
// that they are of one version, so that nobody takes for a file what is none.
func (c *Call) pour(r io.Reader, n int64, whole func() error) error {
	buf := pieces.Get().(*[pieceBytes]byte)
	defer pieces.Put(buf)
	for first := true; n > 0 || first; first = false {
		piece := buf[:min(n, pieceBytes)]
		_, err := io.ReadFull(r, piece)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = hutch.ErrConflict // it was longer
		}
		if n -= int64(len(piece)); err == nil && n == 0 {
			err = whole()
		}
		if err != nil {
			return err
		}
		c.W.WriteHeader(c.Status)
		if _, err := c.W.Write(piece); err != nil {
			return context.Canceled // nobody is there any more
		}
	}
	return nil
}

// part is what is sent of a file.
type part struct {
	size, from, n int64
	partial       bool
}

// choose takes the range that a client asks for. It reports false where there is
// nothing of the file in it. What is no range, or several, is all of the file.
func (p *part) choose(text string) bool {
	spec, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !dash {
		return true
	}
	a, hasA, okA := position(first)
	b, hasB, okB := position(last)
	switch {
	case !okA || !okB || !hasA && !hasB || hasA && hasB && b < a:
		return true
	case !hasA:
		if b == 0 || p.size == 0 {
			return false
		}
		p.n = min(b, p.size)
		p.from = p.size - p.n
	case a >= p.size:
		return false
	default:
		p.from, p.n = a, p.size-a
		if hasB {
			p.n = min(p.n, b-a+1)
		}
	}
	p.partial = true
	return true
}

// position is a number of a range, which may be missing. One that is too large for
// an int64 is beyond every file.
func position(s string) (n int64, there, ok bool) {
	for _, d := range []byte(s) {
		if d < '0' || d > '9' {
			return 0, false, false
		}
	}
	n, _ = strconv.ParseInt(s, 10, 64)
	return min(n, 1<<62), s != "", true
}

// of is a reader of p and a check that what it gave is of one version.
func (p part) of(c *Call, f hutch.File) (r io.Reader, whole func() error, err error) {
	if !p.partial {
		return f, func() error { return atEnd(f) }, nil
	}
	if at, ok := f.(io.ReaderAt); ok { // each reading is checked
		return io.NewSectionReader(at, p.from, p.n), func() error { return nil }, nil
	}
	if _, err := io.CopyN(io.Discard, f, p.from); err != nil {
		if err == io.EOF {
			err = hutch.ErrConflict
		}
		return nil, nil, err
	}
	return f, func() error {
		now, err := c.Backend.Stat(c.Ctx, f.Info().Name)
		if err == nil && now.Rev != f.Info().Rev {
			err = hutch.ErrConflict
		}
		return err
	}, nil
}

// atEnd is nil at the end of a file.
func atEnd(f io.Reader) error {
	var more [1]byte
	n, err := io.ReadFull(f, more[:])
	switch {
	case n > 0:
		return hutch.ErrConflict
	case err == io.EOF:
		return nil
	}
	return err
}

func unsatisfiable(c *Call, size int64) error {
	b := (&problem{status: http.StatusRequestedRangeNotSatisfiable, code: "range", detail: "nothing of the file is in the range"}).body()
	h := c.W.Header()
	h.Del("Content-Disposition")
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
	c.W.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	_, _ = c.W.Write(b)
	return nil
}

// etag is a revision as a tag. What a tag cannot hold is escaped.
func etag(rev string) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range []byte(rev) {
		if c <= ' ' || c > '~' || c == '"' || c == '%' || c == ',' {
			fmt.Fprintf(&s, "%%%02X", c)
		} else {
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
	return s.String()
}

// untag is the revision of a tag.
func untag(tag string) (rev string, ok bool) {
	tag = strings.TrimSpace(tag)
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Contains(tag[1:len(tag)-1], `"`) {
		return "", false
	}
	rev, err := url.PathUnescape(tag[1 : len(tag)-1])
	return rev, err == nil
}

// matches reports whether one of the tags of If-None-Match is rev.
func matches(lines []string, rev string) bool {
	for _, line := range lines {
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
			if tag == "*" || tag == etag(rev) {
				return true
			}
		}
	}
	return false
}

// ifRange reports whether a range is wanted of this revision.
func ifRange(lines []string, rev string) bool {
	return len(lines) == 0 || len(lines) == 1 && strings.TrimSpace(lines[0]) == etag(rev)
}
