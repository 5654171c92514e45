package mcpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/mcpserver"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const token = "correct-horse"

// web serves s over HTTP and returns the URL.
func web(t testing.TB, s *mcpserver.Server) string {
	t.Helper()
	h, err := s.Handler(&mcpserver.HTTPOptions{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(func() { s.Close(); srv.Close() })
	return srv.URL + "/mcp"
}

// bearer is a transport that knows the token.
type bearer struct{}

func (bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	return http.DefaultTransport.RoundTrip(r)
}

func webDial(t testing.TB, url, version string, opts *clientOptions) *mcp.ClientSession {
	t.Helper()
	return connect(t, &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer{}}}, version, opts)
}

func TestHTTP(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		b := state.New(nil)
		if _, err := hutch.WriteFile(t.Context(), b, "out", []byte("all"), nil); err != nil {
			t.Fatal(err)
		}
		run := fake("run", func(_ context.Context, c tool.Call) (tool.Result, error) {
			if c.Progress != nil {
				c.Progress("half")
			}
			return tool.Result{Text: "head", Kept: []tool.Kept{{Name: "out", Path: "/out"}}}, nil
		})
		url := web(t, server(t, &mcpserver.Options{Backend: b}, echo(), run, asking()))
		cs := webDial(t, url, version, replying(func(*mcp.ElicitParams) *mcp.ElicitResult { return accept("once") }))
		if list, err := cs.ListTools(t.Context(), nil); err != nil || len(list.Tools) != 3 {
			t.Fatalf("%v, %v", list, err)
		}
		if res := call(t, cs, "echo", map[string]any{"a": 1}); text(res) != `{"a":1}` {
			t.Errorf("%+v", res)
		}
		if res := call(t, cs, "ask", nil); text(res) != "answer: once" {
			t.Errorf("%+v", res)
		}
		res := call(t, cs, "run", nil)
		got, err := cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: res.Content[1].(*mcp.ResourceLink).URI})
		if err != nil || got.Contents[0].Text != "all" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestHTTPCancel(t *testing.T) {
	eachVersion(t, func(t *testing.T, version string) {
		block, begun, ended := blocking()
		cs := webDial(t, web(t, server(t, nil, block, echo())), version, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: "block"}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		<-begun
		cancel()
		<-ended
		wg.Wait()
		call(t, cs, "echo", nil)
	})
}

// post sends a message by hand.
func post(t testing.TB, ctx context.Context, url, body string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	if change != nil {
		change(r)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp, err.Error()
	}
	return resp, string(data)
}

// begin begins a session by hand and returns what its requests need.
func begin(t testing.TB, url string) func(*http.Request) {
	t.Helper()
	resp, body := post(t, t.Context(), url, initialize, nil)
	if resp == nil || resp.StatusCode != http.StatusOK {
		t.Fatal(body)
	}
	id := resp.Header.Get("Mcp-Session-Id")
	return func(r *http.Request) {
		r.Header.Set("Mcp-Session-Id", id)
		r.Header.Set("Mcp-Protocol-Version", "2025-11-25")
	}
}

const callBlock = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"block"}}`

// A call whose request breaks off is ended, and so are those of a session that is
// ended, and all of them by Close.
func TestHTTPVanish(t *testing.T) {
	block, begun, ended := blocking()
	s := server(t, nil, block, echo())
	url := web(t, s)
	session := begin(t, url)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { post(t, ctx, url, callBlock, session) })
	<-begun
	cancel()
	<-ended
	wg.Wait()

	wg.Go(func() { post(t, t.Context(), url, callBlock, session) })
	<-begun
	resp, body := post(t, t.Context(), url, "", func(r *http.Request) { session(r); r.Method = "DELETE" })
	if resp == nil || resp.StatusCode != http.StatusNoContent {
		t.Error(resp, body)
	}
	<-ended
	wg.Wait()
	if resp, _ := post(t, t.Context(), url, callBlock, session); resp.StatusCode != http.StatusNotFound {
		t.Error("the session is still there:", resp.Status)
	}

	session = begin(t, url)
	wg.Go(func() { post(t, t.Context(), url, callBlock, session) })
	<-begun
	s.Close()
	if len(ended) != 1 {
		t.Error("Close has returned before the call has ended")
	}
	wg.Wait()
	if resp, _ := post(t, t.Context(), url, initialize, nil); resp.StatusCode != http.StatusServiceUnavailable {
		t.Error("after Close:", resp.Status)
	}
}

func TestHTTPDoor(t *testing.T) {
	s := server(t, nil, echo())
	for _, o := range []*mcpserver.HTTPOptions{nil, {}, {Token: "a b"}, {Token: "é"}} {
		if _, err := s.Handler(o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	url := web(t, s)
	for name, tc := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"token":           {nil, 200},
		"no token":        {func(r *http.Request) { r.Header.Del("Authorization") }, 401},
		"wrong token":     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token[1:]) }, 401},
		"empty token":     {func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") }, 401},
		"basic":           {func(r *http.Request) { r.Header.Set("Authorization", "Basic "+token) }, 401},
		"two tokens":      {func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+token) }, 401},
		"localhost":       {func(r *http.Request) { r.Host = "localhost:1" }, 200},
		"another host":    {func(r *http.Request) { r.Host = "evil.example:80" }, 403},
		"loopback in it":  {func(r *http.Request) { r.Host = "127.0.0.1.evil.example" }, 403},
		"no host":         {func(r *http.Request) { r.Host = "." }, 403},
		"own origin":      {func(r *http.Request) { r.Header.Set("Origin", "http://localhost:6274") }, 200},
		"another origin":  {func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, 403},
		"no origin":       {func(r *http.Request) { r.Header.Set("Origin", "null") }, 403},
		"localhost.evil":  {func(r *http.Request) { r.Header.Set("Origin", "http://localhost.evil.example") }, 403},
		"user in it":      {func(r *http.Request) { r.Header.Set("Origin", "http://localhost@evil.example") }, 403},
		"a file":          {func(r *http.Request) { r.Header.Set("Origin", "file://localhost") }, 403},
		"both, no token":  {func(r *http.Request) { r.Host = "evil.example"; r.Header.Del("Authorization") }, 403},
		"no content type": {func(r *http.Request) { r.Header.Del("Content-Type") }, 415},
	} {
		resp, body := post(t, t.Context(), url, initialize, tc.change)
		if resp == nil || resp.StatusCode != tc.want || strings.Contains(body, token) {
			t.Errorf("%s: %v %s", name, resp, body)
		}
	}
}

func TestHTTPMessages(t *testing.T) {
	url := web(t, server(t, &mcpserver.Options{MaxMessage: 1 << 20}, echo()))
	session := begin(t, url)
	big := fmt.Sprintf(`{"method":"tools/call","params":{"name":"echo","arguments":{"a":%q}},"jsonrpc":"2.0","id":9}`, strings.Repeat("x", 50<<20))
	if resp, body := post(t, t.Context(), url, big, session); resp == nil || resp.StatusCode != 200 ||
		!strings.Contains(body, `"id":9`) || !strings.Contains(body, "too large") || !strings.Contains(body, `"isError":true`) {
		t.Errorf("%v %.300s", resp, body)
	}
	if resp, _ := post(t, t.Context(), url, strings.Repeat("x", 2<<20), session); resp == nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%v", resp)
	}
	if resp, _ := post(t, t.Context(), url, `{"jsonrpc"`, session); resp == nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("%v", resp)
	}
	if resp, body := post(t, t.Context(), url, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`, session); resp == nil || !strings.Contains(body, "{}") {
		t.Errorf("%v %s", resp, body)
	}
}

// Sessions are bounded.
func TestHTTPSessions(t *testing.T) {
	url := web(t, server(t, nil, echo()))
	for range 256 {
		begin(t, url)
	}
	if resp, body := post(t, t.Context(), url, initialize, nil); resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%v %s", resp, body)
	}
}

// Every session has tools of its own; clients without sessions share some.
func TestConversations(t *testing.T) {
	made := 0
	s, err := mcpserver.New(func() []tool.Tool {
		made++
		n := made
		return []tool.Tool{fake("which", func(context.Context, tool.Call) (tool.Result, error) {
			return tool.Result{Text: fmt.Sprint(n)}, nil
		})}
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	url := web(t, s)
	which := func(version string) string {
		cs := webDial(t, url, version, nil)
		first := text(call(t, cs, "which", nil))
		if again := text(call(t, cs, "which", nil)); again != first {
			t.Errorf("%s: %s and %s", version, first, again)
		}
		return first
	}
	if a, b := which("2025-11-25"), which("2025-11-25"); a == b || a == "1" || b == "1" {
		t.Errorf("sessions have %s and %s", a, b)
	}
	if a, b := which("2026-07-28"), which("2026-07-28"); a != "1" || b != "1" {
		t.Errorf("clients without sessions have %s and %s", a, b)
	}
	before := made
	dial(t, s, "", nil)
	if made != before+1 {
		t.Errorf("a connection made %d conversations", made-before)
	}
}
