// The difference between two texts, line by line.

const deepest = 800; // changed lines that are looked at; beyond, all is replaced

// lines splits a text into lines without their ends.
export function lines(text) {
	const all = text.split('\n');
	if (all.at(-1) === '') all.pop();
	return all;
}

// diff is a list of {op, text, a, b}: op is ' ', '-' or '+', a and b are numbers
// of lines in the old and in the new text.
export function diff(before, now) {
	const a = lines(before);
	const b = lines(now);
	let top = 0;
	while (top < a.length && top < b.length && a[top] === b[top]) top++;
	let end = 0;
	while (end < a.length - top && end < b.length - top && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
	const ops = [
		...Array(top).fill(' '),
		...middle(a.slice(top, a.length - end), b.slice(top, b.length - end)),
		...Array(end).fill(' '),
	];
	let [x, y] = [0, 0];
	return ops.map((op) => {
		const row = { op, a: op === '+' ? null : x + 1, b: op === '-' ? null : y + 1 };
		row.text = op === '-' ? a[x] : b[y];
		if (op !== '+') x++;
		if (op !== '-') y++;
		return row;
	});
}

// middle finds a shortest list of steps from a to b, by the greedy method of
// E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
function middle(a, b) {
	const most = Math.min(a.length + b.length, deepest);
	const far = new Map([[1, 0]]); // furthest x on each diagonal
	const steps = [];
	for (let d = 0; d <= most; d++) {
		steps.push(new Map(far));
		for (let k = -d; k <= d; k += 2) {
			let x = down(far, k, d) ? far.get(k + 1) : far.get(k - 1) + 1;
			while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
			far.set(k, x);
			if (x >= a.length && x - k >= b.length) return back(steps, a.length, b.length);
		}
	}
	return [...Array(a.length).fill('-'), ...Array(b.length).fill('+')];
}

const down = (far, k, d) => k === -d || (k !== d && far.get(k - 1) < far.get(k + 1));

// back follows the steps from the end to the beginning.
function back(steps, x, y) {
	const ops = [];
	for (let d = steps.length - 1; d >= 0; d--) {
		const k = x - y;
		const from = down(steps[d], k, d) ? k + 1 : k - 1;
		const px = steps[d].get(from);
		const py = px - from;
		while (d > 0 ? x > px && y > py : x > 0 && y > 0) {
			ops.push(' ');
			[x, y] = [x - 1, y - 1];
		}
		if (d > 0) ops.push(x === px ? '+' : '-');
		[x, y] = [px, py];
	}
	return ops.reverse();
}

// hunks leaves out what is far from every change; null stands for what is left out.
export function hunks(rows, context = 3) {
	const near = new Uint8Array(rows.length);
	rows.forEach((row, i) => {
		if (row.op !== ' ') near.fill(1, Math.max(0, i - context), i + context + 1);
	});
	const kept = [];
	rows.forEach((row, i) => {
		if (near[i]) kept.push(row);
		else if (kept.at(-1) !== null) kept.push(null);
	});
	return kept;
}
