//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcpDial connects a client of the SDK to a server. version may be "".
func mcpDial(t *testing.T, transport mcp.Transport, version string, o *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, o)
	cs, err := c.Connect(t.Context(), transport, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cs.Close() })
	return cs
}

// mcpStdio starts the program with args for a client.
func mcpStdio(t *testing.T, dir, version string, o *mcp.ClientOptions, args ...string) *mcp.ClientSession {
	t.Helper()
	cmd := program(t, dir, args...)
	cmd.Stderr = os.Stderr
	return mcpDial(t, &mcp.CommandTransport{Command: cmd}, version, o)
}

// authorized sends the token.
type authorized string

func (a authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(a))
	return http.DefaultTransport.RoundTrip(r)
}

// mcpHTTP starts the program with args as a server over HTTP.
func mcpHTTP(t *testing.T, dir string, env []string, args ...string) (cmd *exec.Cmd, said struct{ URL, Token string }) {
	t.Helper()
	cmd = program(t, dir, append([]string{"--json"}, args...)...)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err := errors.Join(err, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err := errors.Join(err, json.Unmarshal(line, &said)); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return cmd, said
}

func use(t *testing.T, cs *mcp.ClientSession, name string, args map[string]any) (text string, failed bool) {
	t.Helper()
	res, err := cs.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, c := range res.Content {
		if tc, ok := c.(*mcp.TextContent); ok {
			text += tc.Text
		}
	}
	return text, res.IsError
}

// workOn uses the tools as a model does.
func workOn(t *testing.T, cs *mcp.ClientSession, dir string) {
	t.Helper()
	if text, failed := use(t, cs, "write_file", map[string]any{"path": "src/a.go", "content": "package a\n"}); failed {
		t.Error(text)
	}
	if text, failed := use(t, cs, "edit_file", map[string]any{"path": "src/a.go", "old_string": "package a", "new_string": "package b"}); failed {
		t.Error(text)
	}
	if text, failed := use(t, cs, "read_file", map[string]any{"path": "src/a.go"}); failed || !strings.Contains(text, "package b") {
		t.Error(text)
	}
	if text, failed := use(t, cs, "glob", map[string]any{"pattern": "**/*.go"}); failed || !strings.Contains(text, "src/a.go") {
		t.Error(text)
	}
	if text, failed := use(t, cs, "read_file", map[string]any{"path": "../x"}); !failed || strings.Contains(text, dir) {
		t.Error(text)
	}
	if data, err := os.ReadFile(dir + "/src/a.go"); string(data) != "package b\n" {
		t.Errorf("%q, %v", data, err)
	}
}

var mcpVersions = []string{"2025-06-18", "2025-11-25", "2026-07-28"}

func TestMCP(t *testing.T) {
	for _, version := range mcpVersions {
		dir := t.TempDir()
		cs := mcpStdio(t, dir, version, nil, "mcp")
		workOn(t, cs, dir)
		if err := cs.Close(); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
	dir := t.TempDir()
	cmd, said := mcpHTTP(t, dir, []string{"HUTCH_TOKEN="}, "mcp", "--http", "127.0.0.1:0")
	for _, version := range mcpVersions {
		workOn(t, mcpDial(t, &mcp.StreamableClientTransport{
			Endpoint: said.URL, HTTPClient: &http.Client{Transport: authorized(said.Token)}}, version, nil), dir)
	}
	resp, err := http.Post(said.URL, "application/json", strings.NewReader("{}"))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without the token: %v, %v", resp, err)
	}
	wantEnd(t, cmd)
	_, said = mcpHTTP(t, dir, []string{"HUTCH_TOKEN=secret"}, "mcp", "--http", "localhost:0")
	if said.Token != "" {
		t.Error("it prints a token that it was given")
	}
}

// talk is a client by hand: what it does is write.
type talk struct {
	t *testing.T
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func mcpTalk(t *testing.T, dir string, args ...string) *talk {
	t.Helper()
	cmd := program(t, dir, args...)
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	c := &talk{t, cmd, in, bufio.NewReader(out)}
	c.say(`{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"talk","version":"1"}}}`)
	c.hear("serverInfo")
	c.say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	return c
}

func (c *talk) say(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *talk) hear(what string) {
	c.t.Helper()
	if line, err := c.out.ReadString('\n'); !strings.Contains(line, what) {
		c.t.Fatalf("%q, %v; want %q", line, err, what)
	}
}

// runs starts two commands that last, one in the background.
func (c *talk) runs(mark string) {
	c.t.Helper()
	script := "sleep " + mark + " & (setsid sleep " + mark + " &) ; trap '' INT TERM HUP; echo begun; sleep " + mark
	c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run_in_background","arguments":{"command":%q}}}`, script))
	c.hear("bg_1")
	c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"execute","arguments":{"command":%q},"_meta":{"progressToken":1}}}`, script))
	c.hear("begun") // a notification of progress
	awaitRunning(c.t, mark, 3)
}

// awaitRunning waits until at least n processes with mark run.
func awaitRunning(t *testing.T, mark string, n int) {
	t.Helper()
	for len(running(t, mark)) < n {
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
	}
}

// Whatever ends the program, nothing that it has started is left.
func TestMCPEnds(t *testing.T) {
	needJail(t)
	for name, end := range map[string]func(*talk){
		"end of input": func(c *talk) { c.in.Close() },
		"SIGTERM":      func(c *talk) { c.Process.Signal(syscall.SIGTERM) },
		"SIGINT":       func(c *talk) { c.Process.Signal(syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			c := mcpTalk(t, t.TempDir(), "mcp")
			mark := fmt.Sprintf("86401.%d%d", os.Getpid(), len(name))
			c.runs(mark)
			end(c)
			_, _ = io.Copy(io.Discard, c.out)
			if got := exitStatus(t, c.Wait()); got != 0 {
				t.Errorf("exit status %d", got)
			}
			if left := running(t, mark); len(left) > 0 {
				t.Errorf("still running: %q", left)
			}
		})
	}
}

// A client that has closed only what it reads is as good as gone.
func TestMCPBrokenPipe(t *testing.T) {
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := program(t, dir, "mcp")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	in, err := cmd.StdinPipe()
	if err := errors.Join(err, r.Close(), cmd.Start(), w.Close()); err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	io.WriteString(in, `{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n")
	if got := exitStatus(t, cmd.Wait()); got != 0 || stderr.Len() > 0 {
		t.Errorf("exit status %d: %s", got, &stderr)
	}
}

// A client that reads nothing does not keep the program from ending.
func TestMCPSlowClient(t *testing.T) {
	c := mcpTalk(t, t.TempDir(), "mcp")
	for i := range 100 { // more than a pipe holds
		c.say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/list"}`, i+1))
	}
	c.Process.Signal(syscall.SIGTERM)
	if got := exitStatus(t, c.Wait()); got != 0 {
		t.Errorf("exit status %d", got)
	}
}

// Cancelling a call kills the tree of its command.
func TestMCPCancel(t *testing.T) {
	needJail(t)
	for _, version := range mcpVersions {
		mark := fmt.Sprintf("86402.%d%s", os.Getpid(), strings.ReplaceAll(version, "-", ""))
		begun := make(chan struct{})
		var once sync.Once
		cs := mcpStdio(t, t.TempDir(), version, &mcp.ClientOptions{
			ProgressNotificationHandler: func(context.Context, *mcp.ProgressNotificationClientRequest) { once.Do(func() { close(begun) }) },
		}, "mcp")
		ctx, cancel := context.WithCancel(t.Context())
		p := &mcp.CallToolParams{Name: "execute", Arguments: map[string]any{"command": "(setsid sleep " + mark + " &); echo begun; sleep " + mark}}
		p.SetProgressToken("p")
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := cs.CallTool(ctx, p); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		<-begun
		awaitRunning(t, mark, 2)
		cancel()
		wg.Wait()
		for len(running(t, mark)) > 0 { // the client does not wait for the server
			if t.Context().Err() != nil {
				return
			}
		}
		if text, failed := use(t, cs, "execute", map[string]any{"command": "echo alive"}); failed || !strings.Contains(text, "alive") {
			t.Error(text)
		}
	}
}
