// The list of sessions, and a form for a new one.

import { ask, at, get, post, query } from './api.js';
import { button, confirm, el, every, field, once, pill, sorry, toast } from './dom.js';
import { age, visible } from './text.js';

export const sessionURL = (id, tab) => `#/s/${encodeURIComponent(id.toWellFormed())}${tab ? `/${tab}` : ''}`;

// stateKind is how the state of a session looks.
export const stateKind = (state) => ({ open: 'good', opening: 'busy', ending: 'bad' })[state] ?? '';

// remove ends a session after asking; it resolves to whether it did.
export async function remove(id) {
	const sure = await confirm(`Delete ${visible(id)}?`, 'Its files are deleted and its commands are killed. This cannot be undone.', 'Delete');
	if (!sure) return false;
	await ask('DELETE', at(id));
	toast(`${visible(id)} is deleted.`);
	return true;
}

// sessionList is the view of all sessions.
export function sessionList() {
	const list = el('ul', { class: 'rows', 'aria-label': 'Sessions' });
	const tenant = el('input', { type: 'search', placeholder: 'any', autocomplete: 'off', oninput: () => refresh() });
	const quit = new AbortController();
	let shown = '';
	const refresh = async () => {
		try {
			const { sessions } = await get(`/sessions${query({ tenant: tenant.value.trim() })}`, { signal: quit.signal });
			const now = JSON.stringify([sessions, Math.floor(Date.now() / 30_000)]);
			if (now === shown) return;
			shown = now;
			fill(list, sessions ?? [], refresh);
		} catch (err) {
			sorry(err);
		}
	};
	const making = create(refresh);
	const view = el('div', { class: 'stack' },
		el('div', { class: 'row head' }, el('h1', {}, 'Sessions'), el('div', { class: 'inline' }, field('Tenant', tenant))),
		making, list);
	const stop = every(5, refresh);
	return { el: view, close: () => { stop(); quit.abort(); } };
}

function fill(list, sessions, refresh) {
	const held = list.contains(document.activeElement) && document.activeElement.dataset.key;
	const rows = [...sessions].sort((a, b) => String(b.created).localeCompare(String(a.created))).map((s) => row(s, refresh));
	list.replaceChildren(...rows);
	if (rows.length === 0) list.append(el('li', { class: 'empty' }, 'There are no sessions yet.'));
	if (held) [...list.querySelectorAll('[data-key]')].find((e) => e.dataset.key === held)?.focus();
}

function row(s, refresh) {
	const facts = [s.tenant && `tenant ${visible(s.tenant)}`, s.runtime && visible(s.runtime), `created ${age(s.created)}`, s.uses > 0 ? 'in use' : s.used && `used ${age(s.used)}`];
	return el('li', { class: 'item' },
		el('a', { href: sessionURL(s.id), class: 'cover', 'data-key': `a ${s.id}` }, el('strong', {}, visible(s.id)), el('span', { class: 'soft' }, facts.filter(Boolean).join(' · '))),
		pill(visible(s.state), stateKind(s.state)),
		button('Delete', once(async () => { if (await remove(s.id)) await refresh(); }), { class: 'quiet danger', 'aria-label': `Delete ${visible(s.id)}`, 'data-key': `d ${s.id}` }));
}

// create is the form for a new session.
function create(refresh) {
	const text = (attrs) => el('input', { type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', ...attrs });
	const number = (attrs) => el('input', { type: 'number', min: 0, inputmode: 'numeric', ...attrs });
	const f = {
		id: text({ name: 'id', placeholder: 'one is made up', maxlength: 64, pattern: '[A-Za-z0-9][A-Za-z0-9._\\-]*', title: 'Letters, digits and . _ -, the first a letter or a digit' }), tenant: text({ name: 'tenant' }),
		runtime: el('select', { name: 'runtime' }, el('option', { value: '' }, 'the usual one')),
		idle_seconds: number({ name: 'idle' }), ttl_seconds: number({ name: 'ttl' }),
	};
	get('/runtimes').then((all) => f.runtime.append(...all.map((r) =>
		el('option', { value: r.name }, r.description ? `${visible(r.name)} – ${visible(r.description)}` : visible(r.name))))).catch(() => {});
	const submit = once(async () => {
		const made = await post('/sessions', body(f));
		const token = made.token && secret(made.session.id, made.token);
		f.id.value = '';
		fold.open = false;
		after.replaceChildren(...[token].filter(Boolean));
		location.hash = token ? location.hash : sessionURL(made.session.id);
		if (token) after.querySelector('a').focus();
		await refresh();
	});
	const after = el('div', { class: 'after', 'aria-live': 'polite' });
	const fold = el('details', { class: 'card new' }, el('summary', {}, 'New session'),
		el('form', { onsubmit: submit, class: 'grid' },
			field('Id', f.id), field('Tenant', f.tenant), field('Runtime', f.runtime),
			field('Sleeps after', f.idle_seconds, 'seconds without use'), field('Ends after', f.ttl_seconds, 'seconds without use'),
			el('div', { class: 'row end' }, el('button', { class: 'main' }, 'Create'))));
	return el('div', {}, fold, after);
}

function body(f) {
	const out = {};
	for (const [name, control] of Object.entries(f)) {
		const value = control.value.trim();
		if (value !== '') out[name] = control.type === 'number' ? Number(value) : value;
	}
	return out;
}

// secret shows the token of a new session, which the service tells only once.
function secret(id, token) {
	const dots = '•'.repeat(24);
	const value = el('input', { type: 'text', readonly: true, value: dots, class: 'mono', 'aria-label': 'Token of the session', onfocus: (e) => e.target.select() });
	const show = button('Show', () => {
		value.value = value.value === dots ? token : dots;
		show.textContent = value.value === dots ? 'Show' : 'Hide';
	});
	const copy = button('Copy', once(async () => { await navigator.clipboard.writeText(token); toast('The token is copied.'); }));
	return el('div', { class: 'card notice good' },
		el('p', {}, el('strong', {}, visible(id)), ' is ready. Its token is shown only now; who has it can use this session and nothing else.'),
		el('div', { class: 'row wrap' }, value, show, copy, el('a', { class: 'button main', href: sessionURL(id) }, 'Open')));
}
