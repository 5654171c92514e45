// The service, as the page sees it.

const key = 'hutch'; // in sessionStorage: gone with the tab

let who = JSON.parse(sessionStorage.getItem(key) ?? 'null');
let refused = () => {};

// Problem is an answer that says no.
export class Problem extends Error {
	constructor(status, body, retry) {
		super(body?.detail || body?.title || `The service answered ${status}.`);
		this.status = status;
		this.code = body?.code ?? '';
		this.retry = retry;
	}
}

// me is who has signed in: {token, session}, session where the token is that of
// one session; null where nobody has.
export const me = () => who;

// sign remembers who has signed in, or forgets.
export function sign(next) {
	who = next;
	if (next) sessionStorage.setItem(key, JSON.stringify(next));
	else sessionStorage.removeItem(key);
}

// onRefused says what to do when the token is no longer accepted.
export function onRefused(f) {
	refused = f;
}

// part is one segment of a URL. The browser takes "." and ".." for steps however
// they are encoded, so that nothing can be asked for under such a name.
export function part(s) {
	if (s === '' || s === '.' || s === '..' || !s.isWellFormed()) throw new Error('Nothing can have this name.');
	return encodeURIComponent(s);
}

// at is the URL of something of a session.
export const at = (id, ...rest) => ['/sessions', part(id), ...rest].join('/');

// fileAt is the URL of a file.
export const fileAt = (id, path) => at(id, 'files', ...path.split('/').map(part));

// query is the part of a URL behind the question mark.
export function query(values) {
	const set = Object.entries(values).filter(([, v]) => v !== undefined && v !== '' && v !== null);
	return set.length ? `?${new URLSearchParams(set)}` : '';
}

// ask makes a request and resolves to the answer where that is a good one.
// Options: json (a body), headers, signal, as (somebody else than me).
export async function ask(method, path, { json, headers, signal, as = who } = {}) {
	const h = new Headers(headers);
	if (as) h.set('Authorization', `Bearer ${as.token}`);
	if (json !== undefined) h.set('Content-Type', 'application/json');
	if (!h.has('Accept')) h.set('Accept', 'application/json');
	let response;
	try {
		response = await fetch(`/v1${path}`, {
			method, headers: h, signal, body: json === undefined ? undefined : JSON.stringify(json),
			cache: 'no-store', credentials: 'omit', redirect: 'error', referrerPolicy: 'no-referrer',
		});
	} catch (err) {
		if (err.name === 'AbortError') throw err;
		throw new Problem(0, { detail: 'The service cannot be reached.' });
	}
	if (response.ok) return response;
	const body = await response.json().catch(() => null);
	if (response.status === 401 && as && as === who) refused();
	throw new Problem(response.status, body, Number(response.headers.get('Retry-After')) || 0);
}

// get and post are requests with JSON for an answer; null where there is none.
export const get = async (path, options) => (await ask('GET', path, options)).json();
export async function post(path, json, options) {
	const response = await ask('POST', path, { json, ...options });
	const text = await response.text();
	return text === '' ? null : JSON.parse(text);
}

// stream is a request for events.
export function stream(method, path, { headers, ...options } = {}) {
	return ask(method, path, { ...options, headers: { ...headers, Accept: 'text/event-stream' } });
}
