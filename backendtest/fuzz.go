package backendtest

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/hutch-dev/hutch"
)

// Fuzz decodes bytes into operations and does them on a backend and on a model,
// a map of files. After every step both must hold the same, and every operation
// must have failed where the model says so. open returns something new and empty.
func Fuzz(f *testing.F, open func(t testing.TB) hutch.Backend) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, ops []byte) { sequence(t, open(t), ops) })
}

// fuzzSeeds are sequences of operations that reach far.
func fuzzSeeds() [][]byte {
	seeds := [][]byte{nil}
	x := uint32(11)
	for i := range 24 {
		seed := make([]byte, 24+8*i)
		for j := range seed {
			x = x*1664525 + 1013904223
			seed[j] = byte(x >> 24)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// fuzzNames are few and in each other's way.
var fuzzNames = []string{"a", "b", "a/b", "a/c", "a/b/c", "a-b", "d/e", "d", "d/e/f", "a.b", " ", ".", "../a", "x\x00"}

// sequence does the operations that ops stand for.
func sequence(tb testing.TB, b hutch.Backend, ops []byte) {
	t := &env{TB: tb, ctx: tb.Context(), b: b}
	m := &model{files: map[string]modelFile{}, dirs: map[string]bool{}}
	const most = 64 // a long sequence finds no more than several short ones
	for step := 0; len(ops) >= 4 && step < most && !t.Failed(); step++ {
		s := modelStep{kind: int(ops[0]), arg: int(ops[3])}
		s.name = fuzzNames[int(ops[1])%len(fuzzNames)]
		s.other = fuzzNames[int(ops[2])%len(fuzzNames)]
		ops = ops[4:]
		m.settle(t)
		what, want, got := m.do(t, s)
		t.sameStep(fmt.Sprintf("step %d, %s", step, what), got, want)
		m.compare(t, what)
	}
}

// sameStep fails unless got is one of the wanted errors; nil among them is
// success.
func (t *env) sameStep(what string, got error, want []error) {
	t.Helper()
	for _, w := range want {
		if got == nil && w == nil || got != nil && w != nil && is(got, w) {
			return
		}
	}
	t.Errorf("%s: error %v, want one of %v", what, got, want)
}

// compare fails unless the backend holds what the model does.
func (m *model) compare(t *env, after string) {
	t.Helper()
	seen := map[string]bool{}
	for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) {
		seen[i.Name] = true
		f, ok := m.files[i.Name]
		if !ok {
			t.Errorf("after %s there is %s, which the model has not", after, i.Name)
			continue
		}
		if i.Mode != f.mode || i.Size != int64(len(f.data)) {
			t.Errorf("after %s %s is %+v, want mode %v and %d bytes", after, i.Name, i, f.mode, len(f.data))
		}
		if got := t.read(i.Name); got != f.data {
			t.Errorf("after %s %s holds %q, want %q", after, i.Name, got, f.data)
		}
		if s := t.stat(i.Name); !sameInfo(s, i) {
			t.Errorf("after %s Walk shows %+v, Stat %+v", after, i, s)
		}
	}
	for name := range m.files {
		if !seen[name] {
			t.Errorf("after %s %s is gone", after, name)
		}
	}
	for _, i := range t.list(".") {
		if _, file := m.files[i.Name]; file == i.IsDir() || i.Mode.Type() != 0 && i.Mode.Type() != fs.ModeDir {
			t.Errorf("after %s List shows %+v", after, i)
		}
	}
}
