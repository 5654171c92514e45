package mcpserver

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// lastWords is how long what is under way may take after the client has said that
// it says no more.
const lastWords = time.Second

// Serve serves one client on rwc, a message a line, until the client ends or ctx
// does. It closes rwc, and Close of rwc must end a Read and a Write that are under
// way. At the end of what the client sends, what is under way has a second to
// answer; then, and at once when ctx ends or the client cannot be written to, its
// calls are ended. They are gone when Serve returns. The error is that of ctx, or
// of reading or writing; a client that ends is none.
func (s *Server) Serve(ctx context.Context, rwc io.ReadWriteCloser) error {
	defer rwc.Close()
	if !s.begin() {
		return fmt.Errorf("mcpserver: the server is closed")
	}
	defer s.all.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.own.ctx, cancel)()
	c := &conn{rwc: rwc, r: bufio.NewReaderSize(rwc, 64<<10), s: s, pending: map[jsonrpc.ID]int{}, closed: make(chan struct{})}
	own := &owner{ctx: ctx}
	talk, err := s.conversation()
	if err != nil {
		return err
	}
	defer s.release(talk)
	ss, err := talk.mcp.Connect(context.WithValue(context.WithoutCancel(ctx), ownerKey{}, own), c, nil)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { c.Close() })()
	err = ss.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	cancel() // for calls that wait for a client to come back
	own.calls.Wait()
	return err
}

// conn is a connection of lines. It is what the SDK has for streams, but a message
// that cannot be taken is answered and does not end the connection, and what is
// under way has bounds.
type conn struct {
	rwc io.ReadWriteCloser
	r   *bufio.Reader
	s   *Server

	writing sync.Mutex

	mu      sync.Mutex
	pending map[jsonrpc.ID]int // the size of every request without an answer
	drained chan struct{}      // closed when nothing is pending; nil before the end
	once    sync.Once
	closed  chan struct{}
}

// Connect makes c its own transport, which is used once.
func (c *conn) Connect(context.Context) (mcp.Connection, error) { return c, nil }

func (c *conn) SessionID() string { return "" }

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		_ = c.rwc.Close()
	})
	return nil
}

// Read returns the next message that can be taken.
func (c *conn) Read(context.Context) (jsonrpc.Message, error) {
	for {
		line, skimmed, err := c.line()
		if err != nil {
			return nil, c.over(err)
		}
		msg, refusal := c.take(line, skimmed)
		if refusal != nil {
			if err := c.write(refusal); err != nil {
				return nil, c.over(err)
			}
		}
		if msg != nil {
			return msg, nil
		}
	}
}

// take decodes a message. It may be neither a message nor worth an answer.
func (c *conn) take(line []byte, skimmed *skimmer) (jsonrpc.Message, *jsonrpc.Response) {
	if skimmed != nil {
		return nil, skimmed.refusal(jsonrpc.CodeInvalidRequest, tooLarge(c.s.o.MaxMessage))
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return nil, nil
	}
	skim := func() *skimmer { k := &skimmer{}; _, _ = k.Write(line); return k }
	if line[0] == '[' {
		return nil, skim().refusal(jsonrpc.CodeInvalidRequest, "batches are not taken; send one message a line")
	}
	if !json.Valid(line) || !utf8.Valid(line) {
		return nil, skim().refusal(jsonrpc.CodeParseError, "the message is not JSON in UTF-8 on one line")
	}
	msg, err := jsonrpc.DecodeMessage(line)
	if err != nil {
		return nil, skim().refusal(jsonrpc.CodeInvalidRequest, "the message is not a JSON-RPC 2.0 message")
	}
	if req, ok := msg.(*jsonrpc.Request); ok && req.IsCall() && !c.begin(req.ID, len(line)) {
		return nil, skim().refusal(codeTooMuch, tooMuch)
	}
	return msg, nil
}

// line reads a line. One that is too long is skimmed.
func (c *conn) line() (line []byte, skimmed *skimmer, err error) {
	for {
		part, err := c.r.ReadSlice('\n')
		switch {
		case skimmed != nil:
			_, _ = skimmed.Write(part)
		case len(line)+len(part) > c.s.o.MaxMessage:
			skimmed = &skimmer{}
			_, _ = skimmed.Write(line)
			_, _ = skimmed.Write(part)
			line = nil
		default:
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err == io.EOF && (len(line) > 0 || skimmed != nil) {
			err = nil // the last line may have no end
		}
		return line, skimmed, err
	}
}

// begin counts a request, unless there are too many.
func (c *conn) begin(id jsonrpc.ID, size int) bool {
	if !c.s.load.take(size) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, twice := c.pending[id]; twice {
		c.s.load.give(size) // the SDK refuses it
		return true
	}
	c.pending[id] = size
	return true
}

func (c *conn) answered(id jsonrpc.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	size, ok := c.pending[id]
	if !ok {
		return
	}
	delete(c.pending, id)
	c.s.load.give(size)
	if len(c.pending) == 0 && c.drained != nil {
		close(c.drained)
		c.drained = nil
	}
}

// over is called when nothing more can be read: it waits for the last answers.
func (c *conn) over(err error) error {
	if errors.Is(err, io.EOF) {
		c.mu.Lock()
		drained := make(chan struct{})
		if len(c.pending) == 0 {
			close(drained)
		} else {
			c.drained = drained
		}
		c.mu.Unlock()
		t := time.NewTimer(lastWords)
		defer t.Stop()
		select {
		case <-drained:
		case <-t.C:
		case <-c.closed:
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, size := range c.pending {
		c.s.load.give(size)
		delete(c.pending, id)
	}
	return err
}

// Write writes a message.
func (c *conn) Write(_ context.Context, msg jsonrpc.Message) error {
	err := c.write(msg)
	if resp, ok := msg.(*jsonrpc.Response); ok {
		c.answered(resp.ID)
	}
	return err
}

func (c *conn) write(msg jsonrpc.Message) error {
	data, err := jsonrpc.EncodeMessage(msg)
	if err != nil {
		return err
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err = c.rwc.Write(append(data, '\n'))
	return err
}
