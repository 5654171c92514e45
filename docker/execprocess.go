package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hutch-dev/hutch/internal/shell"
	"github.com/moby/moby/client"
)

// execProcess is a program that the engine has started in a container.
type execProcess struct {
	x    *execs
	id   string
	conn client.HijackedResponse

	out, err *pipe
	ended    chan struct{} // the streams have
	failure  error         // of the streams; set before ended is closed
}

var _ shell.Process = (*execProcess)(nil)

func newExecProcess(x *execs, id string, conn client.HijackedResponse) *execProcess {
	p := &execProcess{x: x, id: id, conn: conn, out: newPipe(), err: newPipe(), ended: make(chan struct{})}
	go p.split()
	return p
}

// split parts the stream of the engine in two. One that ends in the middle of a
// piece was cut.
func (p *execProcess) split() {
	defer close(p.ended)
	m := newMux(p.conn)
	p.failure = m.split(p.out, p.err)
	p.out.end(p.failure)
	p.err.end(p.failure)
}

func (p *execProcess) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *execProcess) Stderr() io.Reader           { return p.err }
func (p *execProcess) Write(b []byte) (int, error) { return p.conn.Conn.Write(b) }
func (p *execProcess) CloseWrite() error           { return p.conn.CloseWrite() }

func (p *execProcess) Close() error {
	p.conn.Close()
	p.out.drop()
	p.err.drop()
	<-p.ended
	return nil
}

// Wait asks the engine for the status, which it has a moment after the streams
// have ended. A status it does not have is an error.
func (p *execProcess) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		got, err := p.x.e.api.ExecInspect(ctx, p.id, client.ExecInspectOptions{})
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return 0, p.x.lost(err)
		case !got.Running && got.PID == 0 && p.failure != nil:
			return 0, fmt.Errorf("%w: %w", ErrLost, p.failure)
		case !got.Running:
			return got.ExitCode, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// split hands each piece to where it belongs until the stream ends.
func (m *mux) split(out, errs io.Writer) error {
	buf := make([]byte, 32<<10)
	for {
		kind, n, err := m.piece()
		if err == io.EOF {
			return nil
		}
		for n > 0 && err == nil {
			var k int
			k, err = m.r.Read(buf[:min(n, uint32(len(buf)))])
			n -= uint32(k)
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			to := out
			if kind == muxErr {
				to = errs
			}
			if _, werr := to.Write(buf[:k]); werr != nil {
				return werr
			}
		}
		if err != nil {
			return err
		}
	}
}

// pipe is a pipe with room, so that of two streams neither waits for the other
// to be read.
type pipe struct {
	mu    sync.Mutex
	more  sync.Cond
	buf   bytes.Buffer
	over  bool
	gone  bool
	cause error
}

// pipeRoom is how much may wait in a pipe. When both are full the program waits.
const pipeRoom = 1 << 20

func newPipe() *pipe {
	p := &pipe{}
	p.more.L = &p.mu
	return p
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() >= pipeRoom && !p.gone {
		p.more.Wait()
	}
	if p.gone {
		return 0, errors.New("docker: nobody reads")
	}
	p.buf.Write(b)
	p.more.Broadcast()
	return len(b), nil
}

func (p *pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() == 0 && !p.over && !p.gone {
		p.more.Wait()
	}
	if p.buf.Len() > 0 {
		n, _ := p.buf.Read(b)
		p.more.Broadcast()
		return n, nil
	}
	if p.cause != nil {
		return 0, p.cause
	}
	return 0, io.EOF
}

func (p *pipe) end(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over, p.cause = true, cause
	p.more.Broadcast()
}

func (p *pipe) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.more.Broadcast()
}
