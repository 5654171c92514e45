// One file: its text with numbers, or what has changed since it was looked at.

import { ask, at, fileAt, get, query } from './api.js';
import { button, el, once, pill } from './dom.js';
import { diff, hunks, lines } from './diff.js';
import { age, size, visible, visibleText } from './text.js';

const cap = 512 << 10; // bytes that are shown
const mostLines = 20_000;
const mostRows = 5_000; // of a diff
const versions = 30; // that are remembered

// FileView shows a file. seen remembers by path the version that was last looked
// at, {rev, text}; back leaves the view.
export class FileView {
	#session;
	#seen;
	#entry;
	#now = null; // {rev, text, cut} or {rev, binary}
	#mode = 'text';
	#turn = Promise.resolve();
	#quit = new AbortController();
	#bar = el('div', { class: 'row wrap bar' });
	#body = el('div', { class: 'text' });

	constructor(session, entry, seen, back) {
		this.#session = session;
		this.#entry = entry;
		this.#seen = seen;
		this.el = el('div', { class: 'stack' },
			el('div', { class: 'row' }, button('Files', back, { class: 'back narrow' }), el('h2', { class: 'mono path' }, visible(entry.path)),
				button('Download', once(() => this.#download()), { class: 'quiet' })),
			this.#bar, this.#body);
	}

	close() {
		this.#quit.abort();
	}

	// refresh looks whether the file is another one now, one time after the other.
	refresh() {
		return (this.#turn = this.#turn.then(() => this.#look()));
	}

	async #look() {
		try {
			if (this.#now) {
				const entry = await get(at(this.#session.id, 'stat') + query({ path: this.#entry.path }), { signal: this.#quit.signal });
				if (entry.rev === this.#now.rev) return;
				this.#entry = entry;
			}
			this.#now = await this.#read();
		} catch (err) {
			if (err.name === 'AbortError' || err.status === 401) return;
			this.#bar.replaceChildren(pill(err.status === 404 ? 'no longer there' : 'cannot be read', 'bad'));
			if (!this.#now) this.#body.replaceChildren(el('p', { class: 'empty' }, err.message));
			return;
		}
		const before = this.#seen.get(this.#entry.path);
		if (before && before.rev !== this.#now.rev && this.#now.text !== undefined) this.#mode = 'diff';
		if (!before) this.#remember();
		this.#show();
	}

	#remember() {
		const { path } = this.#entry;
		this.#seen.delete(path);
		if (this.#now.text !== undefined) this.#seen.set(path, { rev: this.#now.rev, text: this.#now.text });
		if (this.#seen.size > versions) this.#seen.delete(this.#seen.keys().next().value);
	}

	async #read() {
		const headers = this.#entry.size > cap ? { Range: `bytes=0-${cap - 1}`, Accept: '*/*' } : { Accept: '*/*' };
		const response = await ask('GET', fileAt(this.#session.id, this.#entry.path), { headers, signal: this.#quit.signal });
		const rev = response.headers.get('ETag')?.replace(/^"|"$/g, '') || this.#entry.rev;
		const { bytes, cut } = await upTo(response, cap);
		const text = decode(bytes, cut || response.status === 206);
		return text === null ? { rev, binary: true } : { rev, text, cut: cut || response.status === 206 };
	}

	#show() {
		const { path, size: n, modified } = this.#entry;
		const before = this.#seen.get(path);
		const changed = before && before.rev !== this.#now.rev && this.#now.text !== undefined;
		const facts = el('span', { class: 'soft' }, [size(n), modified && `changed ${age(modified)}`].filter(Boolean).join(' · '));
		this.#bar.replaceChildren(facts);
		if (this.#now.cut) this.#bar.append(pill(`the first ${size(cap)}`, 'busy'));
		if (changed) this.#offer();
		if (this.#now.binary) this.#body.replaceChildren(el('p', { class: 'empty' }, 'This is no text. It can be downloaded.'));
		else if (changed && this.#mode === 'diff') this.#body.replaceChildren(difference(before.text, this.#now.text));
		else this.#body.replaceChildren(numbered(this.#now.text));
	}

	// offer lets choose between the text and what has changed in it.
	#offer() {
		const pick = (mode, title) => button(title, () => { this.#mode = mode; this.#show(); }, { 'aria-pressed': String(this.#mode === mode) });
		const done = button('Seen', () => { this.#remember(); this.#mode = 'text'; this.#show(); }, { class: 'quiet', title: 'Compare with this version from now on' });
		this.#bar.append(el('span', { class: 'switch', role: 'group', 'aria-label': 'Show' }, pick('diff', 'Changes'), pick('text', 'Text')), done);
	}

	async #download() {
		const response = await ask('GET', fileAt(this.#session.id, this.#entry.path), { headers: { Accept: '*/*' }, signal: this.#quit.signal });
		const url = URL.createObjectURL(new Blob([await response.arrayBuffer()], { type: 'application/octet-stream' }));
		el('a', { href: url, download: this.#entry.path.split('/').at(-1).replace(/[^\p{L}\p{N}._ -]/gu, '_') || 'file' }).click();
		setTimeout(() => URL.revokeObjectURL(url), 60_000);
	}
}

// upTo reads at most n bytes of an answer.
async function upTo(response, n) {
	const all = new Uint8Array(n);
	let have = 0;
	const reader = response.body?.getReader();
	for (let chunk; reader && !(chunk = await reader.read()).done;) {
		const part = chunk.value.subarray(0, n - have);
		all.set(part, have);
		have += part.length;
		if (part.length < chunk.value.length) {
			reader.cancel().catch(() => {});
			return { bytes: all.subarray(0, have), cut: true };
		}
	}
	return { bytes: all.subarray(0, have), cut: false };
}

// decode is the text of bytes, or null where they are none. The last character of
// what is cut can be half of one.
function decode(bytes, cut) {
	if (bytes.subarray(0, 8192).includes(0)) return null;
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut });
	} catch {
		return null;
	}
}

function numbered(text) {
	const all = lines(text);
	if (all.length === 0) return el('p', { class: 'empty' }, 'This file is empty.');
	const some = all.slice(0, mostLines);
	const numbers = some.map((_, i) => i + 1).join('\n');
	const view = el('div', { class: 'code', tabindex: 0, role: 'region', 'aria-label': 'Text of the file' },
		el('pre', { class: 'numbers', 'aria-hidden': 'true' }, numbers), el('pre', { class: 'body' }, some.map((line) => visibleText(line.replace(/\r$/, ''))).join('\n')));
	return all.length > some.length ? el('div', {}, view, el('p', { class: 'soft' }, `${all.length - some.length} more lines are not shown.`)) : view;
}

function difference(before, now) {
	const all = diff(before, now);
	const kept = hunks(all);
	const rows = kept.slice(0, mostRows).map((row) => (row === null
		? el('div', { class: 'gap' }, '⋯')
		: el('div', { class: { '+': 'add', '-': 'del' }[row.op] ?? '' },
			el('span', { class: 'numbers', 'aria-hidden': 'true' }, String(row.b ?? row.a)), el('span', { class: 'sign' }, row.op), el('span', {}, visibleText(row.text)))));
	const sum = (op) => all.filter((row) => row.op === op).length;
	return el('div', {}, el('p', { class: 'soft' }, `${sum('+')} added, ${sum('-')} removed since you saw it`),
		el('div', { class: 'code diff', tabindex: 0, role: 'region', 'aria-label': 'Changes of the file' }, el('div', { class: 'rows' }, ...rows)),
		kept.length > mostRows && el('p', { class: 'soft' }, 'More changes are not shown.'));
}
