// What the session has used.

import { at, get } from './api.js';
import { el, every, sorry } from './dom.js';
import { count, size, span } from './text.js';

const shown = [
	['commands', 'Commands', count], ['commands_running', 'Commands running', count], ['jobs_running', 'Jobs running', count],
	['command_seconds', 'Time of commands', span], ['bytes_read', 'Read', size], ['bytes_written', 'Written', size],
	['requests', 'Requests', count], ['refused', 'Refused', count], ['files', 'Files', count], ['bytes', 'Size of the files', size],
];

// Usage is the panel of the counts.
export class Usage {
	#session;
	#list = el('dl', { class: 'counts' });
	#stop = null;

	constructor(session) {
		this.#session = session;
		this.el = el('section', { class: 'stack', 'aria-label': 'Usage' }, this.#list);
	}

	show() {
		this.#stop ??= every(5, () => this.#refresh());
	}

	hide() {
		this.#stop?.();
		this.#stop = null;
	}

	busy() {
		return false;
	}

	async #refresh() {
		try {
			const usage = await get(at(this.#session.id, 'usage'), { signal: this.#session.signal });
			this.#list.replaceChildren(...shown.filter(([key]) => usage[key] !== undefined).map(([key, title, form]) =>
				el('div', {}, el('dt', {}, title), el('dd', {}, form(usage[key])))));
		} catch (err) {
			sorry(err);
		}
	}
}
