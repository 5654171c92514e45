// Package helper is the program that lives inside a container, as its process 1, for as long as a sandbox is open: it serves
// the files of the workspace and runs commands on them, over the wire.
//
// The helper is the program that opened the sandbox, or another one of ours, copied to where the container can execute it:
// the package notices in its init that it is the helper ([Args]) and never returns from there. A static program is needed,
// since nothing of the container's own files is used.
//
// Its owner starts it with [Setup] on its standard input and reads an [Answer] from its standard output. From then on the
// owner talks to it over a socket that both can see, if there is one, else over these two streams. Other owners come through
// a second process in the container, the dialler, which connects to a socket of the helper's and says the key first. The
// key keeps commands, which could connect too, out.
//
// The helper ends, and the container with it, when nobody has been connected for the time of the lease: whatever becomes of
// an owner, its containers go. An owner that detaches says so, and the helper then waits for the longer idle time.
package helper

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// Magic and the word after it are the arguments by which the helper knows itself.
const (
	Magic = "hutch-helper"
	Serve = "serve"
	Dial  = "dial"
	Share = "share"
)

// Args are the arguments, after the program, that make it the helper in one of its parts.
func Args(part string) []string { return []string{Magic, part} }

// ShareArgs are those of the part that lets everybody write a directory.
func ShareArgs(dir string) []string { return []string{Magic, Share, dir} }

// Version is that of what owner and helper say to each other before the wire takes over.
const Version = 1

// Setup is the first line on the standard input of the helper.
type Setup struct {
	Version int
	Root    string        // the workspace, an absolute path
	Key     string        // what later owners must say
	Name    string        // of the helper's own socket, in the abstract space
	Socket  string        // the owner's socket, a path; "" is none
	Lease   time.Duration // how long to live without an owner
	Idle    time.Duration // how long after an owner has detached; negative is for good
}

// Answer is the first line on its standard output.
type Answer struct {
	Error  string `json:",omitempty"` // why it cannot serve
	Socket bool   `json:",omitempty"` // the owner's socket is in use, the streams are not
}

// Hello is the first line of a later owner, to the dialler, which passes it on.
type Hello struct {
	Version int
	Name    string // which socket to connect to
	Key     string
}

// Routes of the helper beyond those of the wire.
const (
	RouteDetach = "detach" // the lease of the connection is the idle time from here on
)

// maxLine bounds the lines above.
const maxLine = 64 << 10

// WriteLine writes v as one line.
func WriteLine(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// ReadLine reads one line into v, and not a byte more than that: what follows is not ours.
func ReadLine(r io.Reader, v any) error {
	br, ok := r.(io.ByteReader)
	if !ok {
		br = byteReader{r}
	}
	var line []byte
	for len(line) < maxLine {
		c, err := br.ReadByte()
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if c == '\n' {
			return json.Unmarshal(line, v)
		}
		line = append(line, c)
	}
	return errors.New("helper: line too long")
}

type byteReader struct{ r io.Reader }

func (b byteReader) ReadByte() (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(b.r, one[:])
	return one[0], err
}

var _ io.ByteReader = (*bufio.Reader)(nil)
