package mcpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"

	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// call is one use of a tool. It may take several requests of the client: where a
// question travels in an answer, the next request brings what was replied, and the
// tool has been waiting meanwhile.
type call struct {
	s     *Server
	talk  *conversation
	owner *owner
	tool  *tool.Tool
	input json.RawMessage

	ctx  context.Context // of the tool; ends when the client has gone
	stop context.CancelFunc
	done chan outcome // gets one

	asking sync.Mutex     // one question at a time
	asks   chan *question // taken by who follows the call

	mu    sync.Mutex
	round *round // the request that waits for the call, nil between two
}

// round is a request of the client.
type round struct {
	ctx context.Context
	req *mcp.CallToolRequest
}

type outcome struct {
	res tool.Result
	err error
}

type callKey struct{}

// call answers a request to use a tool.
func (t *conversation) call(ctx context.Context, with *tool.Tool, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	ctx, over := t.s.withPost(ctx, req.Extra)
	defer over()
	c, err := t.callOf(ctx, with, req)
	if err != nil {
		return nil, err
	}
	return c.follow(ctx, req)
}

// callOf is the call that a request is about: a new one, or one that has asked.
func (t *conversation) callOf(ctx context.Context, with *tool.Tool, req *mcp.CallToolRequest) (*call, error) {
	s := t.s
	if req.Params.RequestState != "" {
		return s.unpark(ctx, with, req)
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, errCancelled
	}
	if !s.begin() {
		<-s.slots
		return nil, errEnding
	}
	c := &call{s: s, talk: t, owner: s.owner(ctx), tool: with, input: req.Params.Arguments, done: make(chan outcome, 1), asks: make(chan *question)}
	if len(c.input) == 0 {
		c.input = json.RawMessage("{}")
	}
	c.ctx, c.stop = context.WithCancel(context.WithValue(c.owner.ctx, callKey{}, c))
	c.owner.calls.Add(1)
	c.begin(&round{ctx, req})
	s.mu.Lock()
	s.calls[c] = true
	s.mu.Unlock()
	go c.run(req.Params.GetProgressToken() != nil)
	return c, nil
}

// run does the work of the call.
func (c *call) run(progress bool) {
	defer c.s.all.Done()
	defer c.owner.calls.Done()
	in := tool.Call{Input: c.input}
	end := func() {}
	if progress {
		p := newProgress(c)
		in.Progress, end = p.add, p.end
	}
	res, err := c.tool.Call(c.ctx, in)
	end()
	c.stop()
	<-c.s.slots
	c.s.mu.Lock()
	delete(c.s.calls, c)
	c.s.mu.Unlock()
	c.done <- outcome{res, err}
}

// follow waits until the call has ended, or has a question that travels in the
// answer. A request that ends, ends the call.
func (c *call) follow(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
	defer c.begin(nil)
	let := context.AfterFunc(ctx, c.stop)
	defer let()
	for {
		select {
		case o := <-c.done:
			return c.talk.result(o)
		case q := <-c.asks:
			if !let() {
				q.reply <- "" // nobody waits for the call any more
				continue
			}
			if res := c.s.park(c, q); res != nil {
				return res, nil
			}
			q.reply <- ""
			let = context.AfterFunc(ctx, c.stop)
		}
	}
}

// begin begins a round, or ends the last one.
func (c *call) begin(r *round) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round = r
}

func (c *call) current() *round {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.round
}

// owner is what calls belong to: a connection, or the server. Over HTTP a request
// ends its calls anyway, and those between two requests belong to the server.
type owner struct {
	ctx   context.Context
	calls sync.WaitGroup
}

type ownerKey struct{}

func (s *Server) owner(ctx context.Context) *owner {
	if o, ok := ctx.Value(ownerKey{}).(*owner); ok {
		return o
	}
	return s.own
}

// stopSession ends the calls of a session of HTTP.
func (s *Server) stopSession(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.calls {
		if r := c.current(); r != nil && r.req.Session.ID() == id {
			c.stop()
		}
	}
}

// sameArguments compares arguments as values; the order of keys is no difference.
func sameArguments(a, b json.RawMessage) bool {
	return bytes.Equal(canonical(a), canonical(b))
}

func canonical(data json.RawMessage) []byte {
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if len(data) == 0 {
		return []byte("{}")
	}
	if d.Decode(&v) != nil {
		return data
	}
	out, err := json.Marshal(v)
	if err != nil {
		return data
	}
	return out
}

func protocolError(code int64, text string) error { return &jsonrpc.Error{Code: code, Message: text} }

var (
	errCancelled = protocolError(jsonrpc.CodeInternalError, "the call was cancelled")
	errEnding    = protocolError(jsonrpc.CodeInternalError, "the server is ending")
	errForgotten = protocolError(jsonrpc.CodeInvalidParams, "the question that this answers is not open any more and nothing was done; call the tool again")
)
