// What happens in a session, for all views of it: one stream, the last events.

import { at, query, stream } from './api.js';
import { follow } from './sse.js';

const most = 1000;

// quiet are operations that change nothing.
const quiet = new Set(['open', 'stat', 'list', 'scan', 'walk', 'glob', 'grep']);

export const changes = (event) => !quiet.has(event.op);

// Hub follows the events of a session while it is started. Listeners are called
// with a list of new events, lost ones in between as {lost: how many}.
export class Hub {
	events = [];
	state = 'waiting';
	#id;
	#all;
	#one = null;
	#after = '';
	#listeners = new Set();
	#fresh = [];

	constructor(id, signal) {
		this.#id = id;
		this.#all = signal;
	}

	// listen calls f until the function that it returns is called.
	listen(f) {
		this.#listeners.add(f);
		return () => this.#listeners.delete(f);
	}

	start() {
		if (this.#one || this.#all.aborted) return;
		const one = (this.#one = new AbortController());
		follow((after, signal) => stream('GET', at(this.#id, 'events') + query({ after }), {
			signal, headers: after ? { 'Last-Event-ID': after } : {},
		}), {
			after: this.#after, signal: one.signal,
			onState: (state) => this.#tell(state, []),
			onEvent: (e) => this.#take(e),
		}).then((err) => { if (!one.signal.aborted) this.#tell(err ? 'off' : 'waiting', []); });
	}

	stop() {
		this.#one?.abort();
		this.#one = null;
		this.state = 'waiting';
	}

	#take(e) {
		if (e.id !== '') this.#after = e.id;
		let event;
		try {
			event = JSON.parse(e.data);
		} catch {
			return;
		}
		if (event === null || typeof event !== 'object') return;
		if (e.event === 'lost' || event.op === undefined) {
			if (!(event.lost > 0)) return;
			event = { lost: event.lost };
		}
		if (this.#fresh.push(event) === 1) setTimeout(() => this.#tell(this.state, this.#fresh.splice(0)), 50);
	}

	#tell(state, fresh) {
		this.state = state;
		this.events.push(...fresh);
		this.events.splice(0, Math.max(0, this.events.length - most));
		for (const f of this.#listeners) f(fresh);
	}
}
