// One session: its head, and the tabs below it.

import { ask, at, get, me } from './api.js';
import { Agent } from './agent.js';
import { Audit } from './audit.js';
import { Commands } from './commands.js';
import { button, el, every, once, pill, sorry, toast } from './dom.js';
import { Files } from './files.js';
import { Hub } from './hub.js';
import { remove, sessionURL, stateKind } from './sessions.js';
import { age, visible } from './text.js';
import { Usage } from './usage.js';

const panels = { files: Files, commands: Commands, agent: Agent, audit: Audit, usage: Usage };
const titles = { files: 'Files', commands: 'Commands', agent: 'Agent', audit: 'Audit', usage: 'Usage' };

export const tabs = Object.keys(panels);

// SessionView shows one session. Panels are made when they are first looked at
// and kept, so that what runs in one goes on while another is shown. A panel has
// el, show, hide and busy.
export class SessionView {
	#quit = new AbortController();
	#made = {};
	#tab = '';
	#stop = null;
	#shown = '';
	#facts = el('p', { class: 'facts' });
	#links;
	#body = el('div', { class: 'panel' });

	constructor(id) {
		this.id = id;
		this.hub = new Hub(id, this.#quit.signal);
		this.#links = tabs.map((tab) => el('a', { href: sessionURL(id, tab), id: `tab-${tab}` }, titles[tab]));
		const back = !me().session && el('a', { href: '#/', class: 'back' }, 'Sessions');
		this.el = el('div', { class: 'stack session' },
			el('div', { class: 'head' }, back,
				el('div', { class: 'row' }, el('h1', {}, visible(id)), el('div', { class: 'row actions' },
					button('Sleep', once(() => this.#sleep()), { class: 'quiet' }),
					button('Delete', once(() => this.#delete()), { class: 'quiet danger' }))),
				this.#facts),
			el('nav', { class: 'tabs', 'aria-label': 'Views of the session' }, ...this.#links),
			this.#body);
	}

	// seen follows the events while somebody can see them: a browser has few
	// connections for all its tabs.
	#seen = () => (document.visibilityState === 'visible' ? this.hub.start() : this.hub.stop());

	get signal() {
		return this.#quit.signal;
	}

	// show brings a tab to the front.
	show(tab) {
		if (!this.#stop) {
			const stop = every(5, () => this.#refresh());
			document.addEventListener('visibilitychange', this.#seen);
			this.#stop = () => { stop(); document.removeEventListener('visibilitychange', this.#seen); };
			this.#seen();
		}
		if (tab === this.#tab) return;
		this.#made[this.#tab]?.hide();
		this.#tab = tab;
		const panel = (this.#made[tab] ??= new panels[tab](this));
		this.#links.forEach((a, i) => (tabs[i] === tab ? a.setAttribute('aria-current', 'page') : a.removeAttribute('aria-current')));
		this.#body.replaceChildren(panel.el);
		panel.show();
	}

	// hide stops what only matters while the session is looked at.
	hide() {
		this.#made[this.#tab]?.hide();
		this.#tab = '';
		this.#stop?.();
		this.#stop = null;
		this.hub.stop();
	}

	// busy reports whether something runs that would end with the view.
	busy() {
		return Object.values(this.#made).some((panel) => panel.busy());
	}

	close() {
		this.hide();
		this.#quit.abort();
	}

	async #refresh() {
		try {
			this.#fill(await get(at(this.id), { signal: this.signal }));
		} catch (err) {
			if (err.status === 404 || err.status === 410) this.#facts.replaceChildren(pill('gone', 'bad'), 'There is no such session any more.');
			else if (err.status !== 401) sorry(err);
		}
	}

	#fill(s) {
		const facts = [s.tenant && `tenant ${visible(s.tenant)}`, s.runtime && `runtime ${visible(s.runtime)}`, `created ${age(s.created)}`,
			...Object.entries(s.labels ?? {}).map(([k, v]) => `${visible(k)}: ${visible(v)}`)].filter(Boolean).join(' · ');
		const now = `${s.state} ${facts}`;
		if (now === this.#shown) return;
		this.#shown = now;
		this.#facts.replaceChildren(pill(visible(s.state), stateKind(s.state)), el('span', {}, facts));
	}

	async #sleep() {
		await ask('POST', at(this.id, 'sleep'));
		toast('The session sleeps until it is used again.');
		await this.#refresh();
	}

	async #delete() {
		if (!await remove(this.id)) return;
		if (me().session) await this.#refresh();
		else location.hash = '#/';
	}
}
