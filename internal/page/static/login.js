// The question for the token.

import { ask, at, sign } from './api.js';
import { el, field, once } from './dom.js';

// login asks until a token is accepted, then calls enter.
export function login(why, enter) {
	const token = el('input', { type: 'password', autocomplete: 'off', required: true, spellcheck: 'false', name: 'token' });
	const session = el('input', { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', name: 'session' });
	const wrong = el('p', { class: 'wrong', role: 'alert' }, why);
	const submit = once(async () => {
		wrong.textContent = '';
		const next = { token: token.value.trim(), session: session.value.trim() };
		try {
			await check(next);
		} catch (err) {
			wrong.textContent = err.status === 401 ? 'The service does not accept this token.' : err.message;
			token.focus();
			return;
		}
		sign(next);
		enter();
	});
	const view = el('form', { class: 'card login', onsubmit: submit },
		el('h1', {}, 'Sign in'),
		el('p', { class: 'soft' }, 'The token stays in this tab and is forgotten with it.'),
		field('Token', token),
		field('Session', session, 'Only for the token of one session: its id.'),
		wrong,
		el('button', { class: 'main' }, 'Continue'));
	queueMicrotask(() => token.focus());
	return view;
}

// check fails where the service does not accept the token.
async function check(as) {
	if (!/^[\x21-\x7e]+$/.test(as.token)) throw new Error('A token has only letters, digits and signs.');
	await ask('GET', as.session ? at(as.session) : '/sessions', { as });
}
