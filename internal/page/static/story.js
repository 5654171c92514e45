// What an agent says and does, event by event.

import { el } from './dom.js';
import { Output } from './output.js';
import { count, span, visible, visibleText } from './text.js';

const longest = 200_000; // characters of one text that are shown
const most = 2000; // parts of a story

// Story is the view of one run.
export class Story {
	#last = null; // {kind, agent, node, length}
	#calls = new Map();
	#todos = el('ul', { class: 'todos', hidden: true, 'aria-label': 'Plan' });
	#parts = el('div', { class: 'parts', role: 'log', 'aria-live': 'polite', 'aria-label': 'What the agent does' });
	#sum = el('p', { class: 'soft' });

	#begun = false;

	constructor() {
		this.el = el('div', { class: 'stack story' }, this.#todos, this.#parts, this.#sum);
	}

	// begin shows what was asked for; only the first time counts.
	begin(prompt) {
		if (this.#begun || !prompt) return;
		this.#begun = true;
		this.#parts.prepend(el('p', { class: 'said you' }, prompt));
	}

	// lost says that events are missing.
	lost(n) {
		this.#note(`${count(n)} events are lost: the service keeps the last ones only.`);
	}

	// add shows one event.
	add(event) {
		const f = {
			text: () => this.#text(event, 'text'), reasoning: () => this.#text(event, 'reasoning'),
			tool_call: () => this.#call(event), call_begin: () => this.#call(event), progress: () => this.#progress(event), tool_done: () => this.#done(event),
			todos: () => this.#plan(event.todos ?? []), usage: () => this.#used(event.usage),
			retry: () => this.#note(`Tried again: ${visible(event.retry?.reason)}${event.retry?.void ? '. What it said last comes again.' : ''}`),
			compacted: () => this.#note('The conversation was made shorter.'),
			answered: () => this.#note(event.answer?.scope ? `Allowed: ${visible(event.question?.title)}` : `Refused: ${visible(event.question?.title)}`),
			end: () => this.#end(event),
		}[event.kind];
		f?.();
	}

	#put(node) {
		this.#last = null;
		this.#parts.append(node);
		while (this.#parts.children.length > most) this.#parts.firstChild.remove();
	}

	#text(event, kind) {
		const agent = event.agent ?? '';
		if (this.#last?.kind !== kind || this.#last.agent !== agent) {
			const node = el('p', { class: kind === 'text' ? 'said' : '' });
			const name = agent && el('small', { class: 'soft' }, visible(agent));
			this.#put(kind === 'text' ? el('div', {}, name, node) : el('details', { class: 'soft thought' }, el('summary', {}, 'Thinking'), node));
			this.#last = { kind, agent, node, length: 0 };
		}
		const room = longest - this.#last.length;
		const text = String(event.text ?? '').slice(0, Math.max(0, room));
		this.#last.length += text.length;
		if (this.#last.node.firstChild) this.#last.node.firstChild.appendData(text);
		else this.#last.node.append(text);
	}

	// call shows a call once; it can be announced before its input is known.
	#call({ call, agent }) {
		if (!call) return null;
		let c = this.#calls.get(call.id);
		if (!c) {
			c = { state: el('span', { class: 'state soft' }, '…'), what: el('code', { class: 'line grow' }), below: el('div', {}) };
			c.el = el('details', { class: 'call' }, el('summary', {}, el('span', { class: 'op changes' }, visible(agent ? `${agent}: ${call.name}` : call.name)), c.what, c.state), c.below);
			this.#calls.set(call.id, c);
			this.#put(c.el);
		}
		if (call.input !== undefined) {
			c.what.textContent = brief(call.input);
			c.input ??= el('pre', { class: 'mono' });
			c.input.textContent = visibleText(typeof call.input === 'string' ? call.input : JSON.stringify(call.input, null, 2));
			c.below.prepend(c.input);
		}
		return c;
	}

	#progress(event) {
		const c = this.#call(event);
		if (!c) return;
		if (!c.out) {
			c.out = new Output('Output', { limit: 1000 });
			c.below.append(c.out.el);
			c.el.open = true;
		}
		c.out.piece('stdout', { text: event.text });
	}

	#done(event) {
		const c = this.#call(event);
		if (!c) return;
		const { failed, text, duration } = event.outcome ?? {};
		c.state.textContent = failed ? 'failed' : Number.isFinite(duration) ? span(duration / 1e9) : 'done';
		c.el.classList.toggle('bad', Boolean(failed));
		this.#calls.delete(event.call.id);
		if (c.out) c.el.open = false;
		if (!text || c.out) return;
		const out = new Output('What it answered', { limit: 1000 });
		out.write('stdout', text);
		c.below.append(out.el);
	}

	#plan(todos) {
		const signs = { done: '✓', in_progress: '▸', pending: '○' };
		this.#todos.hidden = todos.length === 0;
		this.#todos.replaceChildren(...todos.map((t) => el('li', { class: t.status === 'done' ? 'done' : '' }, el('span', { 'aria-hidden': 'true' }, signs[t.status] ?? '○'), ' ', visible(t.text))));
	}

	#used(usage) {
		const { total, steps, cost } = usage ?? {};
		const tokens = total && `${count(total.input)} tokens in, ${count(total.output)} out`;
		this.#sum.textContent = [steps > 0 && `${steps} ${steps === 1 ? 'step' : 'steps'}`, tokens, cost > 0 && `cost ${cost.toFixed(4)}`].filter(Boolean).join(' · ');
	}

	#note(text) {
		this.#put(el('p', { class: 'soft' }, text));
	}

	#end(event) {
		if (event.agent) return;
		if (event.error) this.#put(el('p', { class: 'wrong' }, visible(event.error)));
		else if (event.result?.text && !this.#parts.querySelector('.said:not(.you)')) this.#put(el('p', { class: 'said' }, event.result.text));
	}
}

// brief is what matters of an input, in one line.
function brief(input) {
	if (typeof input === 'string') return visible(input.slice(0, 200));
	const first = ['command', 'script', 'path', 'file_path', 'pattern', 'query'].map((k) => input?.[k]).find((v) => typeof v === 'string');
	return visible((first ?? JSON.stringify(input)).slice(0, 200));
}
