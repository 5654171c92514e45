package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"
)

// stream is the standard output: gathered into large writes, but never held
// back for longer than flushAfter, so that a reader sees results as they come.
type stream struct {
	file *os.File

	mu    sync.Mutex
	w     *bufio.Writer
	timer *time.Timer
	armed bool
	err   error
}

const flushAfter = 20 * time.Millisecond

func newStream(f *os.File) *stream { return &stream{file: f, w: bufio.NewWriterSize(f, 32<<10)} }

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	s.err = err
	if !s.armed {
		s.armed = true
		if s.timer == nil {
			s.timer = time.AfterFunc(flushAfter, func() { s.Flush() })
		} else {
			s.timer.Reset(flushAfter)
		}
	}
	return n, err
}

// Flush hands on what was written.
func (s *stream) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// Err is the first error of a write.
func (s *stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close flushes for the last time.
func (s *stream) Close() error {
	err := s.Flush()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	return err
}

// printJSON prints v as a JSON document on a line of its own.
func (c *cli) printJSON(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// input is the standard input. A read of it ends with the context, even where
// the system goes on waiting for somebody to type.
type input struct {
	ctx  context.Context
	file *os.File
	once sync.Once
	r    *io.PipeReader
}

func newInput(ctx context.Context, f *os.File) *input { return &input{ctx: ctx, file: f} }

func (in *input) Read(p []byte) (int, error) {
	in.once.Do(in.start)
	return in.r.Read(p)
}

// start begins to read. The reader may outlive the run: nothing but the end of
// the process can take a read of a terminal back.
func (in *input) start() {
	r, w := io.Pipe()
	in.r = r
	context.AfterFunc(in.ctx, func() { r.CloseWithError(in.ctx.Err()) })
	go func() {
		_, err := io.Copy(w, in.file)
		w.CloseWithError(err)
	}()
}
