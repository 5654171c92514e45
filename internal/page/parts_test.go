package page_test

import (
	"testing"

	"github.com/hutch-dev/hutch/internal/testbrowser"
)

// parts are checks in JavaScript that give what is wrong, or "".
var parts = map[string]string{
	"events cut anywhere": `
			const { Parser } = await import("/page/sse.js");
			const bytes = new TextEncoder().encode("\ufeff: hi\r\nid: 1\r\nevent: a\r\ndata: x€\r\ndata:  y\r\n\r\ndata\n\nid: 2\rdata: z\r\rretry: 1\nevent: none\n\nid: a\0b\ndata:🦔\n\ndata: not ended\n");
			const all = (cuts) => {
				const got = [];
				const p = new Parser((e) => got.push(e));
				let from = 0;
				for (const to of [...cuts, bytes.length]) { p.push(bytes.subarray(from, to)); from = to; }
				return JSON.stringify(got);
			};
			const want = JSON.stringify([{event: "a", data: "x€\n y", id: "1"}, {event: "message", data: "", id: "1"},
				{event: "message", data: "z", id: "2"}, {event: "message", data: "🦔", id: "2"}]);
			const ways = [[], [...bytes.keys()]];
			for (let i = 0; i <= bytes.length; i++) for (let j = i; j <= bytes.length; j++) ways.push([i, j]);
			const wrong = ways.find((w) => all(w) !== want);
			return wrong ? "cut at " + wrong + ": " + all(wrong) : "";`,
	"an event without end": `
			const { Parser } = await import("/page/sse.js");
			const p = new Parser(() => {});
			const piece = new TextEncoder().encode("data: " + "x".repeat(1 << 20));
			try { for (let i = 0; i < 20; i++) p.push(piece); } catch { return ""; }
			return "20 MiB were kept";`,
	"waiting": `
			const { wait } = await import("/page/sse.js");
			const all = [0, 1, 2, 3, 30].map((n) => wait(n, 1));
			return all.join() === "500,1000,2000,4000,15000" && wait(3, 0) === 2000 ? "" : all.join();`,
	"following": `
			const { follow } = await import("/page/sse.js");
			const real = window.setTimeout;
			const [waits, asked, got] = [[], [], []];
			window.setTimeout = (f, ms) => { if (ms < 40000) waits.push(ms); return real(f, ms < 40000 ? 0 : ms); };
			const fail = (status, retry) => () => { throw Object.assign(new Error("no"), { status, retry }); };
			const say = (text) => () => new Response(text);
			const script = [fail(0), fail(503), fail(429, 30), say("id: 5\ndata: a\n\n"), say("id: 6\ndata: b\n\nid: 7\ndata: cut"),
				say(": beat\n\nid: 8\ndata: end\n\ndata: more\n\n")];
			const quit = new AbortController();
			const onEvent = (e) => { got.push(e.data); return e.data === "end"; };
			const open = (after) => { asked.push(after); return script.shift()(); };
			await follow(open, { signal: quit.signal, onEvent });
			script.push(fail(404));
			const err = await follow(open, { signal: quit.signal, onEvent });
			quit.abort();
			await follow(open, { signal: quit.signal, onEvent });
			window.setTimeout = real;
			const between = [[250, 500], [500, 1000], [30000, 30000], [250, 500], [250, 500]];
			const good = waits.length === 5 && between.every(([a, b], i) => a <= waits[i] && waits[i] <= b);
			const said = JSON.stringify([asked, got, err.status]);
			return good && said === '[["","","","","5","6",""],["a","b","end"],404]' ? "" : said + waits;`,
	"escapes cut anywhere": `
			const { Plain } = await import("/page/text.js");
			const text = "a\x1b[1;31mb\x1b[0m\x1b]8;;http://x\x1b\\c\x1b]0;t\x07d\x1b(Be\x1b7f\tg\r\n\x00\x08h";
			const want = "abcdef\tg\r\nh";
			for (let i = 0; i <= text.length; i++) for (let j = i; j <= text.length; j++) {
				const p = new Plain();
				const got = p.push(text.slice(0, i)) + p.push(text.slice(i, j)) + p.push(text.slice(j));
				if (got !== want) return i + " " + j + " " + JSON.stringify(got);
			}
			const p = new Plain();
			p.push("\x1b]0;" + "x".repeat(10000));
			return p.push("y") === "y" ? "" : "a sequence without end hides the rest";`,
	"differences": `
			const { diff, hunks } = await import("/page/diff.js");
			let seed = 7;
			const dice = (n) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
			const text = () => Array.from({ length: dice(12) }, () => "abc"[dice(3)] + "\n").join("");
			const longest = (a, b) => { const m = a.map(() => 0); const t = Array.from({ length: a.length + 1 }, () => Array(b.length + 1).fill(0));
				for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++) t[i][j] = a[i-1] === b[j-1] ? t[i-1][j-1] + 1 : Math.max(t[i-1][j], t[i][j-1]);
				return t[a.length][b.length]; };
			for (let i = 0; i < 3000; i++) {
				const [a, b] = [text(), text()];
				const rows = diff(a, b);
				const side = (op) => rows.filter((r) => r.op !== op).map((r) => r.text + "\n").join("");
				const same = rows.filter((r) => r.op === " ").length;
				const la = a.split("\n").slice(0, -1), lb = b.split("\n").slice(0, -1);
				if (side("+") !== a || side("-") !== b || same !== longest(la, lb)) return JSON.stringify([a, b, rows]);
			}
			const far = diff("x\n".repeat(5000), "y\n".repeat(5000));
			if (far.length !== 10000) return "far: " + far.length;
			const one = diff(Array.from({ length: 100 }, (_, i) => i).join("\n"), Array.from({ length: 100 }, (_, i) => i === 50 ? "x" : i).join("\n"));
			return hunks(one).length === 10 ? "" : "hunks: " + hunks(one).length;`,
	"steps in URLs": `
			const { at, fileAt } = await import("/page/api.js");
			for (const bad of ["..", ".", "", "a/../b", "a//b", "\ud800", "a/."]) {
				try { return bad + " gives " + fileAt("s", bad); } catch {}
			}
			try { return at(".."); } catch {}
			return fileAt("a b", "x/..y/50%#?.txt") === "/sessions/a%20b/files/x/..y/50%25%23%3F.txt" ? "" : fileAt("a b", "x/..y/50%#?.txt");`,
	"one long line": `
			const { Output } = await import("/page/output.js");
			const out = new Output("x", { limit: 10 });
			for (let i = 0; i < 200; i++) out.write("stdout", "0123456789".repeat(100));
			await new Promise((done) => setTimeout(done, 200));
			const n = out.el.querySelectorAll(".stdout").length;
			return n === 10 && out.el.textContent.length < 90000 ? "" : n + " lines, " + out.el.textContent.length;`,
	"no text becomes markup": `
			try { document.createElement("p").innerHTML = "<b>x</b>"; } catch { return ""; }
			return "it does";`,
}

// testParts runs what is easier to check without a view.
func testParts(t *testing.T, b *testbrowser.Browser) {
	f := newFake(t)
	l := &look{Page: b.Page(t, f.URL+"/"), t: t, f: f}
	for name, js := range parts {
		var wrong string
		l.Eval(`(async () => {`+js+`})()`, &wrong)
		if wrong != "" {
			t.Errorf("%s: %s", name, wrong)
		}
	}
}
