// Jobs: commands that outlive the request that has started them.

import { ask, at, get, part, query, stream } from './api.js';
import { button, calm, confirm, el, every, once, pill, sorry } from './dom.js';
import { changes } from './hub.js';
import { Output } from './output.js';
import { follow } from './sse.js';
import { age, ending, visible, visibleText } from './text.js';

const words = (job) => (Array.isArray(job.args) ? job.args : [job.script ?? job.id]).join(' ');

// line is a job in one line; "sh -c" in front says nothing.
const line = (job) => visibleText(words(job).replace(/^(\/bin\/)?sh -e?c /, ''));

// Jobs is the list of jobs; one at a time can be watched.
export class Jobs {
	#session;
	#list = el('ul', { class: 'rows' });
	#rows = new Map();
	#watched = null; // {id, quit}
	#stops = [];
	#running = false; // one of them
	#soon = calm(() => this.#stops.length && this.refresh());

	constructor(session) {
		this.#session = session;
		this.el = el('section', { class: 'stack', 'aria-label': 'Jobs' },
			el('div', { class: 'row' }, el('h2', {}, 'Jobs'), button('Refresh', () => this.refresh(), { class: 'quiet' })), this.#list);
	}

	show() {
		if (this.#stops.length) return;
		this.#stops = [
			this.#session.hub.listen((fresh) => { if (fresh.some(changes)) this.#soon(); }),
			every(4, () => { if (this.#running) this.#soon(); }),
		];
		this.refresh();
	}

	hide() {
		for (const stop of this.#stops.splice(0)) stop();
		this.#leave();
	}

	// refresh looks again; the job with the id watch is shown.
	async refresh(watch) {
		try {
			const answer = await get(at(this.#session.id, 'jobs'), { signal: this.#session.signal });
			this.#fill(answer.jobs ?? []);
			if (watch) this.#watch(watch);
		} catch (err) {
			if (![401, 404, 410].includes(err.status)) sorry(err);
		}
	}

	#fill(jobs) {
		this.#running = jobs.some((job) => job.running);
		const rows = new Map();
		for (const job of jobs.slice(-200).reverse()) {
			const r = this.#rows.get(job.id) ?? this.#row(job);
			rows.set(job.id, r);
			r.update(job);
		}
		for (const [id, r] of this.#rows) if (!rows.has(id)) r.el.remove();
		this.#rows = rows;
		const wanted = [...rows.values()].map((r) => r.el);
		if (wanted.length === 0) wanted.push(el('li', { class: 'empty' }, 'No jobs.'));
		this.#list.querySelector('.empty')?.remove();
		wanted.forEach((e, i) => { if (this.#list.children[i] !== e) this.#list.insertBefore(e, this.#list.children[i] ?? null); });
	}

	#row(job) {
		const state = el('span', { class: 'state' });
		const facts = el('span', { class: 'soft' });
		const kill = button('Kill', once(() => this.#kill(job)), { class: 'quiet danger', 'aria-label': `Kill ${line(job)}` });
		const look = button('Output', () => (this.#watched?.id === job.id ? this.#leave() : this.#watch(job.id)), { class: 'quiet', 'aria-expanded': 'false', 'aria-label': `Output of ${line(job)}` });
		const below = el('div', { class: 'below' });
		const update = (now) => {
			facts.textContent = `${now.running ? 'started' : 'ended'} ${age(now.running ? now.started : now.ended ?? now.started)}`;
			kill.hidden = !now.running;
			const [text, kind] = now.running ? ['running', 'busy'] : ending(now);
			if (state.textContent !== text) state.replaceChildren(pill(text, kind));
		};
		return { update, look, below, el: el('li', { class: 'item job' },
			el('div', { class: 'cover' }, el('code', { class: 'line' }, line(job)), facts), state, el('div', { class: 'row' }, look, kill), below) };
	}

	async #kill(job) {
		if (!await confirm('Kill this job?', line(job), 'Kill')) return;
		await ask('DELETE', at(this.#session.id, 'jobs', part(job.id)));
		await this.refresh();
	}

	#leave() {
		if (!this.#watched) return;
		const r = this.#rows.get(this.#watched.id);
		this.#watched.quit.abort();
		this.#watched = null;
		r?.below.replaceChildren();
		r?.look.setAttribute('aria-expanded', 'false');
	}

	#watch(id) {
		this.#leave();
		const r = this.#rows.get(id);
		if (!r) return;
		const quit = new AbortController();
		this.#watched = { id, quit };
		const out = new Output('Output of the job');
		r.below.replaceChildren(out.el);
		r.look.setAttribute('aria-expanded', 'true');
		follow((after, signal) => stream('GET', at(this.#session.id, 'jobs', part(id), 'output') + query({ after }), {
			signal, headers: after ? { 'Last-Event-ID': after } : {},
		}), { signal: quit.signal, onEvent: (e) => this.#take(out, e) }).then((err) => {
			if (quit.signal.aborted) return;
			if (err) out.write('note', `${visible(err.message)}\n`);
			this.refresh();
		});
	}

	// take shows what a job has printed and reports whether that was all.
	#take(out, e) {
		const data = JSON.parse(e.data);
		if (e.event === 'error') out.write('note', `${visible(data.detail)}\n`);
		if (data.lost > 0) out.write('note', `${data.lost} bytes are lost: the service keeps the last ones only\n`);
		if (e.event === 'stdout' || e.event === 'stderr') out.piece(e.event, data);
		return e.event === 'end' || e.event === 'error';
	}
}
