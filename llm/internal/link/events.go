package link

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// The most that is read of an answer.
const (
	maxEvent  = 8 << 20
	maxStream = 256 << 20
)

var (
	errEvent  = errors.New("an event is larger than 8 MiB")
	errStream = errors.New("the answer is larger than 256 MiB")
)

// Event is one of a stream of server-sent events.
type Event struct {
	Name string // "" where the server gave none
	Data []byte // the lines of it, with "\n" between them
}

// Events reads server-sent events as the HTML standard defines them
// (https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.6): lines
// end with LF, CR or CRLF, an event ends with an empty line, comments and unknown
// fields are passed over, and what the end of the stream cuts off is no event.
type Events struct {
	r      *bufio.Reader
	left   int64
	begun  bool
	afterC bool // a CR was read, so that a LF belongs to it
	line   []byte
}

// NewEvents reads events from r.
func NewEvents(r io.Reader) *Events {
	return &Events{r: bufio.NewReaderSize(r, 16<<10), left: maxStream}
}

// Next is the next event that has data. At the end it is r's error.
func (e *Events) Next() (Event, error) {
	var ev Event
	data := false
	for {
		line, err := e.next()
		if err != nil {
			return Event{}, err
		}
		if len(line) == 0 {
			if data {
				return ev, nil
			}
			ev = Event{}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			ev.Name = string(value)
		case "data":
			if data {
				ev.Data = append(ev.Data, '\n')
			}
			data = true
			if ev.Data = append(ev.Data, value...); len(ev.Data) > maxEvent {
				return Event{}, errEvent
			}
		}
	}
}

// next is the next line, without its end. It is valid until the next call.
func (e *Events) next() ([]byte, error) {
	e.line = e.line[:0]
	for {
		if _, err := e.r.Peek(1); err != nil {
			return nil, err
		}
		piece, _ := e.r.Peek(e.r.Buffered())
		if e.afterC && piece[0] == '\n' {
			e.skip(1)
			continue
		}
		n := bytes.IndexAny(piece, "\r\n")
		if n < 0 {
			n = len(piece)
		}
		ended := n < len(piece)
		cr := ended && piece[n] == '\r'
		e.line = append(e.line, piece[:n]...)
		if ended {
			n++
		}
		e.skip(n)
		e.afterC = cr
		switch {
		case e.left < 0:
			return nil, errStream
		case len(e.line) > maxEvent:
			return nil, errEvent
		case ended:
			return e.first(e.line), nil
		}
	}
}

// skip takes n bytes that were looked at.
func (e *Events) skip(n int) {
	_, _ = e.r.Discard(n)
	e.left -= int64(n)
	e.afterC = false
}

// first takes the byte order mark off the first line.
func (e *Events) first(line []byte) []byte {
	if e.begun {
		return line
	}
	e.begun = true
	return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
}
