// Commands: run one and see what it prints; jobs that go on by themselves.

import { at, post, stream } from './api.js';
import { button, el, field, pill, sorry } from './dom.js';
import { Jobs } from './jobs.js';
import { Output } from './output.js';
import { read } from './sse.js';
import { ending, span, visible, visibleText } from './text.js';

const mostRuns = 20; // that are kept on the page

// Commands is the panel of the commands.
export class Commands {
	#session;
	#jobs;
	#script = el('textarea', { rows: 1, spellcheck: 'false', autocapitalize: 'off', autocomplete: 'off', placeholder: 'ls -la', class: 'mono', onkeydown: (e) => this.#key(e), oninput: () => this.#grow() });
	#dir = el('input', { type: 'text', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off' });
	#limit = el('input', { type: 'number', min: 1, inputmode: 'numeric' });
	#away = el('input', { type: 'checkbox', id: 'away' });
	#go = el('button', { class: 'main' }, 'Run');
	#runs = el('div', { class: 'stack runs' });
	#now = null; // the command that runs
	#past = [];
	#at = 0;

	constructor(session) {
		this.#session = session;
		this.#jobs = new Jobs(session);
		const form = el('form', { class: 'card ask', onsubmit: (e) => { e.preventDefault(); this.#run(); } },
			field('Command', this.#script),
			el('div', { class: 'row wrap' }, el('details', { class: 'grow' }, el('summary', {}, 'Options'),
				el('div', { class: 'grid' }, field('Directory', this.#dir), field('Time limit', this.#limit, 'seconds'))),
			el('label', { class: 'check' }, this.#away, ' in the background'), this.#go));
		this.el = el('section', { class: 'stack', 'aria-label': 'Commands' }, form, this.#runs, this.#jobs.el);
	}

	show() {
		this.#jobs.show();
	}

	hide() {
		this.#jobs.hide();
	}

	busy() {
		return this.#now !== null;
	}

	#body() {
		return {
			script: this.#script.value, dir: this.#dir.value.trim() || undefined,
			timeout_seconds: Number(this.#limit.value) || undefined,
		};
	}

	#run() {
		if (this.#now) {
			this.#now.abort();
			return;
		}
		const body = this.#body();
		if (body.script.trim() === '') {
			this.#script.focus();
			return;
		}
		this.#past = [...this.#past.filter((p) => p !== body.script), body.script].slice(-100);
		this.#at = this.#past.length;
		this.#script.value = '';
		this.#grow();
		if (this.#away.checked) post(at(this.#session.id, 'jobs'), body).then((job) => this.#jobs.refresh(job?.id)).catch(sorry);
		else this.#front(body);
	}

	// front runs a command that ends with its request.
	async #front(body) {
		const quit = (this.#now = new AbortController());
		const stop = () => quit.abort();
		this.#session.signal.addEventListener('abort', stop);
		this.#button('Cancel', 'danger');
		const run = new Run(body.script);
		this.#runs.prepend(run.el);
		while (this.#runs.children.length > mostRuns) this.#runs.lastChild.remove();
		try {
			const response = await stream('POST', at(this.#session.id, 'exec'), { json: body, signal: quit.signal });
			await read(response, (e) => run.event(e));
			run.end('connection lost', 'bad');
		} catch (err) {
			run.end(err.name === 'AbortError' ? 'cancelled' : 'failed', err.name === 'AbortError' ? 'busy' : 'bad', err.name === 'AbortError' ? '' : err.message);
		} finally {
			this.#session.signal.removeEventListener('abort', stop);
			this.#now = null;
			this.#button('Run', 'main');
		}
	}

	#button(text, kind) {
		this.#go.textContent = text;
		this.#go.className = kind;
	}

	#grow() {
		this.#script.rows = Math.min(12, this.#script.value.split('\n').length);
	}

	// key runs on Enter and brings back what was run with the arrows.
	#key(event) {
		if (event.isComposing) return;
		if (event.key === 'Enter' && !event.shiftKey) {
			event.preventDefault();
			if (!this.#now) this.#run();
			return;
		}
		const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
		if (!step || this.#script.value.includes('\n') || !this.#past.length) return;
		event.preventDefault();
		this.#at = Math.max(0, Math.min(this.#past.length, this.#at + step));
		this.#script.value = this.#past[this.#at] ?? '';
		this.#grow();
	}
}

// Run shows one command and what it prints.
class Run {
	#out;
	#state = el('span', { class: 'state', role: 'status' }, pill('running', 'busy'));
	#begun = performance.now();
	#ended = false;

	constructor(script) {
		this.#out = new Output(`Output of ${visible(script)}`);
		this.el = el('article', { class: 'card run' }, el('div', { class: 'row' }, el('code', { class: 'line' }, visibleText(script)), this.#state), this.#out.el);
	}

	event(e) {
		const data = JSON.parse(e.data);
		if (e.event === 'stdout' || e.event === 'stderr') this.#out.piece(e.event, data);
		else if (e.event === 'result') return this.#result(data);
		else if (e.event === 'error') return this.end('failed', 'bad', data.detail || data.title || data.error);
		return false;
	}

	#result(data) {
		const [text, kind] = ending(data);
		for (const name of ['stdout', 'stderr']) if (data[`${name}_dropped`] > 0) this.#out.write('note', `${data[`${name}_dropped`]} bytes of ${name} were dropped\n`);
		return this.end(text, kind, '', data.duration_ms);
	}

	// end says how it has ended; only the first time counts.
	end(text, kind, why, ms = performance.now() - this.#begun) {
		if (this.#ended) return true;
		this.#ended = true;
		if (why) this.#out.write('note', `${visible(why)}\n`);
		this.#state.replaceChildren(el('span', { class: 'soft' }, span(ms / 1000)), pill(text, kind));
		return true;
	}
}
