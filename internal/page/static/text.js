// Texts for people, and texts that others have made.

// Characters that are not seen, or that change how their neighbours are seen.
const hidden = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

// visible shows a name as it is: what could hide in it or turn it around is
// written out.
export function visible(s) {
	return String(s ?? '').replace(hidden, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

// visibleText is the same for a text of several lines: their ends and tabs stay.
export function visibleText(s) {
	return String(s ?? '').replace(/[^\n\t]+/g, visible);
}

export function size(n) {
	if (!(n >= 0)) return '–';
	let unit = 0;
	for (; n >= 1000 && unit < 4; unit++) n /= 1000;
	return `${unit && n < 100 ? n.toFixed(1) : Math.round(n)} ${['B', 'kB', 'MB', 'GB', 'TB'][unit]}`;
}

export const count = (n) => (Number.isFinite(n) ? n.toLocaleString('en').replaceAll(',', '\u202f') : '–');

// span is a length of time in seconds.
export function span(s) {
	if (!Number.isFinite(s)) return '–';
	if (s < 1) return `${Math.round(s * 1000)} ms`;
	if (s < 60) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
	if (s < 172800) return `${Math.floor(s / 3600)} h`;
	return `${Math.floor(s / 86400)} days`;
}

// age is how long ago a time was.
export function age(time) {
	const s = (Date.now() - Date.parse(time)) / 1000;
	if (!Number.isFinite(s)) return '–';
	if (s >= 60 && s < 3600) return `${Math.floor(s / 60)} min ago`;
	return s < 10 ? 'just now' : `${span(s)} ago`;
}

export function clock(time) {
	const d = new Date(time);
	return Number.isNaN(d.getTime()) ? '–' : d.toLocaleTimeString('en-GB');
}

// ending says in a word how a command has ended, and how that looks.
export function ending({ exit_code: code, signal, timed_out: late, error }) {
	if (error) return [visible(error), 'bad'];
	if (late) return ['timed out', 'bad'];
	if (signal) return [visible(signal), 'bad'];
	return code === 0 ? ['done', 'good'] : [`exit ${code}`, 'bad'];
}

// Escape sequences of terminals, and what can be the beginning of one.
const escape = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])/g;
const begun = /\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)$/;
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
const longest = 4096; // of a sequence that has only begun

// Plain makes what a terminal would get a plain text, piece by piece: tabs, ends
// of lines and carriage returns stay, colours and all else go.
export class Plain {
	#held = '';

	push(text) {
		let s = (this.#held + text).replace(escape, '');
		this.#held = begun.exec(s)?.[0] ?? '';
		s = s.slice(0, s.length - this.#held.length);
		if (this.#held.length > longest) this.#held = '';
		return s.replace(controls, '');
	}
}

// bytes decodes the base64 of a piece of output.
export function bytes(b64) {
	return Uint8Array.from(atob(b64), (c) => c.charCodeAt(0));
}

// Pieces makes one text of pieces that are texts or, where they are no UTF-8 by
// themselves, base64: a character can be cut in two between them.
export class Pieces {
	#decoder = new TextDecoder();
	#plain = new Plain();

	push({ text, b64 }) {
		const s = b64 ? this.#decoder.decode(bytes(b64), { stream: true }) : this.#decoder.decode() + (text ?? '');
		return this.#plain.push(s);
	}
}
