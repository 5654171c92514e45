package jail

import (
	"encoding/binary"
	"errors"
)

// What owner and helper say to each other: frames of an 8-byte header (length of the payload, kind, number of
// descriptors that come along) and a payload. Numbers are little-endian, strings are a length and bytes, lists a count
// and items. Neither side believes the other: every length is checked against what is there.

const (
	headerSize = 8
	maxPayload = 8 << 20  // from the owner: the arguments and the environment of one command
	maxReply   = 64 << 10 // from the helper
	maxFds     = 3
)

const (
	kindSetup   = 1 + iota // owner: what the jail is like
	kindStart              // owner: run a command
	kindKill               // owner: end a command
	kindConfine            // owner: keep commands from names
	kindReady              // helper: the jail stands, or why not
	kindDone               // helper: a command ended
	kindSignal             // owner: send a signal to a command
)

var errFrame = errors.New("jail: malformed message")

type header struct {
	size int
	kind byte
	fds  int
}

func (h header) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(h.size))
	return append(b, h.kind, byte(h.fds), 0, 0)
}

func decodeHeader(b []byte, limit int) (header, error) {
	if len(b) != headerSize || b[6] != 0 || b[7] != 0 {
		return header{}, errFrame
	}
	size := binary.LittleEndian.Uint32(b)
	h := header{size: int(size), kind: b[4], fds: int(b[5])}
	if uint64(size) > uint64(limit) || h.fds > maxFds {
		return header{}, errFrame
	}
	return h, nil
}

type encoder struct{ b []byte }

func (e *encoder) int(v int64) { e.b = binary.LittleEndian.AppendUint64(e.b, uint64(v)) }
func (e *encoder) byte(v byte) { e.b = append(e.b, v) }
func (e *encoder) str(s string) {
	e.b = binary.LittleEndian.AppendUint32(e.b, uint32(len(s)))
	e.b = append(e.b, s...)
}
func (e *encoder) strs(l []string) {
	e.b = binary.LittleEndian.AppendUint32(e.b, uint32(len(l)))
	for _, s := range l {
		e.str(s)
	}
}
func (e *encoder) bool(v bool) {
	if v {
		e.byte(1)
	} else {
		e.byte(0)
	}
}

// decoder reads what encoder wrote. After the first mistake everything reads as zero and ok is false.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}
func (d *decoder) int() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}
func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}
func (d *decoder) bool() bool {
	v := d.byte()
	d.bad = d.bad || v > 1
	return v == 1
}
func (d *decoder) len(each int) int {
	b := d.take(4)
	if b == nil {
		return 0
	}
	n := uint64(binary.LittleEndian.Uint32(b))
	if n*uint64(each) > uint64(len(d.b)) {
		d.bad = true
		return 0
	}
	return int(n)
}
func (d *decoder) str() string { return string(d.take(d.len(1))) }
func (d *decoder) strs() []string {
	n := d.len(4)
	if n == 0 {
		return nil
	}
	l := make([]string, 0, n)
	for range n {
		l = append(l, d.str())
	}
	return l
}

// end is nil if everything was read and nothing was wrong.
func (d *decoder) end() error {
	if d.bad || len(d.b) != 0 {
		return errFrame
	}
	return nil
}
