//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/need"
)

// npm is the folder with the packages of mcpserver/testdata/npm, which
// $HUTCH_NPM names: where these were installed with npm ci.
func npm(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("HUTCH_NPM")
	_, err := exec.LookPath("node")
	if err == nil && dir == "" {
		err = fmt.Errorf("$HUTCH_NPM names no folder with the packages of mcpserver/testdata/npm")
	}
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "@modelcontextprotocol", "sdk"))
	}
	if err != nil {
		need.Lacking(t, "npm", err)
	}
	return dir
}

// other runs the client in another language and returns what it says, by what it
// is about.
func other(t *testing.T, mark string, args ...string) map[string]json.RawMessage {
	t.Helper()
	dir := npm(t)
	script, err := filepath.Abs("../../mcpserver/testdata/npm/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{script}, args...)...)
	cmd.Env = append(os.Environ(), "HUTCH_NPM="+dir, "HUTCH_MARK="+mark, "GORACE="+raceOptions)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out, &stderr)
	}
	said := map[string]json.RawMessage{}
	for line := range strings.Lines(string(out)) {
		var l struct {
			What  string
			Value json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		said[l.What] = l.Value
	}
	return said
}

// wantSaid checks what the other client has seen. exec says whether commands were
// there.
func wantSaid(t *testing.T, said map[string]json.RawMessage, exec bool) {
	t.Helper()
	want := map[string][]string{
		"server":  {`"name":"hutch"`},
		"tools":   {`"read_file":{`, `"readOnlyHint":true`, `"destructiveHint":true`},
		"write":   {`"structuredContent":`, `dir/a.txt`},
		"edit":    {`"structuredContent":`, `+zwei`},
		"read":    {`one`, `zwei`},
		"glob":    {`dir/a.txt`},
		"grep":    {`dir/a.txt`},
		"outside": {`"isError":true`},
		"wrong":   {`"isError":true`},
		"huge":    {`"isError":true`, `too large`},
		"unknown": {`unknown tool`},
		"end":     {`true`},
	}
	if exec {
		want["execute"] = []string{`zwei`, `more`, `"exit_code":3`}
		want["progress"] = []string{`"progress":`, `zwei`}
		want["much"] = []string{`"type":"resource_link"`}
		want["resource"] = []string{`100000`, `588895`}
		want["stopped"] = []string{`rejected`}
	}
	for what, parts := range want {
		for _, part := range parts {
			if !bytes.Contains(said[what], []byte(part)) {
				t.Errorf("%s: %.500s; want %s", what, said[what], part)
			}
		}
	}
	if bytes.Contains(said["outside"], []byte("root:")) {
		t.Errorf("outside: %s", said["outside"])
	}
}

// Clients of another language, old and new, over both transports.
func TestMCPOtherClients(t *testing.T) {
	npm(t)
	hutch, err := exec.LookPath("hutch")
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range []string{"v1", "v2", "v2-new"} {
		t.Run(kind, func(t *testing.T) {
			mark := fmt.Sprintf("86403.%d%d", os.Getpid(), i)
			withJail := noJail() == nil
			if !withJail && need.Required("jail") {
				t.Fatal("HUTCH_REQUIRE demands a jail:", noJail())
			}
			args := []string{"mcp"}
			if !withJail {
				args = append(args, "--tools", "ls,read_file,write_file,edit_file,glob,grep")
			}
			wantSaid(t, other(t, mark, append([]string{kind, "stdio", hutch, "--backend", "local:" + t.TempDir()}, args...)...), withJail)

			cmd, said := mcpHTTP(t, t.TempDir(), []string{"HUTCH_TOKEN="}, append(args, "--http", "127.0.0.1:0")...)
			wantSaid(t, other(t, mark, kind, "http", said.URL, said.Token), withJail)
			for len(running(t, mark)) > 0 && t.Context().Err() == nil { // the client does not wait for the server
			}
			wantEnd(t, cmd)

			asks := other(t, mark, kind, "stdio", hutch, "--backend", "state:"+t.TempDir()+"/ws.json", "mcp", "--policy", "default")
			wantSaid(t, asks, false)
			if !bytes.Contains(asks["asked"], []byte("dir/a.txt")) || string(asks["asked-in-all"]) == "0" {
				t.Errorf("asked %s in all, last %s", asks["asked-in-all"], asks["asked"])
			}
		})
	}
}
