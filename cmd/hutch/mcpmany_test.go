//go:build unix

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Of the edits of two clients none is lost, over whatever they come.
func TestMCPSideBySide(t *testing.T) {
	const edits = 20
	dir := t.TempDir()
	var lines strings.Builder
	for i := range 4 * edits {
		fmt.Fprintf(&lines, "old %d.\n", i)
	}
	if err := os.WriteFile(dir+"/f", []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	_, said := mcpHTTP(t, dir, []string{"HUTCH_TOKEN="}, "mcp", "--http", "127.0.0.1:0")
	web := func(version string) *mcp.ClientSession {
		return mcpDial(t, &mcp.StreamableClientTransport{Endpoint: said.URL, HTTPClient: &http.Client{Transport: authorized(said.Token)}}, version, nil)
	}
	clients := []*mcp.ClientSession{mcpStdio(t, dir, "", nil, "mcp"), mcpStdio(t, dir, "", nil, "mcp"), web("2025-11-25"), web("2026-07-28")}
	var wg sync.WaitGroup
	for n, cs := range clients {
		wg.Go(func() {
			for i := range edits {
				was := fmt.Sprintf("old %d.", n*edits+i)
				text, failed := use(t, cs, "edit_file", map[string]any{"path": "f", "old_string": was, "new_string": "new" + was[3:]})
				if failed { // it changed since it was last read, which must be said
					if !strings.Contains(text, "changed") {
						t.Error(text)
					}
					use(t, cs, "read_file", map[string]any{"path": "f"})
				}
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(dir + "/f")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(got), "\n"), "\n") {
		if line != fmt.Sprintf("old %d.", i) && line != fmt.Sprintf("new %d.", i) {
			t.Errorf("line %d is %q", i, line)
		}
	}
	if !strings.Contains(string(got), "new") {
		t.Error("nobody could edit")
	}
}

// Rules that ask reach the person at the client, with what would change.
func TestMCPAsks(t *testing.T) {
	for _, version := range mcpVersions {
		dir := t.TempDir()
		var seen string
		answer := "no"
		cs := mcpStdio(t, dir, version, &mcp.ClientOptions{ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			seen = r.Params.Message
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"answer": answer}}, nil
		}}, "--backend", "state:ws.json", "mcp", "--policy", "default")
		write := map[string]any{"path": "a.txt", "content": "hay\n"}
		if text, failed := use(t, cs, "write_file", write); !failed {
			t.Errorf("%s: it was written although the answer was no: %s", version, text)
		}
		if !strings.Contains(seen, "a.txt") || !strings.Contains(seen, "+hay") {
			t.Errorf("%s: asked %q", version, seen)
		}
		answer = "yes, this once"
		if text, failed := use(t, cs, "write_file", write); failed {
			t.Errorf("%s: %s", version, text)
		}
		if text, failed := use(t, cs, "read_file", map[string]any{"path": "a.txt"}); failed || !strings.Contains(text, "hay") {
			t.Errorf("%s: %s", version, text)
		}
	}
}

// At a client, too, an answer can be good for ever, and can be taken back while the
// server runs.
func TestMCPAsksForEver(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/conf.toml", []byte("remember = \"book\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	asked, answer := 0, ""
	o := &mcp.ClientOptions{ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
		asked++
		return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"answer": answer}}, nil
	}}
	var last *mcp.ClientSession
	write := func(path, say string, want int, ok bool) {
		t.Helper()
		asked, answer = 0, say
		text, failed := use(t, last, "write_file", map[string]any{"path": path, "content": rand.Text()})
		if failed == ok || asked != want {
			t.Errorf("asked %d times: %s", asked, text)
		}
	}
	for i, version := range mcpVersions {
		last = mcpStdio(t, dir, version, o, "--config", "conf.toml", "--backend", "state:ws.json", "mcp", "--policy", "default")
		write("a.txt", "yes, always", 1-min(i, 1), true)
		write("a.txt", "no", 0, true)
		write("b.txt", "no", 1, false)
	}
	if out, err := program(t, dir, "--config", "conf.toml", "policy", "forget", "--all").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	write("a.txt", "no", 1, false)
}
