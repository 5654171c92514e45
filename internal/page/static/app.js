// The page: who is here, and which view is shown.

import { me, onRefused, sign } from './api.js';
import { button, el } from './dom.js';
import { login } from './login.js';
import { SessionView, tabs } from './session.js';
import { sessionList } from './sessions.js';

const main = document.getElementById('main');
const account = document.getElementById('account');
const views = new Map(); // sessions that are open here, by id
let leave = () => {};

// show puts a view on the page; gone is called when another one takes its place.
function show(title, view, gone) {
	leave();
	leave = gone ?? (() => {});
	document.title = title ? `${title} – hutch` : 'hutch';
	main.replaceChildren(view);
	main.focus({ preventScroll: true });
}

// out forgets the token and all that was seen with it.
function out(why) {
	leave();
	leave = () => {};
	for (const view of views.values()) view.close();
	views.clear();
	sign(null);
	account.replaceChildren();
	document.querySelectorAll('dialog').forEach((d) => d.close());
	show('Sign in', login(why, route));
}

// where is the session and the tab that the address names.
function where() {
	const [, kind, id, tab] = location.hash.split('/');
	if (me().session) return { id: me().session, tab: tabs.includes(tab) ? tab : tabs[0] };
	if (kind !== 's' || !id) return {};
	try {
		return { id: decodeURIComponent(id), tab: tabs.includes(tab) ? tab : tabs[0] };
	} catch {
		return {};
	}
}

function route() {
	if (!me()) {
		out('');
		return;
	}
	if (!account.firstChild) {
		account.append(el('span', { class: 'soft' }, me().session ? 'one session' : 'service'), button('Sign out', () => out(''), { class: 'quiet' }));
	}
	const { id, tab } = where();
	if (id === undefined) {
		const list = sessionList();
		show('Sessions', list.el, list.close);
		return;
	}
	const view = views.get(id) ?? new SessionView(id);
	if (!views.has(id)) views.set(id, view);
	if (view.el.parentNode !== main) show(id, view.el, () => part(id, view));
	view.show(tab);
}

// part leaves a session. What runs in it goes on: a command dies with its request.
function part(id, view) {
	view.hide();
	if (view.busy()) return;
	view.close();
	views.delete(id);
}

onRefused(() => out('The token is no longer accepted.'));
document.querySelector('.skip').addEventListener('click', (event) => {
	event.preventDefault(); // the address says which view is shown
	main.focus();
});
addEventListener('hashchange', route);
addEventListener('beforeunload', (event) => {
	if ([...views.values()].some((view) => view.busy())) event.preventDefault();
});
route();
