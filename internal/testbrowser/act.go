package testbrowser

import (
	"encoding/json"
	"fmt"
	"time"
)

// quote is a text in JavaScript.
func quote(s string) string {
	q, _ := json.Marshal(s)
	return string(q)
}

// Wait waits until an expression is true.
func (p *Page) Wait(condition string) {
	p.t.Helper()
	js := `new Promise((done) => {
		const end = Date.now() + 20000;
		const look = () => {
			let is = false;
			try { is = Boolean(` + condition + `); } catch {}
			if (is || Date.now() > end) done(is); else setTimeout(look, 10);
		};
		look();
	})`
	for end := time.Now().Add(patience); time.Now().Before(end); {
		var is bool
		err := p.eval(js, &is)
		if err != nil && !left(err) {
			p.t.Fatal(err)
		}
		if is {
			return
		}
	}
	var text string
	p.Eval(`document.body.innerText`, &text)
	p.t.Fatalf("never true: %s\ntroubles: %q\nthe page:\n%s", condition, p.Troubles(), text)
}

// locate is an expression for the first element that can be seen, matches a CSS
// selector and, unless text is "", has that text or that label.
func locate(selector, text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.checkVisibility() && (%s === "" ||
		[e.textContent.trim(), e.getAttribute("aria-label"), e.labels?.[0]?.textContent].includes(%[2]s)))`, quote(selector), quote(text))
}

// See waits for an element, see locate.
func (p *Page) See(selector, text string) {
	p.t.Helper()
	p.Wait(locate(selector, text))
}

// SeeText waits until a text can be seen.
func (p *Page) SeeText(text string) {
	p.t.Helper()
	p.Wait(`document.body.innerText.includes(` + quote(text) + `)`)
}

// Click clicks on an element with the mouse, where nothing else covers it.
func (p *Page) Click(selector, text string) {
	p.t.Helper()
	p.See(selector, text)
	p.Eval(`delete window.at`, nil)
	var at []float64
	p.Wait(`(() => {
		const e = ` + locate(selector, text) + `;
		e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		const before = String(window.at);
		window.at = [r.x + r.width / 2, r.y + r.height / 2];
		if (String(window.at) !== before) return false; // it moves still
		const top = document.elementFromPoint(...window.at);
		return top !== null && (e.contains(top) || e.labels?.[0]?.contains(top) || top.closest("a, button, li")?.contains(e));
	})()`)
	p.Eval(`window.at`, &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1})
	}
}

// Type puts a text into a field, in place of what is there.
func (p *Page) Type(selector, label, text string) {
	p.t.Helper()
	p.See(selector, label)
	p.Eval(`(() => { const e = `+locate(selector, label)+`; e.focus(); e.select(); })()`, nil)
	p.do("Input.insertText", map[string]any{"text": text})
}

// codes are the keys that Press knows.
var codes = map[string]int{"Enter": 13, "Tab": 9, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "ArrowLeft": 37, "ArrowRight": 39}

// Press presses a key: Enter, Tab, Escape or an arrow.
func (p *Page) Press(key string) {
	p.t.Helper()
	down := map[string]any{"type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
	if key == "Enter" {
		down["text"] = "\r"
	}
	p.do("Input.dispatchKeyEvent", down)
	p.do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": codes[key]})
}
