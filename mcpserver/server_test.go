package mcpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const anything = `{"type":"object"}`

// fake is a tool that does what do says.
func fake(name string, do func(context.Context, tool.Call) (tool.Result, error)) tool.Tool {
	return tool.Tool{Name: name, Title: strings.ToUpper(name), Description: "does " + name, Input: json.RawMessage(anything), Call: do}
}

// echo is a tool that returns its arguments.
func echo() tool.Tool {
	t := fake("echo", func(_ context.Context, c tool.Call) (tool.Result, error) {
		return tool.Result{Text: string(c.Input), Data: json.RawMessage(c.Input)}, nil
	})
	t.Output, t.ReadOnly = json.RawMessage(anything), true
	return t
}

// blocking is a tool that says when it has begun, runs until it is cancelled, and
// says when that was.
func blocking() (t tool.Tool, begun, ended chan struct{}) {
	begun, ended = make(chan struct{}, 1000), make(chan struct{}, 1000)
	return fake("block", func(ctx context.Context, _ tool.Call) (tool.Result, error) {
		begun <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return tool.Result{}, ctx.Err()
	}), begun, ended
}

// asking is a tool that asks and tells what was answered.
func asking() tool.Tool {
	t := fake("ask", func(ctx context.Context, c tool.Call) (tool.Result, error) {
		answer, err := mcpserver.Ask(ctx, mcpserver.Question{Title: "May I?", Text: "-a\n+b", Answers: []string{"once", "always"}})
		if errors.Is(err, mcpserver.ErrNobody) && errors.Is(err, fs.ErrPermission) {
			return tool.Result{Text: "nobody", Failed: true}, nil
		}
		return tool.Result{Text: "answer: " + answer}, err
	})
	t.Asks = true
	return t
}

func server(t testing.TB, opts *mcpserver.Options, tools ...tool.Tool) *mcpserver.Server {
	t.Helper()
	s, err := mcpserver.New(func() []tool.Tool { return tools }, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// serve serves one end of a pipe and returns the other. What Serve returns is the
// result of ended.
func serve(t testing.TB, s *mcpserver.Server) (client net.Conn, ended func() error) {
	t.Helper()
	near, far := net.Pipe()
	var wg sync.WaitGroup
	var err error
	wg.Go(func() { err = s.Serve(context.Background(), far) })
	t.Cleanup(func() { near.Close(); wg.Wait() })
	return near, func() error { wg.Wait(); return err }
}

// clientOptions is what a client of the SDK can do.
type clientOptions = mcp.ClientOptions

// connect connects a client of the SDK that speaks a version of the protocol.
func connect(t testing.TB, transport mcp.Transport, version string, opts *clientOptions) *mcp.ClientSession {
	t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, opts)
	cs, err := c.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cs.Close() })
	if got := cs.InitializeResult().ProtocolVersion; version != "" && got != version {
		t.Errorf("the server speaks %s, want %s", got, version)
	}
	return cs
}

func dial(t testing.TB, s *mcpserver.Server, version string, opts *clientOptions) *mcp.ClientSession {
	t.Helper()
	near, _ := serve(t, s)
	return connect(t, &mcp.IOTransport{Reader: near, Writer: near}, version, opts)
}

func call(t testing.TB, cs *mcp.ClientSession, name string, args any) *mcp.CallToolResult {
	t.Helper()
	res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func text(res *mcp.CallToolResult) string {
	var all []string
	for _, c := range res.Content {
		if tc, ok := c.(*mcp.TextContent); ok {
			all = append(all, tc.Text)
		}
	}
	return strings.Join(all, "\n")
}

// versions are those of the protocol that are served.
var versions = []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"}

func eachVersion(t *testing.T, f func(t *testing.T, version string)) {
	if got := mcp.SupportedProtocolVersions(); len(got) != len(versions) {
		t.Errorf("the SDK knows %v", got)
	}
	for _, v := range versions {
		t.Run(v, func(t *testing.T) { f(t, v) })
	}
}

func TestTools(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		destroy := fake("destroy", func(context.Context, tool.Call) (tool.Result, error) {
			return tool.Result{Text: "no such file", Failed: true}, nil
		})
		destroy.Destructive, destroy.Idempotent, destroy.OpenWorld = true, true, true
		cs := dial(t, server(t, &mcpserver.Options{Name: "n", Version: "7", Instructions: "be kind"}, echo(), destroy), version, nil)
		list, err := cs.ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) != 2 {
			t.Fatalf("%v, %v", list, err)
		}
		d, e := list.Tools[0], list.Tools[1]
		if a := d.Annotations; d.Name != "destroy" || a.ReadOnlyHint || !*a.DestructiveHint || !a.IdempotentHint || !*a.OpenWorldHint || d.OutputSchema != nil {
			t.Errorf("%+v %+v", d, a)
		}
		if a := e.Annotations; e.Title != "ECHO" || a.Title != "ECHO" || !a.ReadOnlyHint || *a.DestructiveHint || a.IdempotentHint || *a.OpenWorldHint || e.OutputSchema == nil {
			t.Errorf("%+v %+v", e, a)
		}
		res := call(t, cs, "echo", map[string]any{"a": 1.0})
		if data, _ := res.StructuredContent.(map[string]any); res.IsError || text(res) != `{"a":1}` || data["a"] != 1.0 {
			t.Errorf("%+v", res)
		}
		if res := call(t, cs, "echo", nil); text(res) != `{}` {
			t.Errorf("without arguments: %q", text(res))
		}
		if res := call(t, cs, "destroy", nil); !res.IsError || text(res) != "no such file" {
			t.Errorf("%+v", res)
		}
	})
}

func TestNew(t *testing.T) {
	bad := echo()
	bad.Input = json.RawMessage(`{"type":"array"}`)
	worse := echo()
	worse.Input = json.RawMessage(`{`)
	output := echo()
	output.Output = json.RawMessage(`{`)
	for name, tools := range map[string][]tool.Tool{
		"twice": {echo(), echo()}, "no object": {bad}, "no JSON": {worse}, "output": {output},
		"no name": {fake("", nil)}, "bad name": {fake("a b", nil)},
	} {
		if _, err := mcpserver.New(func() []tool.Tool { return tools }, nil); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Errors that a model cannot mend are those of the protocol, and tell nothing of
// the host.
func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "a/b", Err: hutch.ErrClosed}, "open a/b: backend is closed"},
		{&fs.PathError{Op: "open", Path: "/home/user/a", Err: fs.ErrNotExist}, "the tool has failed"},
		{&fs.PathError{Op: "open", Path: "a", Err: &fs.PathError{Op: "open", Path: "/home/user/a", Err: fs.ErrNotExist}}, "the tool has failed"},
		{errors.New("/home/user/a is gone"), "the tool has failed"},
		{hutch.ErrClosed, "backend is closed"},
		{context.Canceled, "cancelled"},
	} {
		s := server(t, nil, fake("fail", func(context.Context, tool.Call) (tool.Result, error) { return tool.Result{}, tc.err }))
		_, err := dial(t, s, "", nil).CallTool(t.Context(), &mcp.CallToolParams{Name: "fail"})
		var je *jsonrpc.Error
		if !errors.As(err, &je) || !strings.Contains(je.Message, tc.want) || strings.Contains(je.Message, "home") {
			t.Errorf("%v: %v", tc.err, err)
		}
	}
	cs := dial(t, server(t, nil, echo()), "", nil)
	_, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "unknown"})
	var je *jsonrpc.Error
	if !errors.As(err, &je) || je.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("an unknown tool: %v", err)
	}
}

func TestContent(t *testing.T) {
	s := server(t, nil, fake("look", func(context.Context, tool.Call) (tool.Result, error) {
		return tool.Result{Text: "two", Media: []tool.Media{
			{Type: "image/png", Path: "/workspace/a.png", Data: []byte("png")},
			{Type: "application/pdf", Path: "/workspace/a b.pdf", Data: []byte("pdf")},
		}}, nil
	}))
	res := call(t, dial(t, s, "", nil), "look", nil)
	if len(res.Content) != 3 {
		t.Fatalf("%+v", res)
	}
	if img, ok := res.Content[1].(*mcp.ImageContent); !ok || img.MIMEType != "image/png" || string(img.Data) != "png" {
		t.Errorf("%+v", res.Content[1])
	}
	if doc, ok := res.Content[2].(*mcp.EmbeddedResource); !ok || string(doc.Resource.Blob) != "pdf" || doc.Resource.URI != "hutch:///workspace/a%20b.pdf" {
		t.Errorf("%+v", res.Content[2])
	}
}
