package shell

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// answer is what a function has printed.
type answer struct {
	body []byte // what it has shown
	word string // how it went
	rest string // and more about that
}

// node is what stat says of a file.
type node struct {
	base  string // last part of the name; only in lists
	size  int64
	mode  fs.FileMode
	mtime time.Time
	rev   string
}

func (n *node) info(name string) hutch.Info {
	i := hutch.Info{Name: name, Mode: n.mode, ModTime: n.mtime}
	if !n.mode.IsDir() {
		i.Size, i.Rev = n.size, n.rev
	}
	return i
}

// unchanged reports whether the content is that of o. The change time is left
// out: it also moves when the last name of an open file is taken over.
func (n *node) unchanged(o *node) bool { return n.size == o.size && n.mtime.Equal(o.mtime) }

// mark begins everything that stat prints for us. Neither a name, which has no
// two slashes in a row, nor base64, which has no colon, can hold it.
var mark = []byte("//:")

// nodes are the records of stat in body, whatever their names hold.
func nodes(body []byte) ([]node, error) {
	var all []node
	for i, r := range bytes.Split(body, mark) {
		if i == 0 {
			if len(bytes.TrimSpace(r)) > 0 {
				return nil, errGarbled
			}
			continue
		}
		n, err := parseNode(string(bytes.TrimSuffix(r, []byte("\n"))))
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// parseNode reads mode, size, inode, then seconds, date, time and zone of the
// last modification and of the last change, and the name.
func parseNode(s string) (node, error) {
	f := strings.SplitN(s, " ", 12)
	if len(f) < 12 {
		return node{}, errGarbled
	}
	mode, err := strconv.ParseUint(f[0], 16, 32)
	if err != nil {
		return node{}, errGarbled
	}
	n := node{base: path.Base(f[11]), mode: fileMode(uint32(mode))}
	if n.size, err = strconv.ParseInt(f[1], 10, 64); err != nil || n.size < 0 {
		return node{}, errGarbled
	}
	if _, err := strconv.ParseUint(f[2], 10, 64); err != nil {
		return node{}, errGarbled
	}
	m, mtime, err := parseTime(f[3], f[5])
	if err != nil {
		return node{}, err
	}
	c, _, err := parseTime(f[7], f[9])
	if err != nil {
		return node{}, err
	}
	n.mtime = mtime
	n.rev = f[2] + "-" + f[1] + "-" + m + "-" + c
	return n, nil
}

// parseTime puts seconds since 1970 and a time of day with its fraction
// together. The text is what the shell makes of it as well.
func parseTime(seconds, clock string) (string, time.Time, error) {
	_, frac, _ := strings.Cut(clock, ".")
	sec, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || len(frac) != 9 {
		return "", time.Time{}, errGarbled
	}
	nsec, err := strconv.ParseUint(frac, 10, 32)
	if err != nil {
		return "", time.Time{}, errGarbled
	}
	return seconds + "." + frac, time.Unix(sec, int64(nsec)), nil
}

var fileTypes = map[uint32]fs.FileMode{
	0o140000: fs.ModeSocket, 0o120000: fs.ModeSymlink, 0o100000: 0, 0o060000: fs.ModeDevice,
	0o040000: fs.ModeDir, 0o020000: fs.ModeDevice | fs.ModeCharDevice, 0o010000: fs.ModeNamedPipe,
}

func fileMode(m uint32) fs.FileMode {
	t, ok := fileTypes[m&0o170000]
	if !ok {
		t = fs.ModeIrregular
	}
	return t | fs.FileMode(m&0o777)
}

// decode reads base64, in lines of any length, or text in lines that begin with
// a dot, or a comma if they have no end.
func decode(body []byte) ([]byte, error) {
	if len(body) > 0 && (body[0] == '.' || body[0] == ',') {
		return decodeText(body)
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(body)))
	n, err := base64.StdEncoding.Decode(out, body)
	if err != nil {
		return nil, errGarbled
	}
	return out[:n], nil
}

func decodeText(body []byte) ([]byte, error) {
	var out []byte
	for line := range bytes.Lines(body) {
		if len(line) < 2 || line[len(line)-1] != '\n' {
			return nil, errGarbled
		}
		switch line[0] {
		case '.':
			out = append(out, line[1:]...)
		case ',':
			out = append(out, line[1:len(line)-1]...)
		default:
			return nil, errGarbled
		}
	}
	return out, nil
}
