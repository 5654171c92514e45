package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
)

// typed is what is typed at a terminal, read as it comes, so that what was typed
// before a question is known not to be its answer.
type typed struct {
	file *os.File

	mu   sync.Mutex
	buf  []byte
	err  error         // of the last read; the next one waits until it was seen
	news chan struct{} // something has come
	seen chan struct{} // err was seen
}

// newTyped begins to read. The reader may outlive the run: nothing but the end of
// the process can take a read of a terminal back.
func newTyped(f *os.File) *typed {
	t := &typed{file: f, news: make(chan struct{}, 1), seen: make(chan struct{}, 1)}
	go t.fill()
	return t
}

// maxTyped is how many bytes are kept for who reads.
const maxTyped = 1 << 20

func (t *typed) fill() {
	chunk := make([]byte, 4096)
	for {
		n, err := t.file.Read(chunk)
		t.mu.Lock()
		if len(t.buf) < maxTyped {
			t.buf = append(t.buf, chunk[:n]...)
		}
		t.err = err
		t.mu.Unlock()
		select {
		case t.news <- struct{}{}:
		default:
		}
		if err != nil {
			<-t.seen
		}
	}
}

// read waits for something, or for the end of ctx.
func (t *typed) read(ctx context.Context, p []byte) (int, error) {
	for {
		if n, err := t.take(p); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-t.news:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

func (t *typed) take(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := copy(p, t.buf)
	t.buf = t.buf[n:]
	if n > 0 || t.err == nil {
		return n, nil
	}
	return 0, t.forget()
}

// forget lets the reader go on after an error. The caller holds mu.
func (t *typed) forget() error {
	err := t.err
	if t.err = nil; err != nil {
		t.seen <- struct{}{}
	}
	return err
}

// drop forgets what was typed and not read.
func (t *typed) drop() {
	flushInput(t.file)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = nil
	_ = t.forget()
}

// maxAnswer is how long an answer is.
const maxAnswer = 4096

// line reads one line.
func (t *typed) line(ctx context.Context) (string, error) {
	var line []byte
	for one := make([]byte, 1); ; {
		n, err := t.read(ctx, one)
		switch {
		case err == io.EOF:
			return string(line), nil // as the line has it; none is no yes
		case err != nil:
			return "", err
		case n > 0 && one[0] == '\n':
			return string(line), nil
		case len(line) >= maxAnswer:
			return "", fmt.Errorf("a line of more than %d bytes is no answer", maxAnswer)
		}
		line = append(line, one[:n]...)
	}
}
