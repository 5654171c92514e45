package page_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/testbrowser"
)

func testSessions(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("data-analysis", "acme", nil)
	f.add("review-4711", "globex", nil).state = "asleep"
	l := enter(t, b, f)
	l.See("strong", "data-analysis")
	l.shot("sessions")
	l.fits("the sessions")
	l.Click("summary", "New session")
	l.Type("input", "Id", "fresh")
	l.Wait(`[...document.querySelectorAll("option")].map((o) => o.textContent).join() === "the usual one,python – Python 3.13,<b>node</b>"`)
	l.fits("the form")
	l.Click("button", "Create")
	l.See("strong", "fresh")
	l.shot("created")
	l.fits("the token of a new session")
	l.Wait(`!document.querySelector("[readonly]").value.includes("session")`)
	l.Click("button", "Show")
	l.Wait(`document.querySelector("[readonly]").value === "session-fresh"`)
	l.Click("button", "Hide")
	l.Wait(`!document.querySelector("[readonly]").value.includes("session")`)
	l.Click("a", "Open")
	l.See("h1", "fresh")
	l.Click("button", "Delete")
	l.Click("dialog button", "Keep it")
	l.Wait(`!document.querySelector("dialog")`)
	l.Click("button", "Delete")
	l.shot("delete")
	l.Click("dialog button", "Delete")
	l.See("h1", "Sessions")
	l.Wait(`!document.querySelector("main").innerText.includes("fresh")`)
	f.mu.Lock()
	if f.sessions["fresh"] != nil || len(f.sessions) != 2 {
		t.Errorf("there are %d sessions", len(f.sessions))
	}
	f.mu.Unlock()
	l.clean()
}

const program = `import json
import sys


def main(path: str) -> int:
    """Counts the words of a file."""
    with open(path, encoding="utf-8") as f:
        words = f.read().split()
    print(json.dumps({"words": len(words), "longest": max(words, key=len, default="")}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
`

func testFiles(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	s := f.add("data-analysis", "acme", map[string]string{
		"src/main.py": program, "src/lib/deep/er.py": "x = 1\n", "README.md": "# Words\n\nCounts words.\n", "data/words.csv": "a,b\n", "bin.dat": "a\x00b",
		"large.txt": strings.Repeat("0123456789abcde\n", 1<<16), "latin.txt": "caf\xe9\n", "hidden.txt": "a\u202eb\u200bc\r\nd\te", "empty": "", "50%#1?&.txt": "odd name\n", "cut.txt": strings.Repeat("€", 1<<18),
	})
	l := enter(t, b, f)
	l.Click("strong", "data-analysis")
	l.See("button.dir", "src")
	l.fits("the tree")
	l.Click("button.dir", "src")
	l.Click("button.dir", "lib")
	l.See(".label", "deep")
	l.Press("ArrowDown")
	l.Press("ArrowRight") // opens deep
	l.See(".label", "er.py")
	l.Press("ArrowLeft")
	l.Wait(`document.activeElement.textContent.trim() === "deep" && !document.body.innerText.includes("er.py")`)
	l.Click(".label", "main.py")
	l.See("h2", "src/main.py")
	l.Wait(`document.querySelector("pre.body").textContent.includes("def main")`)
	l.Wait(`document.querySelector("pre.numbers").textContent.split("\n").length === 14`)
	l.shot("file")
	l.fits("a file")
	for name, text := range map[string]string{
		"bin.dat": "This is no text. It can be downloaded.", "latin.txt": "This is no text. It can be downloaded.", "empty": "This file is empty.",
		"large.txt": "the first 524 kB", "50%#1?&.txt": "odd name", "cut.txt": "€€€", "hidden.txt": `a\u{202e}b\u{200b}c`,
	} {
		l.Eval(fmt.Sprintf(`[...document.querySelectorAll(".tree .label")].find((e) => e.textContent === %q).closest("button").click()`, name), nil)
		l.See("h2", name)
		l.SeeText(text)
	}
	l.Size(360, 740, true) // one of both at a time
	l.Click("button", "Files")
	l.Wait(`!document.querySelector(".file").checkVisibility() && document.querySelector(".side").checkVisibility()`)
	f.puts(s, "src/new.py", "y = 2\n") // shown without being asked for
	l.See(".label", "new.py")
	l.clean()
}

func testHostile(t *testing.T, b *testbrowser.Browser) {
	const image = `<img src=x onerror="window.pwned=1">.txt`
	f := newFake(t)
	f.add(`<b onclick=alert(1)>`, `<i>`, map[string]string{
		image: "<script>window.pwned=1</script>\n", "../../../etc/passwd": "outside", "ファイル-naïve-🦔.txt": "unicode\n",
		"rtl\u202egnp.exe": "turned\n", "line\nbreak": "x", strings.Repeat("long", 60): "long name\n", "__proto__": "p\n", "javascript:alert(1)": "j\n",
	})
	l := enter(t, b, f)
	l.See("strong", "<b onclick=alert(1)>")
	l.fits("hostile sessions")
	l.Click("a.cover", "")
	l.See("h1", "<b onclick=alert(1)>")
	for label, text := range map[string]string{
		image: "<script>window.pwned=1</script>", "ファイル-naïve-🦔.txt": "unicode", `rtl\u{202e}gnp.exe`: "turned",
		`line\u{a}break`: "x", strings.Repeat("long", 60): "long name", "__proto__": "p", "javascript:alert(1)": "j",
		"passwd": "Nothing can have this name.",
	} {
		l.See(".label", label)
		l.Eval(`[...document.querySelectorAll(".tree .label")].find((e) => e.textContent === `+quote(label)+`).closest("button").click()`, nil)
		l.Wait(`document.querySelector(".file .text").innerText.includes(` + quote(text) + `)`)
		l.fits(label)
	}
	f.mu.Lock()
	for _, url := range f.seen {
		if strings.Contains(url, "passwd") {
			t.Errorf("asked for %s", url)
		}
	}
	f.mu.Unlock()
	l.clean()
}

func testChanges(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	s := f.add("data-analysis", "acme", map[string]string{"src/main.py": program, "b.txt": "b\n"})
	l := enter(t, b, f)
	l.Go(f.URL + "/#/s/data-analysis/files")
	l.Click("button.dir", "src")
	l.Click(".label", "main.py")
	l.SeeText("def main")
	changed := strings.Replace(program, "        words = f.read().split()\n", "        words = sorted(f.read().split())\n        <b>hi</b>\n", 1)
	f.puts(s, "src/main.py", changed)
	l.See("p", "2 added, 1 removed since you saw it")
	l.See(".add span", "<b>hi</b>")
	l.shot("diff")
	l.fits("a diff")
	l.Click("button", "Text")
	l.Wait(`document.querySelector("pre.body").textContent.includes("<b>hi</b>")`)
	l.Click("button", "Changes")
	l.Click("button", "Seen")
	l.Wait(`document.querySelector("pre.body") && !document.querySelector(".switch")`)
	l.Click(".label", "b.txt")
	l.See("h2", "b.txt")
	f.puts(s, "src/main.py", program) // while another one is looked at
	l.Click(".label", "main.py")
	l.See("p", "1 added, 2 removed since you saw it")
	f.change(func() { delete(s.files, "src/main.py") })
	f.happens(s, object{"op": "remove", "path": "src/main.py"})
	l.See(".pill", "no longer there")
	l.clean()
}
