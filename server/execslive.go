package server

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
)

// pieceOut is some of what a command has printed: text, or bytes that are none.
type pieceOut struct {
	Stream  string `json:"stream,omitempty" jsonschema:"stdout or stderr; in a stream of events the name of the event says that."`
	Text    string `json:"text,omitempty"`
	B64     []byte `json:"b64,omitempty" jsonschema:"Bytes that are no UTF-8."`
	Dropped int64  `json:"dropped,omitempty" jsonschema:"How many bytes before these are not given."`
}

// pieceOf is b, which begins and ends with whole characters.
func pieceOf(stream string, b []byte) pieceOut {
	if utf8.Valid(b) {
		return pieceOut{Stream: stream, Text: string(b)}
	}
	return pieceOut{Stream: stream, B64: b}
}

// partial is how many bytes at the end of b begin a character without ending it.
func partial(b []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(b)); n++ {
		tail := b[len(b)-n:]
		if utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// stream runs a command and sends what it prints as it prints it.
func (c *Call) stream(e hutch.Execer, cmd *hutch.Cmd, most int) error {
	ctx, cancel := context.WithCancel(c.Ctx)
	defer cancel()
	to := c.Events()
	stdout := &live{name: "stdout", to: to, stop: cancel, most: most, head: most / 2}
	stderr := &live{name: "stderr", to: to, stop: cancel, most: most, head: most / 2}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	res, err := e.Exec(ctx, cmd)
	stdout.end()
	stderr.end()
	if err != nil {
		return execProblem(err, cmd)
	}
	out := resultOf(res)
	out.StdoutBytes, out.StderrBytes = stdout.total, stderr.total
	out.StdoutDropped, out.StderrDropped = stdout.dropped, stderr.dropped
	out.Truncated = out.StdoutDropped+out.StderrDropped > 0
	return to.Send("", "result", out)
}

// live is a stream of a command that is sent as it comes: all of it, or the head,
// and the tail when it has ended.
type live struct {
	name string
	to   *EventStream
	stop func() // ends the command

	most, head int // bytes that are given, and how many of them are head still
	total      int64
	cut        []byte // the beginning of a character
	tail       []byte // the newest bytes, at most twice what is given of them
	dropped    int64
	err        error
}

// maxPiece is how many bytes one event holds at most.
const maxPiece = 32 << 10

// Write implements [io.Writer]. It is called by one at a time.
func (l *live) Write(p []byte) (int, error) {
	n := len(p)
	l.total += int64(n)
	if l.most > 0 {
		k := min(l.head, len(p))
		l.head -= k
		l.keep(p[k:])
		p = p[:k]
	}
	for len(p) > 0 {
		k := min(len(p), maxPiece)
		l.give(p[:k])
		p = p[k:]
	}
	if l.err != nil {
		return 0, fmt.Errorf("the client takes nothing any more: %w", l.err)
	}
	return n, nil
}

// keep keeps the newest bytes for the end.
func (l *live) keep(p []byte) {
	room := l.most - l.most/2
	l.tail = append(l.tail, p[max(0, len(p)-room):]...)
	l.dropped += int64(max(0, len(p)-room))
	if over := len(l.tail) - room; over > room {
		l.tail = append(l.tail[:0], l.tail[over:]...)
		l.dropped += int64(over)
	}
}

// give sends what ends with a whole character.
func (l *live) give(p []byte) {
	b := append(l.cut, p...)
	whole := len(b) - partial(b)
	l.send(pieceOf("", b[:whole]))
	l.cut = append([]byte(nil), b[whole:]...)
}

func (l *live) send(p pieceOut) {
	if l.err != nil || p.Text == "" && len(p.B64) == 0 && p.Dropped == 0 {
		return
	}
	if l.err = l.to.Send("", l.name, p); l.err != nil {
		l.stop()
	}
}

// end sends what is left.
func (l *live) end() {
	room := l.most - l.most/2
	if over := len(l.tail) - room; over > 0 {
		l.tail = l.tail[over:]
		l.dropped += int64(over)
	}
	if l.dropped == 0 {
		l.give(l.tail)
		l.send(pieceOf("", l.cut))
		return
	}
	l.send(pieceOf("", l.cut))
	for first := true; len(l.tail) > 0 || first; first = false {
		k := min(len(l.tail), maxPiece)
		if k < len(l.tail) {
			k -= partial(l.tail[:k])
		}
		p := pieceOf("", l.tail[:k])
		if first {
			p.Dropped = l.dropped
		}
		l.send(p)
		l.tail = l.tail[k:]
	}
}
