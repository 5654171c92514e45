// What the views are made of. Texts become text nodes; nothing here, or in any
// other file of the page, turns a text into markup.

// el makes an element: "class" and other attributes, "onclick" and other
// listeners, then children: nodes and texts; null, undefined and false are none.
export function el(tag, attrs, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attrs ?? {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
		else e.setAttribute(name, value === true ? '' : String(value));
	}
	e.append(...children.filter((c) => c !== undefined && c !== null && c !== false).map((c) => (c instanceof Node ? c : String(c))));
	return e;
}

export const button = (text, onclick, attrs) => el('button', { type: 'button', onclick, ...attrs }, text);

let named = 0;

// field is a labelled control; note is a line below it.
export function field(label, control, note) {
	control.id ||= `f${++named}`;
	const below = note && el('small', { id: `${control.id}n` }, note);
	if (below) control.setAttribute('aria-describedby', below.id);
	return el('div', { class: 'field' }, el('label', { for: control.id }, label), control, below);
}

export const pill = (text, kind) => el('span', { class: `pill ${kind ?? ''}`, title: text.length > 24 && text }, text);

// toast says something for a moment.
let hush;
export function toast(text, kind) {
	const t = document.getElementById('toast');
	t.replaceChildren(el('p', { class: kind ?? '' }, text));
	clearTimeout(hush);
	hush = setTimeout(() => t.replaceChildren(), 6000);
}

// sorry shows an error, unless it is that of somebody who has left.
export function sorry(err) {
	if (err?.name !== 'AbortError') toast(err?.message || 'Something went wrong.', 'bad');
}

// confirm asks before what cannot be undone; it resolves to true or false.
export function confirm(title, text, yes) {
	return new Promise((resolve) => {
		const no = button('Keep it', () => d.close(), { autofocus: true });
		const d = el('dialog', { 'aria-labelledby': 'asked', onclose: () => { d.remove(); resolve(d.returnValue === 'yes'); } },
			el('h2', { id: 'asked' }, title), el('p', {}, text),
			el('div', { class: 'row end' }, no, button(yes, () => d.close('yes'), { class: 'danger' })));
		document.body.append(d);
		d.showModal();
	});
}

// once runs an action of a button and keeps the button from running it twice.
export function once(action) {
	return async (event) => {
		event.preventDefault();
		const b = event.submitter ?? event.currentTarget;
		if (b.getAttribute('aria-busy') === 'true') return;
		b.setAttribute('aria-busy', 'true');
		try {
			await action(event);
		} catch (err) {
			sorry(err);
		} finally {
			b.removeAttribute('aria-busy');
		}
	};
}

// calm makes a function that runs f a little after it is asked to, and never twice
// at a time, however often it is asked.
export function calm(f, ms = 300) {
	let [timer, again] = [0, false];
	return function soon() {
		again = true;
		timer ||= setTimeout(async () => {
			again = false;
			await f();
			timer = 0;
			if (again) soon();
		}, ms);
	};
}

// every calls f now and each seconds while the page can be seen, until stopped.
export function every(seconds, f) {
	const tick = () => document.visibilityState === 'visible' && f();
	const timer = setInterval(tick, seconds * 1000);
	tick();
	return () => clearInterval(timer);
}
