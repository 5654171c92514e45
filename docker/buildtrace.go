package docker

import (
	"encoding/binary"
	"errors"
	"iter"
)

// BuildKit tells of its progress in protocol buffers, of which the few fields
// that people want to read are taken here: of StatusResponse in BuildKit's
// api/services/control/control.proto the vertexes (1) and logs (3), of a Vertex
// digest (1), name (3), cached (4), started (5) and error (7), of a VertexLog
// vertex (1) and msg (4).

// trace is one message of progress.
type trace struct {
	vertexes []vertex
	logs     []vertexLog
}

// vertex is the state of a step.
type vertex struct {
	digest, name    string
	cached, started bool
	fault           string
}

// vertexLog is something that a step printed.
type vertexLog struct{ vertex, text string }

var errTrace = errors.New("a message of the build cannot be read")

// parseTrace reads a StatusResponse.
func parseTrace(data []byte) (t trace, err error) {
	for f, err := range fields(data) {
		switch {
		case err != nil:
			return t, err
		case f.number == 1:
			v, err := parseVertex(f.bytes)
			if err != nil {
				return t, err
			}
			t.vertexes = append(t.vertexes, v)
		case f.number == 3:
			l, err := parseLog(f.bytes)
			if err != nil {
				return t, err
			}
			t.logs = append(t.logs, l)
		}
	}
	return t, nil
}

func parseVertex(data []byte) (v vertex, err error) {
	for f, err := range fields(data) {
		if err != nil {
			return v, err
		}
		switch f.number {
		case 1:
			v.digest = string(f.bytes)
		case 3:
			v.name = string(f.bytes)
		case 4:
			v.cached = f.value != 0
		case 5:
			v.started = true
		case 7:
			v.fault = string(f.bytes)
		}
	}
	return v, nil
}

func parseLog(data []byte) (l vertexLog, err error) {
	for f, err := range fields(data) {
		if err != nil {
			return l, err
		}
		switch f.number {
		case 1:
			l.vertex = string(f.bytes)
		case 4:
			l.text = string(f.bytes)
		}
	}
	return l, nil
}

// field is one field of a message: a number, or bytes.
type field struct {
	number uint64
	value  uint64
	bytes  []byte
}

// fields yields the fields of a message. An error comes last.
func fields(data []byte) iter.Seq2[field, error] {
	return func(yield func(field, error) bool) {
		for len(data) > 0 {
			f, rest, err := nextField(data)
			if !yield(f, err) || err != nil {
				return
			}
			data = rest
		}
	}
}

func nextField(data []byte) (f field, rest []byte, err error) {
	tag, n := binary.Uvarint(data)
	if n <= 0 {
		return f, nil, errTrace
	}
	data, f.number = data[n:], tag>>3
	switch tag & 7 {
	case 0:
		f.value, n = binary.Uvarint(data)
		if n <= 0 {
			return f, nil, errTrace
		}
		return f, data[n:], nil
	case 1:
		return f.fixed(data, 8)
	case 2:
		size, n := binary.Uvarint(data)
		if n <= 0 || size > uint64(len(data)-n) {
			return f, nil, errTrace
		}
		f.bytes = data[n:][:size]
		return f, data[n:][size:], nil
	case 5:
		return f.fixed(data, 4)
	}
	return f, nil, errTrace
}

func (f field) fixed(data []byte, size int) (field, []byte, error) {
	if len(data) < size {
		return f, nil, errTrace
	}
	f.bytes = data[:size]
	return f, data[size:], nil
}
