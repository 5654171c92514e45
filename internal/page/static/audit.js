// The trail: what is done in the session, as it happens.

import { button, el, field, pill } from './dom.js';
import { changes } from './hub.js';
import { clock, size, span, visible } from './text.js';

const refused = (event) => event.decision === 'denied';

const filters = {
	'': () => true,
	changes: (event) => changes(event),
	commands: (event) => event.op === 'exec',
	refused: (event) => refused(event) || Boolean(event.error),
};

// Audit is the panel of the trail.
export class Audit {
	#hub;
	#text = el('input', { type: 'search', placeholder: 'path, command, who', autocomplete: 'off', oninput: () => this.#fill() });
	#kind = el('select', { onchange: () => this.#fill() }, el('option', { value: '' }, 'everything'), el('option', { value: 'changes' }, 'changes'),
		el('option', { value: 'commands' }, 'commands'), el('option', { value: 'refused' }, 'refused or failed'));
	#live = el('span', { class: 'live', role: 'status' });
	#list = el('ol', { class: 'trail', 'aria-label': 'Events, the newest first', 'aria-live': 'polite' });
	#hold = button('Hold', () => this.#toggle(), { 'aria-pressed': 'false' });
	#stop = null;
	#held = false;

	constructor(session) {
		this.#hub = session.hub;
		this.el = el('section', { class: 'stack', 'aria-label': 'Audit' },
			el('div', { class: 'row wrap tools' }, field('Show', this.#kind), field('Filter', this.#text), el('div', { class: 'row end grow' }, this.#live, this.#hold)),
			this.#list);
	}

	show() {
		this.#stop ??= this.#hub.listen((fresh) => this.#add(fresh));
		this.#fill();
	}

	hide() {
		this.#stop?.();
		this.#stop = null;
	}

	busy() {
		return false;
	}

	#toggle() {
		this.#held = !this.#held;
		this.#hold.setAttribute('aria-pressed', String(this.#held));
		this.#hold.textContent = this.#held ? 'Go on' : 'Hold';
		this.#fill();
	}

	#add(fresh) {
		this.#state();
		if (this.#held) return;
		const wanted = fresh.filter((event) => this.#wants(event));
		if (wanted.length === 0) return;
		this.#list.querySelector('.empty')?.remove();
		this.#list.prepend(...wanted.reverse().map(row));
		while (this.#list.children.length > 1000) this.#list.lastChild.remove();
	}

	#fill() {
		this.#state();
		if (this.#held) return;
		const rows = this.#hub.events.filter((event) => this.#wants(event)).reverse().map(row);
		this.#list.replaceChildren(...(rows.length ? rows : [el('li', { class: 'empty' }, 'Nothing to show yet.')]));
	}

	#state() {
		const text = this.#held ? 'held' : { live: 'live', off: 'not available' }[this.#hub.state] ?? 'connecting…';
		this.#live.classList.toggle('now', !this.#held && this.#hub.state === 'live');
		if (this.#live.textContent !== text) this.#live.textContent = text;
	}

	#wants(event) {
		if (event.lost) return true;
		const words = this.#text.value.trim().toLowerCase();
		const text = [event.op, event.path, event.to, event.pattern, command(event), event.who, event.decision, event.error].join(' ').toLowerCase();
		return filters[this.#kind.value](event) && words.split(/\s+/).every((word) => text.includes(word));
	}
}

const command = (event) => (Array.isArray(event.args) ? event.args.join(' ') : event.args ?? '');

function row(event) {
	if (event.lost) return el('li', { class: 'lost soft' }, `${event.lost} events are lost: the service keeps the last ones only.`);
	const bad = refused(event) || event.error;
	const facts = [event.who && visible(event.who), event.bytes > 0 && size(event.bytes),
		(event.timed_out ? 'timed out' : event.signal ? visible(event.signal) : event.exit_code !== undefined && `exit ${event.exit_code}`), event.duration_ms >= 1 && span(event.duration_ms / 1000)];
	return el('li', { class: bad ? 'bad' : '' },
		el('time', { datetime: String(event.time ?? '') }, clock(event.time)),
		el('span', { class: `op ${changes(event) ? 'changes' : ''}` }, visible(event.op)),
		el('span', { class: 'what mono' }, visible(command(event) || [event.path, event.pattern].filter(Boolean).join(' ') || '') + (event.to ? ` → ${visible(event.to)}` : '')),
		el('span', { class: 'soft' }, facts.filter(Boolean).join(' · ')),
		refused(event) && pill('refused', 'bad'), !refused(event) && event.error && pill(visible(event.error), 'bad'));
}
