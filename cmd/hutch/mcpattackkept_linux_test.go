package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestMCPAttackKept: what is kept for an agent is no way around the rules.
func TestMCPAttackKept(t *testing.T) {
	a := attack(t, "--policy", "permissive")
	res, err := a.cs.CallTool(t.Context(), &mcp.CallToolParams{Name: "execute", Arguments: map[string]any{"command": "seq 1 99999"}})
	if err != nil {
		t.Fatal(err)
	}
	var link *mcp.ResourceLink
	for _, c := range res.Content {
		if l, ok := c.(*mcp.ResourceLink); ok {
			link = l
		}
	}
	if link == nil {
		t.Fatalf("nothing is kept: %v", res)
	}
	kept := strings.TrimPrefix(link.Name, "/workspace/")
	read := func(uri string) string {
		r, err := a.cs.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
		raw, _ := json.Marshal(r)
		if text := string(raw) + fmt.Sprint(err); disguised(text, secret) != "" || disguised(text, outsideSecret) != "" || strings.Contains(text, a.base) {
			t.Errorf("%s tells %s", uri, text)
		}
		return string(raw)
	}
	if !strings.Contains(read(link.URI), "99999") {
		t.Error("the link leads nowhere")
	}
	for _, to := range []string{"../../.env", "../../secrets/deep/key.pem", "../../../x", "/proc/self/environ", "/etc/hostname"} {
		a.runs("rm -f " + kept + "; ln -s " + to + " " + kept)
		read(link.URI)
		for name, in := range fileTools(kept) {
			a.tries(name, in)
		}
	}
	for _, uri := range []string{"hutch://kept/.env", "hutch://kept/x/../../.env", "file:///workspace/.env", "file://" + a.dir + "/.env", link.URI + "/../../.env", "hutch:///.env", "hutch://kept/"} {
		read(uri)
	}
	a.runs("rm -rf .hutch; mkdir .hutch; ln -s ../secrets .hutch/out; seq 1 99999")
	a.runs("rm -rf .hutch; ln -s ../ws-other .hutch; seq 1 99999")
	a.untouched()
}

// TestMCPAttackSizes: what is too much is refused, and the server serves on.
func TestMCPAttackSizes(t *testing.T) {
	a := attack(t, "--policy", "permissive")
	big := strings.Repeat("x", 34<<20)
	deep := any("x")
	for range 2000 {
		deep = []any{deep}
	}
	edits := slices.Repeat([]any{map[string]any{"old_string": "a", "new_string": "b"}}, 5000)
	for name, in := range map[string]map[string]any{
		"write_file": {"path": "big", "content": big}, "read_file": {"path": big[:1<<20]}, "grep": {"pattern": strings.Repeat("(a{1000})", 20_000)}, "glob": {"pattern": strings.Repeat("{a,", 5000) + "x"},
		"multi_edit": {"path": "README.md", "edits": edits}, "execute": {"command": "echo " + big[:1<<20]}, "apply_patch": {"patch": strings.Repeat("@@\n", 1<<20)}, "edit_file": {"path": deep, "old_string": "a", "new_string": "b"},
		"read_output": {"shell_id": big[:1<<20], "cursor": -5}, "ls": {"path": 7}, "kill_shell": {"shell_id": "../bg_1"},
	} {
		if text, failed := a.tries(name, in); !failed || len(text) > 20_000 {
			t.Errorf("%s: failed %v, %d bytes: %.200s", name, failed, len(text), text)
		}
	}
	if text := a.runs("echo alive"); text != "alive\n" {
		t.Errorf("%q", text)
	}
	a.untouched()
}

// TestMCPKilled: nothing is left of a server that was killed itself.
func TestMCPKilled(t *testing.T) {
	needJail(t)
	c := mcpTalk(t, t.TempDir(), "mcp")
	mark := fmt.Sprintf("86403.%d", os.Getpid())
	c.runs(mark)
	c.Process.Signal(syscall.SIGKILL)
	_ = c.Wait()
	for left := running(t, mark); len(left) > 0; left = running(t, mark) { // it ends behind our back
		if t.Context().Err() != nil {
			t.Fatalf("still running: %q", left)
		}
	}
}
