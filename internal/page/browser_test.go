package page_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/testbrowser"
)

// look is one page that looks at a service of its own.
type look struct {
	*testbrowser.Page
	t *testing.T
	f *fake
}

// shot keeps a picture where $HUTCH_SHOTS names a folder for pictures, in all
// sizes and colours.
func (l *look) shot(name string) {
	dir := os.Getenv("HUTCH_SHOTS")
	if dir == "" {
		return
	}
	for _, dark := range []bool{false, true} {
		for kind, size := range map[string][2]int{"desk": {1200, 800}, "phone": {360, 740}} {
			l.Size(size[0], size[1], kind == "phone")
			l.Dark(dark)
			l.Wait(`true`)
			l.Shot(filepath.Join(dir, fmt.Sprintf("%s-%s-%v.png", name, kind, map[bool]string{true: "dark", false: "light"}[dark])))
		}
	}
	l.Size(1200, 800, false)
	l.Dark(false)
}

// fits checks that nothing is wider than a small phone, and that what can be
// touched is large enough.
func (l *look) fits(what string) {
	l.t.Helper()
	l.Size(360, 740, true)
	var wide, small, over []string
	l.Eval(`document.documentElement.scrollWidth > 360 || document.body.scrollWidth > 360 ? [...document.querySelectorAll("body *")]
		.filter((e) => e.getBoundingClientRect().right > 361).slice(0, 5).map((e) => e.outerHTML.slice(0, 200)) .concat("too wide") : []`, &wide)
	l.Eval(`[...document.querySelectorAll("button, a:not(.skip), input:not([type=checkbox]), select, textarea, summary, .check")]
		.filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 39.5).map((e) => e.outerHTML.slice(0, 200))`, &small)
	l.Eval(covered, &over)
	if len(wide) > 0 || len(small) > 0 || len(over) > 0 {
		l.t.Errorf("%s at 360 pixels: too wide %q; too small to touch %q; below others %q", what, wide, small, over)
	}
	l.Size(1200, 800, false)
	l.clear(what)
}

// clear checks that all can be read and has a name.
func (l *look) clear(what string) {
	l.t.Helper()
	var bad []string
	l.Eval(nameless, &bad)
	for _, dark := range []bool{true, false} {
		var pale []string
		l.Dark(dark)
		l.Eval(contrast, &pale)
		bad = append(bad, pale...)
	}
	if len(bad) > 0 {
		l.t.Errorf("%s: hard to see or without a name: %q", what, bad)
	}
}

// covered are controls with something else on top of them.
const covered = `[...document.querySelectorAll("main button, main input, main select, main textarea, main .tabs a")].filter((e) => {
	if (!e.checkVisibility()) return false;
	e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
	const r = e.getBoundingClientRect();
	return [0.05, 0.5, 0.95].some((x) => {
		const top = document.elementFromPoint(r.x + r.width * x, r.y + r.height / 2);
		return top && !e.contains(top) && !top.closest("#toast");
	});
}).map((e) => e.outerHTML.slice(0, 200))`

// nameless are controls that say nothing to those who do not see them.
const nameless = `[...document.querySelectorAll("button, a, input, select, textarea, summary")]
	.filter((e) => e.checkVisibility() && !(e.getAttribute("aria-label") || e.textContent.trim() && !/SELECT|TEXTAREA/.test(e.tagName) || e.labels?.[0]?.textContent.trim()))
	.map((e) => e.outerHTML.slice(0, 200))`

// contrast are texts whose colour is less than 4.5 : 1 away from what is behind
// them, as WCAG 2.2 (1.4.3) measures it.
const contrast = `(() => {
	const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
	const rgba = (c) => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = c; pen.fillRect(0, 0, 1, 1); return [...pen.getImageData(0, 0, 1, 1).data]; };
	const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (e) => {
		let back = [0, 0, 0, 0];
		for (; e && back[3] < 250; e = e.parentElement) {
			const c = rgba(getComputedStyle(e).backgroundColor);
			if (c[3] === 0) continue;
			const a = back[3] / 255;
			back = [0, 1, 2].map((i) => back[i] * a + c[i] * (1 - a)).concat(back[3] + c[3]);
		}
		return back;
	};
	const pale = [];
	for (const e of document.querySelectorAll("body *")) {
		if (!e.checkVisibility() || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
		const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) pale.push(ratio.toFixed(2) + " " + e.outerHTML.slice(0, 120));
	}
	return pale;
})()`

// clean checks at the end that nothing of what others have written was run, that
// the browser had nothing to say, and that the token went nowhere.
func (l *look) clean() {
	l.t.Helper()
	var pwned, kept bool
	l.Eval(`Boolean(window.pwned)`, &pwned)
	l.Eval(`localStorage.length > 0 || document.cookie !== "" || location.href.includes("service-") || location.href.includes("session-")`, &kept)
	if pwned || kept {
		l.t.Errorf("ran: %v, kept or in the address: %v", pwned, kept)
	}
	var sorry []string
	l.Eval(`window.sorry ?? []`, &sorry)
	if len(sorry) > 0 {
		l.t.Errorf("the page was sorry: %q", sorry)
	}
	if said := l.Troubles(); len(said) > 0 {
		l.t.Errorf("the browser says %q", said)
	}
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	for _, url := range append(l.URLs(), l.f.seen...) {
		if strings.Contains(url, "service-0") || strings.Contains(url, "session-") {
			l.t.Errorf("a token in %s", url)
		}
		if strings.HasPrefix(url, "http") && !strings.HasPrefix(url, l.f.URL+"/") {
			l.t.Errorf("%s was asked for", url)
		}
	}
}

// enter opens the page and signs in.
func enter(t *testing.T, b *testbrowser.Browser, f *fake) *look {
	l := &look{Page: b.Page(t, f.URL+"/"), t: t, f: f}
	l.Size(1200, 800, false)
	l.Type("input", "Token", serviceToken)
	l.Press("Enter")
	l.See("h1", "Sessions")
	l.Eval(`void new MutationObserver(() => {
		for (const e of document.querySelectorAll("#toast .bad")) (window.sorry ??= []).push(e.textContent);
	}).observe(document.getElementById("toast"), {childList: true})`, nil)
	return l
}

func TestPage(t *testing.T) {
	b := testbrowser.Open(t)
	for name, test := range map[string]func(*testing.T, *testbrowser.Browser){
		"sign in": testSignIn, "sessions": testSessions, "files": testFiles, "hostile names": testHostile, "changes": testChanges,
		"commands": testCommands, "output": testOutput, "usage": testUsage, "jobs": testJobs, "agent": testAgent, "audit": testAudit, "parts": testParts,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func testSignIn(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	f.add("one", "acme", map[string]string{"a.txt": "a\n"})
	l := &look{Page: b.Page(t, f.URL+"/"), t: t, f: f}
	l.See("h1", "Sign in")
	l.shot("login")
	l.fits("the question for the token")
	for _, wrong := range []string{"nonsense", "tökén", "session-one"} {
		l.Type("input", "Token", wrong)
		l.Click("button", "Continue")
		l.See("[role=alert]", map[bool]string{true: "A token has only letters, digits and signs.", false: "The service does not accept this token."}[wrong == "tökén"])
		l.Eval(`void (document.querySelector("[role=alert]").textContent = "")`, nil)
	}
	l.Type("input", "Token", serviceToken)
	l.Press("Enter")
	l.See("strong", "one")
	l.Reload() // the tab knows it still
	l.See("strong", "one")

	f.change(func() { delete(f.tokens, serviceToken) })
	l.Click("strong", "one") // the service no longer accepts it
	l.See("[role=alert]", "The token is no longer accepted.")
	var kept string
	l.Eval(`JSON.stringify(sessionStorage)`, &kept)
	if kept != "{}" {
		t.Errorf("kept after it was refused: %s", kept)
	}

	l.Go(f.URL + "/#/")
	ofOne(l)
	l.Click("button", "Sign out")
	l.See("h1", "Sign in")
	l.clean()
}

// ofOne signs in with the token of one session.
func ofOne(l *look) {
	l.t.Helper()
	l.Type("input", "Token", "session-one")
	l.Type("input", "Session", "one")
	l.Press("Enter")
	l.See("h1", "one")
	l.See(".label", "a.txt")
	l.Eval(`document.querySelector(".skip").focus()`, nil) // to the content, past what is above it
	l.Press("Enter")
	l.Wait(`document.activeElement === document.querySelector("main") && location.hash !== "#main"`)
	l.Press("Tab")
	l.Wait(`document.activeElement.textContent === "Sleep" && getComputedStyle(document.activeElement).outlineStyle === "solid"`)
	l.Go(l.f.URL + "/#/s/other/files") // a token of one session sees no other
	l.See("h1", "one")
}
