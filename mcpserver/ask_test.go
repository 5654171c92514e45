package mcpserver_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// replying is a client whose user replies as f says.
func replying(f func(*mcp.ElicitParams) *mcp.ElicitResult) *clientOptions {
	return &clientOptions{ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		return f(r.Params), nil
	}}
}

func accept(answer any) *mcp.ElicitResult {
	return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"answer": answer}}
}

func TestAsk(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		s := server(t, nil, asking())
		for name, tc := range map[string]struct {
			reply *mcp.ElicitResult
			want  string
		}{
			"once":    {accept("once"), "answer: once"},
			"always":  {accept("always"), "answer: always"},
			"decline": {&mcp.ElicitResult{Action: "decline"}, "answer: "},
			"cancel":  {&mcp.ElicitResult{Action: "cancel", Content: map[string]any{"answer": "once"}}, "answer: "},
		} {
			var seen *mcp.ElicitParams
			cs := dial(t, s, version, replying(func(p *mcp.ElicitParams) *mcp.ElicitResult { seen = p; return tc.reply }))
			if res := call(t, cs, "ask", map[string]any{"b": 1, "a": 2}); text(res) != tc.want {
				t.Errorf("%s: %q", name, text(res))
			}
			if seen == nil || seen.Message != "May I?\n\n-a\n+b" {
				t.Errorf("%s: %+v", name, seen)
			}
		}
		if res := call(t, dial(t, s, version, nil), "ask", nil); !res.IsError || text(res) != "nobody" {
			t.Errorf("a client that cannot ask: %+v", res)
		}
	})
}

func TestAskWhereNobodyIs(t *testing.T) {
	if _, err := mcpserver.Ask(t.Context(), mcpserver.Question{}); !errors.Is(err, mcpserver.ErrNobody) {
		t.Error(err)
	}
}

// byHand is a client that handles questions in answers itself.
func byHand(t *testing.T, s *mcpserver.Server) *mcp.ClientSession {
	o := replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return nil })
	o.MultiRoundTrip = &mcp.MultiRoundTripOptions{Disabled: true}
	return dial(t, s, "2026-07-28", o)
}

func question(t *testing.T, cs *mcp.ClientSession, args any) string {
	t.Helper()
	res := call(t, cs, "ask", args)
	if !res.NeedsInput() || len(res.RequestState) < 20 || len(res.Content) > 0 {
		t.Fatalf("%+v", res)
	}
	return res.RequestState
}

func reply(cs *mcp.ClientSession, state string, args any, with mcp.InputResponseMap) (*mcp.CallToolResult, error) {
	return cs.CallTool(context.Background(), &mcp.CallToolParams{Name: "ask", Arguments: args, RequestState: state, InputResponses: with})
}

// A question in an answer is for the call that has asked: no other arguments, no
// second time, and no reply is no.
func TestAskTravels(t *testing.T) {
	s := server(t, nil, asking())
	cs := byHand(t, s)
	yes := mcp.InputResponseMap{"approval": accept("once")}
	args := map[string]any{"path": "a"}
	refused := func(what string, res *mcp.CallToolResult, err error) {
		t.Helper()
		var je *jsonrpc.Error
		if !errors.As(err, &je) || !strings.Contains(je.Message, "nothing was done") {
			t.Errorf("%s: %+v, %v", what, res, err)
		}
	}
	state := question(t, cs, args)
	if res, err := reply(cs, state, args, yes); err != nil || text(res) != "answer: once" {
		t.Errorf("%+v, %v", res, err)
	}
	res, err := reply(cs, state, args, yes)
	refused("a second time", res, err)
	res, err = reply(cs, question(t, cs, args), map[string]any{"path": "b"}, yes)
	refused("other arguments", res, err)
	res, err = reply(cs, "made up", args, yes)
	refused("a state of its own", res, err)
	for _, with := range []mcp.InputResponseMap{nil, {"other": accept("once")}, {"approval": accept("rm -rf")}, {"approval": accept(1)}} {
		if res, err := reply(cs, question(t, cs, args), args, with); err != nil || text(res) != "answer: " {
			t.Errorf("%v: %+v, %v", with, res, err)
		}
	}
}

// Calls that wait for their client are bounded and end with their connection.
func TestAskAndLeave(t *testing.T) {
	s := server(t, nil, asking())
	near, ended := serve(t, s)
	o := replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return nil })
	o.MultiRoundTrip = &mcp.MultiRoundTripOptions{Disabled: true}
	cs := connect(t, &mcp.IOTransport{Reader: near, Writer: near}, "2026-07-28", o)
	state := ""
	for range 32 {
		state = question(t, cs, nil)
	}
	if res := call(t, cs, "ask", nil); res.NeedsInput() || text(res) != "answer: " {
		t.Errorf("one more: %+v", res)
	}
	cs.Close()
	if err := ended(); err != nil {
		t.Error(err)
	}
	if res, err := reply(byHand(t, s), state, nil, mcp.InputResponseMap{"approval": accept("once")}); err == nil {
		t.Errorf("after its client has left: %+v", res)
	}
	_ = question(t, byHand(t, s), nil) // there is room again
}

// Serve waits also for a call that waits for its client.
func TestAskAndLeaveSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := server(t, nil, fake("ask", func(ctx context.Context, _ tool.Call) (tool.Result, error) {
			_, err := mcpserver.Ask(ctx, mcpserver.Question{Title: "May I?", Answers: []string{"once"}})
			time.Sleep(time.Minute) // to put back what it has begun
			ended = true
			return tool.Result{}, err
		}))
		near, over := serve(t, s)
		o := replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return nil })
		o.MultiRoundTrip = &mcp.MultiRoundTripOptions{Disabled: true}
		cs := connect(t, &mcp.IOTransport{Reader: near, Writer: near}, "2026-07-28", o)
		question(t, cs, nil)
		cs.Close()
		if err := over(); err != nil || !ended {
			t.Errorf("%v; the call has ended: %t", err, ended)
		}
		s.Close()
	})
}

// What outlives its call can ask nobody, and does not wait for ever.
func TestAskTooLate(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		late := make(chan error, 1)
		begin := make(chan struct{})
		s := server(t, nil, fake("start", func(ctx context.Context, _ tool.Call) (tool.Result, error) {
			go func() {
				<-begin
				_, err := mcpserver.Ask(context.WithoutCancel(ctx), mcpserver.Question{Answers: []string{"once"}})
				late <- err
			}()
			return tool.Result{Text: "started"}, nil
		}))
		cs := dial(t, s, version, replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return accept("once") }))
		call(t, cs, "start", nil)
		close(begin)
		if err := <-late; !errors.Is(err, mcpserver.ErrNobody) {
			t.Error(err)
		}
	})
}

// Nobody is shown half of what there is to decide about.
func TestAskTooLong(t *testing.T) {
	s := server(t, nil, fake("long", func(ctx context.Context, _ tool.Call) (tool.Result, error) {
		_, err := mcpserver.Ask(ctx, mcpserver.Question{Title: "May I?", Text: strings.Repeat("+", 64<<10), Answers: []string{"once"}})
		return tool.Result{Text: fmt.Sprint(errors.Is(err, mcpserver.ErrNobody))}, nil
	}))
	cs := dial(t, s, "", replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return accept("once") }))
	if res := call(t, cs, "long", nil); text(res) != "true" {
		t.Errorf("%+v", res)
	}
}
