package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/hutch-dev/hutch"
)

// exec runs a command. What it prints is sent as it comes; what it is to read,
// signals, and the wish to end it, come in meanwhile. When the client is gone, the
// context of the request ends and the command with it.
func (c *call) exec() error {
	if c.Command == nil {
		return &fs.PathError{Op: "exec", Path: "", Err: fmt.Errorf("%w: no program", fs.ErrInvalid)}
	}
	x, ok := hutch.As[hutch.Execer](c.h.b)
	if !ok {
		return unable("exec", c.Name)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	in := newStdin(c.out)
	cmd := c.Command.cmd(c.Name, c.out, in)
	var listening sync.WaitGroup
	if c.Command.Signals {
		if len(c.h.signals) == 0 {
			return unable("exec", c.Name)
		}
		in.signals = newSignals(c.out)
		cmd.Signals = in.signals.to
		listening.Go(in.signals.pass)
	}
	listening.Go(func() { in.listen(&c.in, cancel) })
	res, err := x.Exec(ctx, cmd)
	in.close()
	c.r.Body.Close() // so that listen returns
	listening.Wait()
	if err != nil {
		return err
	}
	return c.result(result(res))
}

func (m *command) cmd(dir string, out *outlet, in *stdin) *hutch.Cmd {
	cmd := &hutch.Cmd{Args: stringsOf(m.Args), Env: stringsOf(m.Env), Dir: dir, Limits: hutch.Limits(m.Limits)}
	if m.Stdin {
		cmd.Stdin = in
	}
	if m.Stdout {
		cmd.Stdout = &printer{out, kindOut}
	}
	switch {
	case m.Stderr && m.Merge && m.Stdout:
		cmd.Stderr = cmd.Stdout
	case m.Stderr:
		cmd.Stderr = &printer{out, kindErr}
	}
	return cmd
}

// printer is a stream of output.
type printer struct {
	out  *outlet
	kind byte
}

func (p *printer) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := p.out.put(p.kind, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// stdin is the input of a command. The client sends no more than the command has
// made room for, so that there is always room for the wish to end it.
type stdin struct {
	out     *outlet
	signals *signals // nil: there are none

	mu     sync.Mutex
	wake   sync.Cond
	buf    []byte
	err    error // after buf
	closed bool
	eaten  int // since the client was last told
}

func newStdin(out *outlet) *stdin {
	s := &stdin{out: out}
	s.wake.L = &s.mu
	return s
}

// Read implements io.Reader for the command.
func (s *stdin) Read(p []byte) (int, error) {
	n, credit, err := s.take(p)
	if credit > 0 {
		// An error of the answer is one of everything, and comes out elsewhere.
		_ = s.out.put(kindCredit, binary.BigEndian.AppendUint32(nil, uint32(credit)))
	}
	return n, err
}

func (s *stdin) take(p []byte) (n, credit int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.buf) == 0 && s.err == nil && !s.closed {
		s.wake.Wait()
	}
	switch {
	case s.closed:
		return 0, 0, io.EOF
	case len(s.buf) == 0:
		return 0, 0, s.err
	}
	n = copy(p, s.buf)
	if s.buf = s.buf[n:]; len(s.buf) == 0 {
		s.buf = nil
	}
	if s.eaten += n; s.eaten >= stdinWindow/4 && s.err == nil {
		credit, s.eaten = s.eaten, 0
	}
	return n, credit, nil
}

// close lets go of a reader and of a signal that wait.
func (s *stdin) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.buf = true, nil
	if s.signals != nil {
		close(s.signals.over)
	}
	s.wake.Broadcast()
}

// listen takes in what the client sends, and ends the command when it asks for
// that, breaks the rules or falls silent before the end.
func (s *stdin) listen(in *receiver, kill func()) {
	for {
		kind, payload, err := in.frame(maxFrame)
		if err == nil {
			err = s.add(kind, payload)
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			s.fail(err)
			kill()
			return
		}
	}
}

var errKilled = errors.New("the client has ended the command")

// add takes a frame. io.EOF says that it was the last one.
func (s *stdin) add(kind byte, p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch kind {
	case kindData:
		if s.err != nil || len(s.buf)+s.eaten+len(p) > stdinWindow {
			return broken("input that there is no room for")
		}
		if !s.closed {
			s.buf = append(s.buf, p...)
		}
	case kindEOF:
		s.err = io.EOF
	case kindSignal:
		return s.signals.add(p)
	case kindStop:
		return errKilled
	case kindEnd:
		if s.err == nil {
			s.err = io.EOF
		}
		s.wake.Broadcast()
		return io.EOF
	default:
		return broken("unexpected frame")
	}
	s.wake.Broadcast()
	return nil
}

func (s *stdin) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.wake.Broadcast()
}
