package mcpserver

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Question is put to the person who uses the client.
type Question struct {
	Title string // a sentence
	Text  string // what there is to know, such as a diff; may be empty
	// Answers are what can be replied.
	Answers []string
}

// ErrNobody is the error of Ask where nobody can be asked: the client cannot, the
// call has ended, or ctx is not that of a call. It matches fs.ErrPermission.
var ErrNobody = fmt.Errorf("the client cannot ask its user: %w", fs.ErrPermission)

const (
	maxQuestion = 64 << 10         // bytes of Title and Text
	maxParked   = 32               // calls that wait for a client to come back
	parkTime    = 15 * time.Minute // how long they wait
)

// Ask puts a question to the user of the client whose call is at work, through
// the elicitation of the protocol, and waits for the answer. ctx is the one that
// the tool was called with, or derived from it. The answer is one of q.Answers, or
// "" where the user declines, dismisses the question or replies something else.
//
// What is longer than 64 KiB is not shown in part: it is ErrNobody.
func Ask(ctx context.Context, q Question) (answer string, err error) {
	c, ok := ctx.Value(callKey{}).(*call)
	if !ok || len(q.Title)+len(q.Text) > maxQuestion {
		return "", ErrNobody
	}
	c.asking.Lock()
	defer c.asking.Unlock()
	if err := ctx.Err(); err != nil {
		return "", err
	}
	r := c.current()
	if r == nil || !canAsk(r.req) {
		return "", ErrNobody
	}
	if r.req.ProtocolVersion() >= travelling {
		return c.askTravelling(ctx, q)
	}
	return askNow(ctx, r, q)
}

// travelling is the first version of the protocol in which a question travels in
// the answer to a call, and the reply in another call.
const travelling = "2026-07-28"

func canAsk(req *mcp.CallToolRequest) bool {
	caps := req.ClientCapabilities()
	if caps == nil || caps.Elicitation == nil {
		return false
	}
	return caps.Elicitation.Form != nil || caps.Elicitation.URL == nil
}

// askNow asks by a request to the client.
func askNow(ctx context.Context, r *round, q Question) (string, error) {
	// The context of the request says to which stream the question belongs.
	asking, cancel := context.WithCancel(r.ctx)
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	res, err := r.req.Session.Elicit(asking, q.params())
	switch {
	case asking.Err() != nil:
		return "", asking.Err()
	case err != nil:
		return "", ErrNobody
	}
	return q.answer(res), nil
}

// question is one that travels.
type question struct {
	Question
	reply chan string // has room for one
}

func (c *call) askTravelling(ctx context.Context, q Question) (string, error) {
	t := &question{q, make(chan string, 1)}
	select {
	case c.asks <- t:
	case <-ctx.Done():
		return "", ctx.Err()
	case <-c.ctx.Done(): // what asks has outlived its call
		return "", ErrNobody
	}
	select {
	case answer := <-t.reply:
		return answer, nil
	case <-c.ctx.Done():
		return "", cmp.Or(ctx.Err(), ErrNobody)
	}
}

// approval is the name of the only question in an answer.
const approval = "approval"

// park makes the answer that carries the question of a call, which waits until the
// client comes back with what it says in RequestState. It is nil where too many
// wait already.
func (s *Server) park(c *call, q *question) *mcp.CallToolResult {
	state := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut || len(s.parked) >= maxParked {
		return nil
	}
	s.parked[state] = &parked{c, q, time.AfterFunc(parkTime, c.stop)}
	context.AfterFunc(c.ctx, func() { s.take(state) })
	return &mcp.CallToolResult{RequestState: state, InputRequests: mcp.InputRequestMap{approval: q.params()}}
}

// parked is a call that waits for its client.
type parked struct {
	call     *call
	question *question
	limit    *time.Timer
}

// take takes what is parked under state; nil if there is nothing.
func (s *Server) take(state string) *parked {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parked[state]
	delete(s.parked, state)
	if p != nil {
		p.limit.Stop()
	}
	return p
}

// unpark is the parked call that a request answers, with its question answered.
// A state is good for one request, with the tool and the arguments that were asked
// about.
func (s *Server) unpark(ctx context.Context, t *tool.Tool, req *mcp.CallToolRequest) (*call, error) {
	p := s.take(req.Params.RequestState)
	if p == nil {
		return nil, errForgotten
	}
	if p.call.tool.Name != t.Name || !sameArguments(p.call.input, req.Params.Arguments) {
		p.call.stop()
		return nil, errForgotten
	}
	p.call.begin(&round{ctx, req})
	res, _ := req.Params.InputResponses[approval].(*mcp.ElicitResult)
	p.question.reply <- p.question.answer(res)
	return p.call, nil
}

func (q Question) params() *mcp.ElicitParams {
	return &mcp.ElicitParams{
		Mode:    "form",
		Message: strings.TrimSpace(q.Title + "\n\n" + q.Text),
		RequestedSchema: map[string]any{
			"type":       "object",
			"properties": map[string]any{"answer": map[string]any{"type": "string", "title": "Answer", "enum": q.Answers}},
			"required":   []string{"answer"},
		},
	}
}

func (q Question) answer(res *mcp.ElicitResult) string {
	if res == nil || res.Action != "accept" {
		return ""
	}
	answer, _ := res.Content["answer"].(string)
	if !slices.Contains(q.Answers, answer) {
		return ""
	}
	return answer
}
