package mcpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/state"
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

// A link to kept output can be read; nothing else can.
func TestKept(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		b := state.New(nil)
		for name, data := range map[string]string{".hutch/out/1": "all of it", ".hutch/out/2": "\xff", "secret": "s"} {
			if _, err := hutch.WriteFile(t.Context(), b, name, []byte(data), nil); err != nil {
				t.Fatal(err)
			}
		}
		s := server(t, &mcpserver.Options{Backend: b}, fake("run", func(_ context.Context, c tool.Call) (tool.Result, error) {
			return tool.Result{Text: "head", Kept: []tool.Kept{
				{Name: ".hutch/out/1", Path: "/.hutch/out/1", Size: 9, Type: "text/plain"},
				{Name: ".hutch/out/2", Path: "/.hutch/out/2", Size: 1, Type: "text/plain"},
				{Name: "gone", Path: "/gone", Size: 1, Type: "text/plain"},
				{Name: "../up", Path: "/gone", Size: 1, Type: "text/plain"},
			}}, nil
		}))
		cs := dial(t, s, version, nil)
		res := call(t, cs, "run", nil)
		if len(res.Content) != 4 {
			t.Fatalf("%+v", res.Content)
		}
		var links []*mcp.ResourceLink
		for _, c := range res.Content[1:] {
			links = append(links, c.(*mcp.ResourceLink))
		}
		if l := links[0]; l.Name != "/.hutch/out/1" || *l.Size != 9 || l.MIMEType != "text/plain" {
			t.Errorf("%+v", l)
		}
		read := func(uri string) (*mcp.ReadResourceResult, error) {
			return cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
		}
		if got, err := read(links[0].URI); err != nil || got.Contents[0].Text != "all of it" || got.Contents[0].URI != links[0].URI {
			t.Errorf("%+v, %v", got, err)
		}
		if got, err := read(links[1].URI); err != nil || string(got.Contents[0].Blob) != "\xff" {
			t.Errorf("%+v, %v", got, err)
		}
		for _, uri := range []string{links[2].URI, "hutch://kept/x/1", "hutch:///secret", "file:///secret", "file:///etc/passwd",
			links[0].URI + "/../../secret", strings.Replace(links[0].URI, "/1", "/2", 1)} {
			if got, err := read(uri); err == nil {
				t.Errorf("%s: %+v", uri, got)
			}
		}
	})
}

// Of links there are no more than can be remembered.
func TestKeptIsBounded(t *testing.T) {
	b := state.New(nil)
	if _, err := hutch.WriteFile(t.Context(), b, "out", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	s := server(t, &mcpserver.Options{Backend: b}, fake("run", func(context.Context, tool.Call) (tool.Result, error) {
		return tool.Result{Kept: slices.Repeat([]tool.Kept{{Name: "out", Path: "/out"}}, 100)}, nil
	}))
	cs := dial(t, s, "", nil)
	first := call(t, cs, "run", nil).Content[0].(*mcp.ResourceLink).URI
	last := ""
	for range 4 {
		res := call(t, cs, "run", nil)
		last = res.Content[len(res.Content)-1].(*mcp.ResourceLink).URI
	}
	if _, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: first}); err == nil {
		t.Error("the first link is still there")
	}
	if _, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: last}); err != nil {
		t.Error(err)
	}
	n := 0
	for _, err := range cs.Resources(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 256 {
		t.Errorf("%d links", n)
	}
}

var _ io.Closer = (*mcpserver.Server)(nil)
