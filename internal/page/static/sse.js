// Server-sent events over fetch, which can carry a token in a header.

const largest = 8 << 20; // characters of one event
const quiet = 45_000; // milliseconds without even a heartbeat: the line is dead

// Parser takes a stream apart, however it is cut into chunks, and calls
// onEvent({event, data, id}) for each event.
export class Parser {
	#decoder = new TextDecoder();
	#rest = '';
	#cr = false;
	#event = '';
	#data = null;
	#id = '';
	#onEvent;

	constructor(onEvent) {
		this.#onEvent = onEvent;
	}

	push(chunk) {
		let text = this.#decoder.decode(chunk, { stream: true });
		if (text === '') return;
		if (this.#cr && text[0] === '\n') text = text.slice(1);
		this.#cr = text.endsWith('\r');
		const lines = text.split(/\r\n|\r|\n/);
		lines[0] = this.#rest + lines[0];
		this.#rest = lines.pop();
		for (const line of lines) this.#line(line);
		if (this.#rest.length + (this.#data?.length ?? 0) > largest) throw new Error('An event of the service is too large.');
	}

	#line(line) {
		if (line === '') {
			const e = { event: this.#event || 'message', data: this.#data, id: this.#id };
			[this.#data, this.#event] = [null, ''];
			if (e.data !== null) this.#onEvent(e);
			return;
		}
		const colon = line.indexOf(':');
		if (colon === 0) return;
		const name = colon < 0 ? line : line.slice(0, colon);
		let value = colon < 0 ? '' : line.slice(colon + 1);
		if (value[0] === ' ') value = value.slice(1);
		if (name === 'data') this.#data = this.#data === null ? value : `${this.#data}\n${value}`;
		else if (name === 'event') this.#event = value;
		else if (name === 'id' && !value.includes('\0')) this.#id = value;
	}
}

// read hands the events of one answer to onEvent until it ends, onEvent returns
// true, or signal aborts.
export async function read(response, onEvent, abort) {
	const reader = response.body.getReader();
	let done = false;
	const parser = new Parser((e) => { done ||= onEvent(e) === true; });
	let dog;
	try {
		while (!done) {
			clearTimeout(dog);
			if (abort) dog = setTimeout(abort, quiet);
			const chunk = await reader.read();
			if (chunk.done) return done;
			parser.push(chunk.value);
		}
		return done;
	} finally {
		clearTimeout(dog);
		reader.cancel().catch(() => {});
	}
}

// pause waits, or less where signal aborts.
function pause(ms, signal) {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
	});
}

// wait is how long to wait before try number tries, in milliseconds.
export function wait(tries, random = Math.random()) {
	return Math.min(15_000, 500 * 2 ** Math.min(tries, 10)) * (0.5 + random / 2);
}

// follow keeps a stream open: it connects again after the last event that it has
// seen, waiting longer each time, until onEvent returns true, signal aborts, or
// an answer says that there is nothing to follow. open(after, signal) makes the
// request. It returns the error that it gave up for, or undefined.
export async function follow(open, { after = '', onEvent, onState = () => {}, signal }) {
	for (let tries = 0; !signal.aborted; tries++) {
		const one = new AbortController();
		const stop = () => one.abort();
		signal.addEventListener('abort', stop);
		let least = 0; // milliseconds
		try {
			const response = await open(after, one.signal);
			onState('live');
			const done = await read(response, (e) => {
				tries = 0;
				if (e.id !== '') after = e.id;
				return onEvent(e);
			}, stop);
			if (done) return undefined;
		} catch (err) {
			if (signal.aborted || [400, 401, 403, 404, 405, 406, 410, 501].includes(err.status)) return err;
			least = (err.retry || 0) * 1000;
		} finally {
			signal.removeEventListener('abort', stop);
		}
		onState('waiting');
		await pause(Math.max(least, wait(tries)), signal);
	}
	return undefined;
}
