// The agent: give it something to do, see what it does, answer what it asks.

import { ask, at, get, part, post, query, stream } from './api.js';
import { button, calm, el, field, once, pill, sorry } from './dom.js';
import { changes } from './hub.js';
import { Story } from './story.js';
import { follow } from './sse.js';
import { age, visible, visibleText } from './text.js';

const kinds = { running: 'busy', waiting: 'busy', done: 'good', failed: 'bad', cancelled: '', interrupted: 'bad' };
const over = (run) => !['running', 'waiting'].includes(run.state);

// Agent is the panel of the agent's runs.
export class Agent {
	#session;
	#prompt = el('textarea', { rows: 3, placeholder: 'What is to be done?', onkeydown: (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) this.#form.requestSubmit(); } });
	#model = el('input', { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', placeholder: 'the usual one' });
	#steps = el('input', { type: 'number', min: 1, inputmode: 'numeric' });
	#on = el('input', { type: 'checkbox', id: 'on' });
	#onLabel = el('label', { class: 'check', hidden: true }, this.#on, ' go on with this conversation');
	#list = el('ul', { class: 'chips', 'aria-label': 'Runs' });
	#view = el('div', { class: 'stack' });
	#form;
	#run = null; // that is shown
	#quit = null;
	#stop = null;
	#soon = calm(() => this.#stop && this.#runs());

	constructor(session) {
		this.#session = session;
		this.#form = el('form', { class: 'card ask', onsubmit: once(() => this.#start()) },
			field('Prompt', this.#prompt),
			el('div', { class: 'row wrap' }, el('details', { class: 'grow' }, el('summary', {}, 'Options'),
				el('div', { class: 'grid' }, field('Model', this.#model), field('Steps', this.#steps, 'at most'))),
			this.#onLabel, el('button', { class: 'main' }, 'Start')));
		this.el = el('section', { class: 'stack', 'aria-label': 'Agent' }, this.#form, this.#list, this.#view);
	}

	show() {
		this.#stop ??= this.#session.hub.listen((fresh) => { if (fresh.some(changes)) this.#soon(); });
		this.#runs();
		if (this.#run && !this.#quit) this.#look(this.#run.id);
	}

	hide() {
		this.#stop?.();
		this.#stop = null;
		this.#quit?.abort();
		this.#quit = null;
	}

	busy() {
		return false; // a run goes on without the page
	}

	#at(...rest) {
		return at(this.#session.id, 'runs', ...rest);
	}

	async #runs() {
		try {
			const answer = await get(this.#at(), { signal: this.#session.signal });
			const runs = (answer.runs ?? []).sort((a, b) => Date.parse(b.created) - Date.parse(a.created)).slice(0, 30);
			this.#fill(runs);
			if (!this.#run && runs.length) this.#look(runs[0].id);
		} catch (err) {
			if (![404, 405, 501].includes(err.status)) {
				sorry(err);
				return;
			}
			this.#form.hidden = true;
			this.#view.replaceChildren(el('p', { class: 'empty' }, 'This service has no agent.'));
		}
	}

	#fill(runs) {
		const focused = this.#list.contains(document.activeElement) && document.activeElement.dataset.id;
		this.#list.replaceChildren(...runs.map((run) => {
			const b = button('', () => this.#look(run.id), { class: 'chip', 'aria-current': run.id === this.#run?.id ? 'true' : null });
			b.dataset.id = run.id;
			b.append(el('span', { class: 'short', title: age(run.created) }, visible(run.prompt || age(run.created))), pill(visible(run.state), kinds[run.state]));
			return el('li', {}, b);
		}));
		if (focused) this.#list.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
	}

	async #start() {
		const prompt = this.#prompt.value.trim();
		if (prompt === '') {
			this.#prompt.focus();
			return;
		}
		const run = await post(this.#at(), {
			prompt, model: this.#model.value.trim() || undefined, max_steps: Number(this.#steps.value) || undefined,
			conversation: this.#on.checked && !this.#onLabel.hidden ? this.#run?.conversation : undefined,
		});
		this.#prompt.value = '';
		await this.#look(run.id, prompt);
		await this.#runs();
	}

	// look shows a run from its beginning and follows it.
	async #look(id, prompt) {
		this.#quit?.abort();
		const quit = (this.#quit = new AbortController());
		this.#run = { id };
		const state = el('div', { class: 'row wrap', role: 'status' });
		const asked = el('div', { class: 'stack', 'aria-live': 'assertive' });
		const story = new Story();
		story.begin(prompt);
		this.#view.replaceChildren(el('article', { class: 'card run' }, state, story.el, asked));
		const update = async () => {
			const run = await get(this.#at(part(id)), { signal: quit.signal });
			if (quit.signal.aborted) return;
			this.#run = run;
			story.begin(run.prompt);
			this.#head(state, run);
			this.#pending(asked, run, update);
			this.#onLabel.hidden = !run.conversation || !over(run);
		};
		await update().catch(sorry);
		follow((after, signal) => stream('GET', this.#at(part(id), 'events') + query({ after }), {
			signal, headers: after ? { 'Last-Event-ID': after } : {},
		}), { signal: quit.signal, onEvent: (e) => {
			if (e.event === 'run') return true;
			const { event, lost } = JSON.parse(e.data);
			if (lost > 0) story.lost(lost);
			if (event) story.add(event);
			if (['asked', 'answered', 'begin'].includes(event?.kind)) update().catch(sorry);
			return false;
		} }).then(async () => {
			if (quit.signal.aborted) return;
			await update();
			await this.#runs();
		}).catch(sorry);
	}

	#head(state, run) {
		const act = (title, path, kind, body) => button(title, once(async () => {
			const next = await post(this.#at(part(run.id), path), body);
			await this.#look(next?.id ?? run.id);
			await this.#runs();
		}), { class: kind });
		const cost = run.cost > 0 && `cost ${run.cost.toFixed(4)}`;
		state.replaceChildren(pill(visible(run.state), kinds[run.state]),
			el('span', { class: 'soft grow' }, [run.ending !== 'finished' && visible(run.ending ?? ''), `started ${age(run.created)}`, cost].filter(Boolean).join(' · ')),
			...[!over(run) && act('Cancel', 'cancel', 'danger'), run.state === 'interrupted' && act('Resume', 'resume', 'main', {})].filter(Boolean));
		if (run.error) state.append(el('p', { class: 'wrong' }, visible(run.error)));
	}

	// pending shows the questions that wait for an answer.
	#pending(place, run, update) {
		const open = new Map((run.pending ?? []).map((q) => [q.question_id, q]));
		for (const card of [...place.children]) if (!open.delete(card.dataset.id)) card.remove();
		for (const q of open.values()) place.append(this.#question(run, q, update));
		if (open.size) place.lastChild.scrollIntoView({ block: 'nearest' });
	}

	#question(run, q, update) {
		const why = el('input', { type: 'text', autocomplete: 'off' });
		const say = (title, scope, kind) => button(title, once(async () => {
			try {
				await ask('POST', this.#at(part(run.id), 'approvals', part(q.question_id)), { json: { scope, reason: why.value.trim() || undefined } });
			} catch (err) {
				if (err.status !== 404 && err.status !== 409) throw err; // else somebody was faster
			}
			await update();
		}), { class: kind });
		const card = el('div', { class: 'question', role: 'group', 'aria-label': 'The agent asks' },
			el('h3', {}, visible(q.title)), q.agent && el('p', { class: 'soft' }, visible(q.agent)), q.text && el('pre', { class: 'mono', tabindex: 0 }, visibleText(q.text)),
			q.pattern && el('p', { class: 'soft' }, '“For this run” and “Always” allow ', el('code', {}, visible(q.pattern))),
			el('div', { class: 'row wrap' }, say('Allow once', 'once', 'main'), say('For this run', 'session'), say('Always', 'always'), say('Refuse', 'no', 'danger')),
			el('details', {}, el('summary', {}, 'Tell it why'), field('Reason', why, 'The agent reads it when you refuse.')));
		card.dataset.id = q.question_id;
		return card;
	}
}
