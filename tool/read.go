package tool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// What read_file shows at most.
const (
	maxReadChars = 200_000  // characters in all
	maxLineBytes = 2_000    // bytes of a line
	maxCounted   = 64 << 20 // bytes read to count the lines that are not shown
	sniffed      = 8_000    // bytes that say whether a file is text
	readBuffer   = 64 << 10 // bytes
	maxReadTries = 3        // of a file that changes while it is read
)

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, readBuffer) }}

type readIn struct {
	Path   string `json:"path" jsonschema:"The file to read."`
	Offset int    `json:"offset,omitempty" default:"0" min:"0" jsonschema:"How many lines to skip: 0 begins with line 1, 100 with line 101."`
	Limit  int    `json:"limit,omitempty" default:"2000" min:"1" jsonschema:"How many lines to show at most."`
}

type readAllIn struct {
	readIn
	Hashes bool `json:"hashes,omitempty" default:"false" jsonschema:"Show each line as number:hash|text, for hashline_edit."`
}

// readTool makes read_file. It has no Data: what it answers is text, and a
// second copy of it would only be read twice.
func (c *console) readTool() Tool {
	s := spec{name: "read_file", title: "Read file", op: guard.Read, readOnly: true, idempotent: true}
	if c.o.EditFormat == AllFormats {
		return newTool(c, s, func(ctx context.Context, _ Call, in readAllIn) (answer[none], error) {
			return c.read(ctx, in)
		})
	}
	return newTool(c, s, func(ctx context.Context, _ Call, in readIn) (answer[none], error) {
		return c.read(ctx, readAllIn{in, c.o.EditFormat == Hashline})
	})
}

func (c *console) read(ctx context.Context, in readAllIn) (answer[none], error) {
	name, err := c.resolve(in.Path)
	if err != nil {
		return answer[none]{}, err
	}
	for try := 1; ; try++ {
		a, err := c.readOnce(ctx, name, in)
		if try < maxReadTries && errors.Is(err, hutch.ErrConflict) {
			continue
		}
		return a, c.readError(ctx, name, err)
	}
}

// readError says more about what the model is most often wrong about.
func (c *console) readError(ctx context.Context, name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c.missing(ctx, "File", name)
	case errors.Is(err, hutch.ErrIsDir):
		return mistakef("'%s' is a directory. Use ls to see what is in it.", c.path(name))
	}
	return err
}

func (c *console) readOnce(ctx context.Context, name string, in readAllIn) (answer[none], error) {
	_, gen := c.seen.at(name)
	f, err := c.b.Open(ctx, name)
	if err != nil {
		return answer[none]{}, err
	}
	defer f.Close()
	r := readers.Get().(*bufio.Reader)
	r.Reset(f)
	defer func() {
		r.Reset(nil)
		readers.Put(r)
	}()
	head, err := r.Peek(sniffed)
	if err != nil && err != io.EOF {
		return answer[none]{}, err
	}
	var a answer[none]
	if kind := kindOfFile(head); kind != "" {
		a, err = c.readMedia(ctx, name, kind, f.Info(), r)
	} else {
		a.text, err = c.readText(ctx, r, name, in)
	}
	if err == nil {
		c.seen.read(name, f.Info().Rev, gen)
	}
	return a, err
}

func (c *console) readText(ctx context.Context, r *bufio.Reader, name string, in readAllIn) (string, error) {
	w := window{lines: newLineReader(ctx, r, maxLineBytes, in.Hashes), hashes: in.Hashes}
	passed, err := w.start(in.Offset)
	if err != nil {
		return "", err
	}
	if w.ended && passed == 0 && in.Offset == 0 {
		return "(empty file)", nil
	}
	if w.ended {
		return "", mistakef("Offset %d exceeds file length (%s) of '%s'.", in.Offset, count(passed, "line", "lines"), c.path(name))
	}
	shown, more, err := w.show(in.Offset, in.Limit)
	if err != nil {
		return "", err
	}
	text := strings.TrimSuffix(string(w.out), "\n")
	switch {
	case more > 0 && w.counted:
		text += fmt.Sprintf("\n\n... (%s) Use offset=%d to read on.", count(more, "more line", "more lines"), in.Offset+shown)
	case more > 0:
		text += fmt.Sprintf("\n\n... (more than %d more lines) Use offset=%d to read on.", more-1, in.Offset+shown)
	}
	if w.broken {
		text += "\n\n(Not valid UTF-8: bytes that are no characters are shown as \ufffd. The edit tools do not take this file.)"
	}
	return text, nil
}
