// A tree of files that is asked for as it is opened.

import { at, get, query } from './api.js';
import { button, el, sorry } from './dom.js';
import { size, visible } from './text.js';

const first = 1000; // entries of a directory to begin with
const most = 10_000; // that the service lists

const base = (path) => path.slice(path.lastIndexOf('/') + 1);

// Tree shows the directories of a session; open is called with the entry of a
// file that is chosen.
export class Tree {
	#session;
	#open;
	#root = { path: '', limit: first, list: el('ul', { class: 'tree', 'aria-label': 'Files' }), rows: new Map() };
	#marked = '';

	constructor(session, open) {
		this.#session = session;
		this.#open = open;
		this.el = this.#root.list;
		this.el.addEventListener('keydown', (event) => this.#key(event));
	}

	// refresh asks again for all directories that are open.
	async refresh() {
		await this.#load(this.#root);
	}

	mark(path) {
		this.#marked = path;
		for (const b of this.el.querySelectorAll('button.name')) this.#current(b, b.dataset.path);
	}

	focus() {
		(this.el.querySelector('[aria-current]') ?? this.el.querySelector('button'))?.focus();
	}

	#current(b, path) {
		if (path === this.#marked) b.setAttribute('aria-current', 'true');
		else b.removeAttribute('aria-current');
	}

	async #load(dir) {
		const answer = await get(at(this.#session.id, 'list') + query({ path: dir.path, limit: dir.limit }), { signal: this.#session.signal });
		const entries = (answer.entries ?? []).filter((e) => typeof e.path === 'string');
		entries.sort((a, b) => Boolean(b.dir) - Boolean(a.dir) || (base(a.path) < base(b.path) ? -1 : 1));
		const rows = new Map();
		for (const e of entries) {
			const old = dir.rows.get(e.path);
			rows.set(e.path, old && Boolean(old.entry.dir) === Boolean(e.dir) ? old : this.#row(e));
			this.#update(rows.get(e.path), e);
		}
		dir.rows = rows;
		this.#place(dir, [...rows.values()].map((r) => r.item), answer.more);
		const open = [...rows.values()].filter((r) => r.below?.opened);
		await Promise.all(open.map((r) => this.#load(r.below).catch(() => {})));
	}

	// place puts the rows into the list without touching those that stay, so that
	// the focus stays as well.
	#place(dir, items, more) {
		const wanted = [...items];
		if (items.length === 0) wanted.push(el('li', { class: 'empty' }, 'empty'));
		if (more && dir.limit >= most) wanted.push(el('li', { class: 'empty' }, 'There is more than can be shown.'));
		else if (more) wanted.push(el('li', {}, button('More…', () => { dir.limit *= 10; this.#load(dir).catch(sorry); }, { class: 'quiet' })));
		const keep = new Set(wanted);
		for (const child of [...dir.list.children]) if (!keep.has(child)) child.remove();
		wanted.forEach((item, i) => { if (dir.list.children[i] !== item) dir.list.insertBefore(item, dir.list.children[i] ?? null); });
	}

	#row(entry) {
		const r = { entry, extra: el('span', { class: 'soft' }) };
		r.button = el('button', { type: 'button', class: `name ${entry.dir ? 'dir' : 'doc'}`, title: visible(entry.path), onclick: () => this.#choose(r) },
			el('span', { class: 'label' }, visible(base(entry.path))), ' ', r.extra);
		r.button.dataset.path = entry.path;
		r.item = el('li', {}, r.button);
		if (!entry.dir) return r;
		r.below = { path: entry.path, limit: first, list: el('ul', { hidden: true }), rows: new Map(), opened: false };
		r.button.setAttribute('aria-expanded', 'false');
		r.item.append(r.below.list);
		return r;
	}

	#update(r, entry) {
		r.entry = entry;
		r.extra.textContent = entry.link ? '↪' : entry.dir ? '' : size(entry.size);
		this.#current(r.button, entry.path);
	}

	#choose(r) {
		if (r.below) this.#toggle(r, !r.below.opened);
		else this.#open(r.entry);
	}

	#toggle(r, opened) {
		r.below.opened = opened;
		r.below.list.hidden = !opened;
		r.button.setAttribute('aria-expanded', String(opened));
		if (!opened) return;
		this.#load(r.below).catch((err) => { this.#toggle(r, false); sorry(err); });
	}

	// key moves with the arrows, as trees do elsewhere.
	#key(event) {
		const all = [...this.el.querySelectorAll('button')].filter((b) => b.offsetParent !== null);
		const i = all.indexOf(document.activeElement);
		const go = { ArrowDown: i + 1, ArrowUp: i - 1, Home: 0, End: all.length - 1 }[event.key];
		const expanded = document.activeElement.getAttribute('aria-expanded');
		if (go !== undefined) all[go]?.focus();
		else if (event.key === 'ArrowRight' && expanded === 'false') document.activeElement.click();
		else if (event.key === 'ArrowLeft' && expanded === 'true') document.activeElement.click();
		else if (event.key === 'ArrowLeft') document.activeElement.closest('ul')?.parentNode.querySelector(':scope > button')?.focus();
		else return;
		event.preventDefault();
	}
}
