package mcpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// raw is a client that writes lines.
type raw struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

const initialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}`

func rawDial(t testing.TB, s *mcpserver.Server) (*raw, func() error) {
	t.Helper()
	near, ended := serve(t, s)
	c := &raw{t, near, bufio.NewReader(near)}
	c.send(initialize)
	c.answer()
	c.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c, ended
}

func (c *raw) send(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *raw) call(id int, name string) {
	c.t.Helper()
	c.send(fmt.Sprintf(`{"method":"tools/call","params":{"name":%q},"jsonrpc":"2.0","id":%d}`, name, id))
}

type answer struct {
	ID     any
	Method string
	Params struct {
		Progress float64
		Message  string
	}
	Result struct {
		Content []struct{ Text string }
		IsError bool
	}
	Error struct {
		Code    int
		Message string
	}
}

func (c *raw) answer() (a answer) {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err == nil {
		err = json.Unmarshal([]byte(line), &a)
	}
	if err != nil {
		c.t.Fatalf("%q: %v", line, err)
	}
	return a
}

// What cannot be taken is answered, to the right id, and the next message is.
func TestBrokenMessages(t *testing.T) {
	s := server(t, &mcpserver.Options{MaxMessage: 1 << 20}, echo())
	c, _ := rawDial(t, s)
	big := strings.Repeat("x", 2<<20)
	for _, tc := range []struct {
		line string
		id   any
		code int
		says string
	}{
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list"`, 1.0, -32700, "not JSON"},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list",}`, 1.0, -32700, "not JSON"},
		{`hello`, nil, -32700, "not JSON"},
		{`{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}`, 1.0, -32700, "not JSON"},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"params\":{\"a\":\"\xff\"}}", 1.0, -32700, "UTF-8"},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, nil, -32600, "batches"},
		{`{"jsonrpc":"1.0","id":"a","method":"ping"}`, "a", -32600, "JSON-RPC"},
		{`{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}`, nil, -32600, "JSON-RPC"},
		{`{"jsonrpc":"2.0"}`, nil, -32600, "JSON-RPC"},
		{`{"jsonrpc":"2.0","id":3,"method":"ping","params":{"id":4,"a":"` + big + `"}}`, 3.0, -32600, "too large"},
		{big, nil, -32600, "too large"},
	} {
		c.send(tc.line)
		if a := c.answer(); a.ID != tc.id || a.Error.Code != tc.code || !strings.Contains(a.Error.Message, tc.says) {
			t.Errorf("%.80s: %+v", tc.line, a)
		}
	}
	c.send("\r\n")
	c.send(`{"jsonrpc":"2.0","id":5,"method":"none"}`)
	if a := c.answer(); a.ID != 5.0 || a.Error.Code != -32601 {
		t.Errorf("an unknown method: %+v", a)
	}
	c.call(6, "echo")
	if a := c.answer(); a.ID != 6.0 || a.Result.Content[0].Text != "{}" {
		t.Errorf("after all that: %+v", a)
	}
}

// repeated is n bytes of one kind.
type repeated struct{ n int }

func (r *repeated) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := min(len(p), r.n)
	for i := range p[:n] {
		p[i] = 'x'
	}
	r.n -= n
	return n, nil
}

// A message of 100 MB is answered in a way that models see, wherever its id stands.
func TestHugeArguments(t *testing.T) {
	c, _ := rawDial(t, server(t, nil, echo()))
	for head, tail := range map[string]string{
		`{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"id":7,"c":"`: `"}}}`,
		`{"method":"tools/call","params":{"name":"echo","arguments":{"c":"`:                                 `\"}"}},"jsonrpc":"2.0","id":"a"}`,
	} {
		go io.Copy(c, io.MultiReader(strings.NewReader(head), &repeated{100 << 20}, strings.NewReader(tail+"\n")))
		a := c.answer()
		if a.ID != "a" || !a.Result.IsError || !strings.Contains(a.Result.Content[0].Text, "nothing was done") {
			t.Errorf("%+v", a)
		}
	}
}

// A cancelled call ends the work; others go on.
func TestCancel(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		block, begun, ended := blocking()
		cs := dial(t, server(t, nil, block, echo()), version, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: "block"}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		<-begun
		call(t, cs, "echo", nil)
		cancel()
		<-ended
		wg.Wait()
		call(t, cs, "echo", nil)
	})
}

// A client that vanishes ends its calls, and Serve returns when they are gone.
func TestVanish(t *testing.T) {
	block, begun, ended := blocking()
	c, over := rawDial(t, server(t, nil, block))
	c.call(1, "block")
	<-begun
	c.Close()
	if err := over(); err != nil {
		t.Error(err)
	}
	if len(ended) != 1 {
		t.Error("Serve has returned before the call has ended")
	}
}

// Close ends calls and connections, also of a client that reads nothing.
func TestClose(t *testing.T) {
	block, begun, ended := blocking()
	s := server(t, nil, block, echo())
	c, over := rawDial(t, s)
	c.call(1, "block")
	<-begun
	for i := range 20 {
		c.call(i+2, "echo") // whose answers nobody reads
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := over(); !errors.Is(err, context.Canceled) {
		t.Errorf("Serve: %v", err)
	}
	if len(ended) != 1 {
		t.Error("a call is still at work")
	}
	near, far := net.Pipe()
	defer near.Close()
	if err := s.Serve(t.Context(), far); err == nil {
		t.Error("a closed server serves")
	}
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the connection is still open: %v", err)
	}
}

// halves is a stream whose two directions end apart, as those of a process do.
type halves struct {
	io.Reader
	*io.PipeWriter
}

// What was sent before the end is answered; what takes longer is ended.
func TestLastWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block, _, ended := blocking()
		slow := fake("slow", func(context.Context, tool.Call) (tool.Result, error) {
			time.Sleep(time.Second / 2)
			return tool.Result{Text: "done"}, nil
		})
		for _, tc := range []struct {
			name string
			want bool
			took time.Duration
		}{{"slow", true, time.Second / 2}, {"block", false, time.Second}} {
			s := server(t, nil, block, slow)
			in := strings.NewReader(initialize + "\n" + `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + tc.name + `"}}`)
			r, w := io.Pipe()
			start := time.Now()
			served := make(chan error)
			go func() { served <- s.Serve(context.Background(), &halves{in, w}) }()
			out, err := io.ReadAll(r)
			if err := <-served; err != nil {
				t.Errorf("%s: Serve: %v", tc.name, err)
			}
			if got := strings.Contains(string(out), "done"); err != nil || got != tc.want || time.Since(start) != tc.took {
				t.Errorf("%s: %v %s, %v", tc.name, time.Since(start), out, err)
			}
			s.Close()
		}
		<-ended
	})
}
