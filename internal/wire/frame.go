package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The kinds of frames.
const (
	kindHead   = 1  // the head of a request, JSON
	kindData   = 2  // content of a file, or input of a command
	kindOut    = 3  // what a command prints
	kindErr    = 4  // what it prints to its standard error
	kindItems  = 5  // a piece of a sequence of records
	kindResult = 6  // what an operation gives back
	kindFault  = 7  // the error that an operation ends with
	kindCredit = 8  // four bytes: how much more input may be sent
	kindEOF    = 9  // the input of a command ends
	kindStop   = 10 // the client wants the operation to end without effect
	kindEnd    = 11 // the body is whole; eight bytes: how many payload bytes came before
	kindSignal = 12 // the name of a signal for a command
	kindTaken  = 13 // the command has taken it, and there is room for another
)

const frameHeader = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errBroken is the cause of what is wrong with a body.
var errBroken = errors.New("broken stream")

func broken(why string, args ...any) error {
	return fmt.Errorf("%w: %s", errBroken, fmt.Sprintf(why, args...))
}

// errCut is a body that ends before its end frame.
var errCut = broken("ends too early")

// seedOf is what the checks of the answer to a request start from.
func seedOf(id uint64) uint32 {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], id)
	return crc32.Checksum(b[:], castagnoli)
}

// sender numbers and checks the frames of one body.
type sender struct {
	crc, next uint32
	total     uint64
}

// seal fills in the header of a frame, in front of its payload.
func (s *sender) seal(frame []byte, kind byte) {
	payload := frame[frameHeader:]
	n := len(payload)
	frame[0], frame[1], frame[2], frame[3] = kind, byte(n>>16), byte(n>>8), byte(n)
	binary.BigEndian.PutUint32(frame[4:], s.next)
	s.crc = crc32.Update(s.crc, castagnoli, frame[:8])
	binary.BigEndian.PutUint32(frame[8:], s.crc)
	s.crc = crc32.Update(s.crc, castagnoli, payload)
	binary.BigEndian.PutUint32(frame[12:], s.crc)
	s.next++
	s.total += uint64(n)
}

// add appends a frame to dst.
func (s *sender) add(dst []byte, kind byte, payload []byte) []byte {
	at := len(dst)
	dst = slices.Grow(dst, frameHeader+len(payload))[:at+frameHeader]
	dst = append(dst, payload...)
	s.seal(dst[at:], kind)
	return dst
}

// end appends the frame that ends a body.
func (s *sender) end(dst []byte) []byte {
	return s.add(dst, kindEnd, binary.BigEndian.AppendUint64(nil, s.total))
}

// receiver reads the frames of one body and believes nothing. After an error it
// is of no further use.
type receiver struct {
	r         io.Reader
	crc, next uint32
	total     uint64
	head      [frameHeader]byte
	buf       []byte
}

// header reads up to the payload of the next frame, which is at most limit bytes
// long. The payload must be read next.
func (r *receiver) header(limit int) (kind byte, size int, err error) {
	if _, err := io.ReadFull(r.r, r.head[:]); err != nil {
		return 0, 0, cut(err)
	}
	r.crc = crc32.Update(r.crc, castagnoli, r.head[:8])
	if binary.BigEndian.Uint32(r.head[8:]) != r.crc {
		return 0, 0, broken("check of a header fails")
	}
	if n := binary.BigEndian.Uint32(r.head[4:]); n != r.next {
		return 0, 0, broken("frame %d in place of %d", n, r.next)
	}
	r.next++
	size = int(r.head[1])<<16 | int(r.head[2])<<8 | int(r.head[3])
	if size > limit {
		return 0, 0, broken("frame of %d bytes, at most %d", size, limit)
	}
	return r.head[0], size, nil
}

// payload reads the payload into p, which has its size.
func (r *receiver) payload(p []byte) error {
	if _, err := io.ReadFull(r.r, p); err != nil {
		return cut(err)
	}
	r.crc = crc32.Update(r.crc, castagnoli, p)
	if binary.BigEndian.Uint32(r.head[12:]) != r.crc {
		return broken("check fails")
	}
	if r.head[0] == kindEnd {
		if len(p) != 8 || binary.BigEndian.Uint64(p) != r.total {
			return broken("length is wrong")
		}
	}
	r.total += uint64(len(p))
	return nil
}

// frame reads a whole frame. The payload is valid until the next one is read.
func (r *receiver) frame(limit int) (kind byte, payload []byte, err error) {
	kind, size, err := r.header(limit)
	if err != nil {
		return 0, nil, err
	}
	if size > maxFrame {
		payload, err = r.large(size)
		return kind, payload, err
	}
	if cap(r.buf) < size {
		r.buf = make([]byte, max(size, 512))
	}
	payload = r.buf[:size]
	return kind, payload, r.payload(payload)
}

// large reads a large payload without trust in its size.
func (r *receiver) large(size int) ([]byte, error) {
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r.r, int64(size)); err != nil {
		return nil, cut(err)
	}
	from := r.r
	defer func() { r.r = from }()
	r.r = bytes.NewReader(b.Bytes())
	p := make([]byte, size)
	return p, r.payload(p)
}

// cut is the error of a body that cannot be read on.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errCut
	}
	return err
}
