package page_test

import (
	"encoding/json"
	"testing"

	"github.com/hutch-dev/hutch/internal/testbrowser"
)

// quote is a text in JavaScript.
func quote(s string) string {
	q, _ := json.Marshal(s)
	return string(q)
}

// open enters and opens a tab of a session.
func open(t *testing.T, b *testbrowser.Browser, f *fake, tab string) *look {
	l := enter(t, b, f)
	l.Go(f.URL + "/#/s/data-analysis/" + tab)
	l.See("h1", "data-analysis")
	return l
}

func testCommands(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("data-analysis", "acme", nil)
	l := open(t, b, f, "commands")
	l.Type("textarea", "Command", "hold")
	l.Press("Enter")
	l.See(".stdout", "begun")
	l.See(".pill", "running")
	l.Click(".tabs a", "Audit") // it goes on
	l.Click(".brand", "")
	l.See("h1", "Sessions")
	l.Click("a.cover", "")
	l.Click(".tabs a", "Commands")
	l.See(".pill", "running")
	l.Click("button", "Cancel")
	l.See(".pill", "cancelled")
	if script := <-f.gone; script != "hold" {
		t.Errorf("%q has gone", script)
	}
	l.clean()
}

func testOutput(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("data-analysis", "acme", nil)
	l := open(t, b, f, "commands")
	l.Type("textarea", "Command", "hostile")
	l.Click("button", "Run")
	l.See(".pill", "exit 3")
	l.See(".stdout", `red <img src=x onerror="window.pwned=1">bold2J`)
	l.See(".stdout", "done: €")
	l.See(".stderr", "<script>window.pwned=1</script>")

	l.Type("textarea", "Command", "flood")
	l.Press("Enter")
	l.See(".stdout", "line 19999")
	l.See(".above", "15\u202f000 earlier lines are no longer shown.")
	var lines int
	l.Eval(`document.querySelector(".output").querySelectorAll(".stdout").length`, &lines)
	if lines != 5000 {
		t.Errorf("%d lines are shown", lines)
	}
	l.Press("ArrowUp")
	l.Press("ArrowUp")
	l.Wait(`document.querySelector("textarea").value === "hostile"`)
	l.fits("output")
	l.clean()
}

func testJobs(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("data-analysis", "acme", nil)
	l := open(t, b, f, "commands")
	l.Type("textarea", "Command", "pytest -q")
	l.Press("Enter")
	l.See(".pill", "done")
	l.Click("input[type=checkbox]", "")
	l.Type("textarea", "Command", "python3 -m http.server")
	l.Click("button", "Run")
	l.See("code", "python3 -m http.server")
	l.See(".job .stdout", "serving on :8000")
	l.shot("commands")
	l.fits("jobs")
	l.Click("button", "Kill python3 -m http.server")
	l.Click("dialog button", "Kill")
	l.See(".job .pill", "killed")
	l.clean()
}

func testAgent(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	s := f.add("data-analysis", "acme", nil)
	l := open(t, b, f, "agent")
	l.Type("textarea", "Prompt", "Clean up and build again.")
	l.Click("button", "Start")
	l.See(".said", "I will clean up first. <img src=x onerror=window.pwned=1>")
	l.See(".call code", "rm -r build <b>")
	l.See("h3", "May it run this command? <u>")
	l.See(".question pre", "rm -r build <b>\n\\u{202e}gpj.x")
	l.shot("question")
	l.fits("a question")
	l.Click("button", "Allow once")
	l.See(".said", "The build folder is gone, and the build is green again.")
	l.See("article .pill", "done")
	l.Wait(`!document.querySelector(".question")`)
	l.shot("agent")
	f.mu.Lock()
	if scope := s.runs[0].scope; scope != "once" {
		t.Errorf("answered with %q", scope)
	}
	f.mu.Unlock()

	l.Type("textarea", "Prompt", "And again.")
	l.Press("Tab")
	l.Click("button", "Start")
	l.See(".question h3", "May it run this command? <u>")
	l.Click("article button", "Cancel")
	l.See("article .pill", "cancelled")
	l.Reload()
	l.See("article .pill", "cancelled")
	l.See(".said.you", "Clean up and build again.")
	l.clean()
}

func testAudit(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	s := f.add("data-analysis", "acme", map[string]string{})
	f.happens(s, object{"op": "list", "path": ".", "who": "api", "duration_ms": 1})
	f.happens(s, object{"op": "write", "path": "secrets/<img src=x onerror=window.pwned=1>", "who": "agent", "decision": "denied", "error": "permission"})
	f.happens(s, object{"op": "exec", "args": []string{"sh", "-c", "pytest -q"}, "who": "agent", "decision": "allowed", "exit_code": 1, "bytes": 5120, "duration_ms": 2480})
	l := open(t, b, f, "audit")
	l.See(".what", "secrets/<img src=x onerror=window.pwned=1>")
	l.See(".live", "live")
	f.puts(s, "src/words.py", "live\n")
	l.See(".what", "src/words.py")
	l.shot("audit")
	l.fits("the trail")

	f.change(func() { f.cut = 1 })
	f.puts(s, "cut.txt", "a\n") // the connection ends with it
	l.See(".what", "cut.txt")
	f.puts(s, "after.txt", "a\n") // the page has come back for it
	l.See(".what", "after.txt")
	var rows int
	l.Eval(`document.querySelectorAll(".trail > li").length`, &rows)
	if rows != 6 {
		t.Errorf("%d events are shown", rows)
	}
	f.mu.Lock()
	if last := f.opened[len(f.opened)-1]; last != "4" && last != "5" { // it can have got lost on the way
		t.Errorf("it went on after %q", last)
	}
	f.mu.Unlock()

	l.See(".trail > li:first-child .what", "after.txt") // the newest first
	l.Eval(`(() => { const s = document.querySelector(".tools select"); s.value = "refused"; s.dispatchEvent(new Event("change")); })()`, nil)
	l.Wait(`document.querySelectorAll(".trail > li").length === 1`)
	l.See(".pill", "refused")
	l.Eval(`(() => { const s = document.querySelector(".tools select"); s.value = ""; s.dispatchEvent(new Event("change")); })()`, nil)
	l.Wait(`document.querySelectorAll(".trail > li").length === 6`)
	l.Type("input", "Filter", "PYTEST agent")
	l.Wait(`document.querySelectorAll(".trail > li").length === 1`)
	l.See(".what", "sh -c pytest -q")
	l.clean()
}

func testUsage(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("data-analysis", "acme", nil)
	l := open(t, b, f, "usage")
	l.See("dd", "7.3 MB")
	l.See("dd", "1 min 33 s")
	l.See("dd", "1\u202f234")
	l.shot("usage")
	l.fits("usage")
	l.clean()
}
