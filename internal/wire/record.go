package wire

import (
	"encoding/binary"
	"io/fs"
	"time"

	"github.com/hutch-dev/hutch"
)

// Records are what lists and searches are sent as: each is its length (uvarint)
// and its fields. Fields that a later version adds come last and are skipped.

// maxInfo bounds the record of an Info: its name, and room for the rest.
const maxInfo = hutch.MaxName + 8<<10

// record appends what fields appends, with its length in front.
func record(dst []byte, fields func([]byte) []byte) []byte {
	const room = 3 // for the length of most records
	at := len(dst)
	dst = fields(append(dst, make([]byte, room)...))
	n := len(dst) - at - room
	if n < 1<<(7*room) {
		dst[at], dst[at+1], dst[at+2] = byte(n)|0x80, byte(n>>7)|0x80, byte(n>>14)
		return dst
	}
	long := binary.AppendUvarint(nil, uint64(n))
	dst = append(dst, long[room:]...)
	copy(dst[at+len(long):], dst[at+room:])
	copy(dst[at:], long)
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendInfo(dst []byte, i hutch.Info) []byte {
	return record(dst, func(b []byte) []byte {
		b = appendString(b, i.Name)
		b = binary.AppendVarint(b, i.Size)
		b = binary.AppendUvarint(b, uint64(i.Mode))
		b = appendTime(b, i.ModTime)
		return appendString(b, i.Rev)
	})
}

// appendTime writes seconds and one more than the nanoseconds, or 0 for no time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(t.Nanosecond())+1)
	return binary.AppendVarint(b, t.Unix())
}

func appendMatch(dst []byte, m hutch.Match) []byte {
	return record(dst, func(b []byte) []byte {
		b = appendString(b, m.Name)
		b = binary.AppendUvarint(b, uint64(m.Line))
		b = appendString(b, m.Text)
		b = binary.AppendUvarint(b, uint64(m.Start))
		b = binary.AppendUvarint(b, uint64(m.End))
		return append(b, flag(m.Context, 1)|flag(m.Cut, 2))
	})
}

func flag(on bool, bit byte) byte {
	if on {
		return bit
	}
	return 0
}

// fields reads the fields of a record; bad is set where there are none.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) uint() uint64 {
	v, n := binary.Uvarint(f.b)
	return f.took(v, n)
}

func (f *fields) int() int64 {
	v, n := binary.Varint(f.b)
	return int64(f.took(uint64(v), n))
}

func (f *fields) took(v uint64, n int) uint64 {
	if n <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) string() string {
	n := f.uint()
	if n > uint64(len(f.b)) {
		f.bad, f.b = true, nil
		return ""
	}
	s := string(f.b[:n])
	f.b = f.b[n:]
	return s
}

// small is a number that a slice can be cut with.
func (f *fields) small() int {
	v := f.uint()
	if v > 1<<31-1 {
		f.bad = true
		return 0
	}
	return int(v)
}

func (f *fields) time() time.Time {
	nano := f.uint()
	if nano == 0 || f.bad {
		return time.Time{}
	}
	sec := f.int()
	if nano > 1e9 {
		f.bad = true
	}
	return time.Unix(sec, int64(nano-1))
}

// next cuts the first record off b. It is not there yet where ok is false.
func next(b []byte, limit int) (rec, rest []byte, ok bool, err error) {
	size, n := binary.Uvarint(b)
	switch {
	case n < 0 || n > 0 && size > uint64(limit):
		return nil, nil, false, broken("record of more than %d bytes", limit)
	case n == 0 || size > uint64(len(b)-n):
		return nil, b, false, nil
	}
	return b[n : n+int(size)], b[n+int(size):], true, nil
}

func decodeInfo(rec []byte) (hutch.Info, error) {
	f := fields{b: rec}
	i := hutch.Info{Name: f.string(), Size: f.int(), Mode: fs.FileMode(f.uint()), ModTime: f.time(), Rev: f.string()}
	if f.bad || i.Size < 0 || hutch.CheckName("read", i.Name) != nil {
		return hutch.Info{}, broken("no description of a file")
	}
	return i, nil
}

func decodeMatch(rec []byte) (hutch.Match, error) {
	f := fields{b: rec}
	m := hutch.Match{Name: f.string(), Line: f.small(), Text: f.string(), Start: f.small(), End: f.small()}
	if len(f.b) == 0 {
		f.bad = true
	} else {
		m.Context, m.Cut = f.b[0]&1 != 0, f.b[0]&2 != 0
	}
	if f.bad || m.Start > m.End || m.End > len(m.Text) || hutch.CheckName("read", m.Name) != nil {
		return hutch.Match{}, broken("no match")
	}
	return m, nil
}
