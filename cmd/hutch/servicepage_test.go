//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hutch-dev/hutch/internal/testbrowser"
)

// The page of the program itself, with true files, commands and an agent: what a
// person does with it.
func TestServicePage(t *testing.T) {
	needJail(t)
	b := testbrowser.Open(t)
	data := t.TempDir()
	cmd, said := served(t, t.TempDir(), []string{"HUTCH_TOKEN=" + serviceToken}, "--addr", "127.0.0.1:0", "--data", data,
		"--only-sessions", "--model", "demo")
	a := api{t, said.URL, serviceToken}
	a.call("POST", "/v1/sessions", map[string]any{"id": "looked-at", "tenant": "me"}, 201, nil)
	p := b.Page(t, said.URL+"/")
	p.Size(1200, 800, false)
	p.Type("input", "Token", serviceToken)
	p.Press("Enter")
	p.See("strong", "looked-at")
	p.Click("strong", "looked-at")

	p.Click(".tabs a", "Commands")
	p.Type("textarea", "Command", "echo '<b>hay</b>' | tee from-the-page; exit 3")
	p.Click("button", "Run")
	p.See(".stdout", "<b>hay</b>")
	p.See(".pill", "exit 3")
	p.Click(".tabs a", "Files")
	p.See(".label", "from-the-page")
	p.Click(".label", "from-the-page")
	p.SeeText("<b>hay</b>")

	p.Click(".tabs a", "Agent")
	p.Type("textarea", "Prompt", "Write a script that counts words, and prove that it works")
	p.Click("button", "Start")
	p.See(".question h3", "May the agent write /workspace/text.txt?")
	p.Click("button", "For this run")
	p.See(".question h3", "May the agent write /workspace/count.sh?")
	p.Click("article button", "Cancel")
	p.See("article .pill", "cancelled")
	p.Click(".tabs a", "Audit")
	p.See(".what", "from-the-page")
	p.Click(".tabs a", "Usage")
	p.SeeText("Commands")
	if troubles := p.Troubles(); len(troubles) > 0 {
		t.Errorf("%q", troubles)
	}
	if dir := os.Getenv("HUTCH_SHOTS"); dir != "" {
		p.Shot(filepath.Join(dir, "service.png"))
	}
	wantEnd(t, cmd)
}
