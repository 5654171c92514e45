// What commands print: the last lines of it, however much there is.

import { el } from './dom.js';
import { Pieces, count } from './text.js';

const widest = 8192; // characters of one line; the rest becomes a line of its own
const most = 4 << 20; // characters in all

// Output is a view of the last lines of a text that grows.
export class Output {
	#lines = []; // {kind, text, open, cr, node, dirty}
	#kept = 0; // characters
	#dropped = 0;
	#pieces = {};
	#limit;
	#timer = 0;
	#above = el('p', { class: 'above', hidden: true });
	#text = el('div', { class: 'lines' });

	constructor(label, { limit = 5000 } = {}) {
		this.#limit = limit;
		this.el = el('div', { class: 'output', role: 'log', 'aria-live': 'polite', 'aria-label': label, tabindex: 0 }, this.#above, this.#text);
	}

	// piece adds what a stream of a command has printed: {text} or {b64}.
	piece(stream, piece) {
		this.#pieces[stream] ??= new Pieces();
		this.write(stream, this.#pieces[stream].push(piece));
	}

	// write adds plain text of a kind: stdout, stderr or note.
	write(kind, text) {
		const parts = text.split('\n');
		parts.forEach((part, i) => {
			const last = i === parts.length - 1;
			if (last && part === '') return;
			this.#put(kind, part, last);
		});
		this.#trim();
		this.#timer ||= setTimeout(() => this.#show(), 40);
	}

	#put(kind, part, open) {
		let line = this.#lines.at(-1);
		if (!line?.open || line.kind !== kind) this.#lines.push((line = { kind, text: '', open: true }));
		part.split('\r').forEach((piece, i) => {
			line.cr ||= i > 0; // what comes next begins at the left again
			if (piece === '') return;
			this.#kept += piece.length - (line.cr ? line.text.length : 0);
			line.text = line.cr ? piece : line.text + piece;
			line.cr = false;
		});
		line.dirty = true;
		line.open = open;
		while (line.text.length > widest) line = this.#fold(line);
	}

	// fold moves what is too much for a line into a new one.
	#fold(line) {
		const next = { kind: line.kind, text: line.text.slice(widest), open: line.open, dirty: true };
		line.text = line.text.slice(0, widest);
		line.open = false;
		this.#lines.push(next);
		return next;
	}

	#trim() {
		let drop = Math.max(0, this.#lines.length - this.#limit);
		let kept = this.#kept;
		for (let i = 0; i < this.#lines.length - 1 && (i < drop || kept > most); i++) {
			kept -= this.#lines[i].text.length;
			drop = Math.max(drop, i + 1);
		}
		this.#kept = kept;
		this.#dropped += drop;
		for (const line of this.#lines.splice(0, drop)) line.node?.remove();
	}

	#show() {
		this.#timer = 0;
		const below = this.el.scrollHeight - this.el.scrollTop - this.el.clientHeight < 30;
		const fresh = [];
		for (let i = this.#lines.length - 1; i >= 0 && this.#lines[i].dirty; i--) {
			const line = this.#lines[i];
			line.dirty = false;
			if (!line.node) fresh.push((line.node = el('div', { class: line.kind })));
			line.node.textContent = line.text || '\u200b';
		}
		this.#text.append(...fresh.reverse());
		this.#above.hidden = this.#dropped === 0;
		if (this.#dropped) this.#above.textContent = `${count(this.#dropped)} earlier lines are no longer shown.`;
		if (below) this.el.scrollTop = this.el.scrollHeight;
	}
}
