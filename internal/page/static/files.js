// The files of the session: a tree, and one file.

import { button, calm, el, sorry } from './dom.js';
import { FileView } from './file.js';
import { changes } from './hub.js';
import { Tree } from './tree.js';

// Files is the panel of the files.
export class Files {
	#session;
	#tree;
	#file = null;
	#side;
	#main = el('div', { class: 'file' }, el('p', { class: 'empty' }, 'Choose a file to look at it.'));
	#stop = null;
	#seen = new Map(); // versions that were looked at, by path

	constructor(session) {
		this.#session = session;
		this.#tree = new Tree(session, (entry) => this.#open(entry));
		this.#side = el('div', { class: 'side' },
			el('div', { class: 'row' }, el('h2', {}, 'Files'), button('Refresh', () => this.#refresh(), { class: 'quiet' })), this.#tree.el);
		this.el = el('section', { class: 'files', 'aria-label': 'Files' }, this.#side, this.#main);
	}

	show() {
		this.#stop ??= this.#session.hub.listen((fresh) => { if (fresh.some(changes)) this.#soon(); });
		addEventListener('focus', this.#soon);
		this.#refresh();
	}

	hide() {
		this.#stop?.();
		this.#stop = null;
		removeEventListener('focus', this.#soon);
	}

	busy() {
		return false;
	}

	#soon = calm(() => this.#refresh());

	async #refresh() {
		if (!this.#stop) return;
		try {
			await Promise.all([this.#tree.refresh(), this.#file?.refresh()]);
		} catch (err) {
			if (err.status !== 401) sorry(err);
		}
	}

	#open(entry) {
		this.#file?.close();
		this.#file = new FileView(this.#session, entry, this.#seen, () => this.#back());
		this.#main.replaceChildren(this.#file.el);
		this.el.classList.add('reading');
		this.#tree.mark(entry.path);
		this.#file.refresh().catch(sorry);
		if (matchMedia('(max-width: 719px)').matches) this.#file.el.querySelector('button').focus();
	}

	// back shows the tree again where there is room for one of both.
	#back() {
		this.el.classList.remove('reading');
		this.#tree.focus();
	}
}
