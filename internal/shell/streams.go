package shell

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"sync"
)

// verdict is what the wrapper of a command says of it: "end 137 signal".
type verdict struct {
	word, rest string
}

// filter passes on what a command prints on its standard error, all but the one
// line of the wrapper, which may come in the middle of it.
type filter struct {
	w     io.Writer
	mark  []byte // the beginning of the line
	held  []byte // may be the beginning of it
	found bool
	said  func(verdict)
}

func (f *filter) Write(p []byte) (int, error) {
	if f.found {
		return f.w.Write(p)
	}
	f.held = append(f.held, p...)
	at := bytes.Index(f.held, f.mark)
	if at < 0 {
		return len(p), f.pass(len(f.held) - overlap(f.held, f.mark))
	}
	line := f.held[at+len(f.mark):]
	nl := bytes.IndexByte(line, '\n')
	if nl < 0 {
		if len(line) > maxVerdict {
			return len(p), f.pass(at + len(f.mark)) // not of the wrapper
		}
		return len(p), f.pass(at)
	}
	word, rest, _ := strings.Cut(string(line[:nl]), " ")
	f.found = true
	err := f.pass(at)
	f.held = f.held[len(f.mark)+nl+1:]
	if e := f.pass(len(f.held)); err == nil {
		err = e
	}
	f.said(verdict{word, rest})
	return len(p), err
}

// maxVerdict is more than the wrapper ever says.
const maxVerdict = 100

// pass passes on the first n bytes of what is held.
func (f *filter) pass(n int) error {
	if n == 0 {
		return nil
	}
	_, err := f.w.Write(f.held[:n])
	f.held = append(f.held[:0], f.held[n:]...)
	return err
}

// flush passes on what has turned out not to be the line.
func (f *filter) flush() error { return f.pass(len(f.held)) }

// overlap is how long an end of b is that mark begins with.
func overlap(b, mark []byte) int {
	for n := min(len(b), len(mark)-1); n > 0; n-- {
		if bytes.Equal(b[len(b)-n:], mark[:n]) {
			return n
		}
	}
	return 0
}

// sink is a writer of the caller that is called by one goroutine at a time, and
// not again after an error.
type sink struct {
	mu     *sync.Mutex
	w      io.Writer
	err    *error
	failed func()
}

// sinks are those of two writers, which may be one. failed is called when one
// of them fails.
func sinks(stdout, stderr io.Writer, failed func()) (out, errs *sink) {
	out = &sink{new(sync.Mutex), stdout, new(error), failed}
	errs = &sink{new(sync.Mutex), stderr, new(error), failed}
	if sameWriter(stdout, stderr) {
		errs.mu, errs.err = out.mu, out.err
	}
	return out, errs
}

func sameWriter(a, b io.Writer) bool {
	return a != nil && b != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Write never fails: what the command prints must be read on.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w == nil || *s.err != nil {
		return len(p), nil
	}
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		*s.err = err
		s.failed()
	}
	return len(p), nil
}
