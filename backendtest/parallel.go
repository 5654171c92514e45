package backendtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

func parallelChecks() []check {
	return []check{
		{"Parallel/Create", "of many that create one file with Absent exactly one wins", nil, parallelCreate},
		{"Parallel/Edits", "16 times 50 edits of one file side by side lose none", nil, parallelEdits},
		{"Parallel/Counter", "a counter kept with IfRev counts right from many goroutines", these("n", "0"), parallelCounter},
		{"Parallel/Files", "many write different files of the same directories side by side", nil, parallelFiles},
		{"Parallel/NoTornReads", "a reader sees one version whole while others write", these("f", strings.Repeat("a", 1000)), parallelTorn},
		{"Parallel/Mixed", "everything at once keeps the backend whole", moveTree, parallelMixed},
	}
}

// together runs f n times at once.
func (t *env) together(n int, f func(i int)) {
	t.Helper()
	t.withinTime("many goroutines at once", 6*t.patience, func() {
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range n {
			all.Go(func() {
				<-start
				defer t.noPanic("one of many goroutines")
				f(i)
			})
		}
		close(start)
		all.Wait()
	})
}

func parallelCreate(t *env) {
	for round := range 8 {
		name := fmt.Sprintf("new%d/f", round)
		var winner atomic.Int32
		var wins atomic.Int32
		t.together(32, func(i int) {
			_, err := t.b.Write(t.ctx, name, strings.NewReader(strconv.Itoa(i)), &hutch.WriteOptions{IfRev: hutch.Absent})
			switch {
			case err == nil:
				wins.Add(1)
				winner.Store(int32(i))
			case !errors.Is(err, hutch.ErrConflict) || !errors.Is(err, fs.ErrExist):
				t.Errorf("the loser %d: %v, want ErrConflict and fs.ErrExist", i, err)
			}
		})
		if wins.Load() != 1 {
			t.Errorf("%d of 32 created %s", wins.Load(), name)
		}
		t.wantContent(name, strconv.Itoa(int(winner.Load())))
	}
}

func parallelEdits(t *env) {
	const goroutines, times = 16, 50
	var text strings.Builder
	for i := range goroutines {
		fmt.Fprintf(&text, "line %d: 0;\n", i)
	}
	t.write("f", text.String())
	t.together(goroutines, func(i int) {
		for n := range times {
			old, new := fmt.Sprintf("line %d: %d;", i, n), fmt.Sprintf("line %d: %d;", i, n+1)
			if _, err := t.do.edit(t.ctx, t.b, "f", one(old, new)); err != nil {
				t.Errorf("edit %d of line %d: %v", n, i, err)
				return
			}
		}
	})
	want := strings.ReplaceAll(text.String(), ": 0;", fmt.Sprintf(": %d;", times))
	t.wantContent("f", want)
}

func parallelCounter(t *env) {
	const goroutines, times = 8, 20
	count := func() error {
		f, err := t.b.Open(t.ctx, "n")
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(data))
		if err != nil {
			return err
		}
		for range 10 { // so that others come in between
			runtime.Gosched()
		}
		_, err = t.b.Write(t.ctx, "n", strings.NewReader(strconv.Itoa(n+1)), &hutch.WriteOptions{IfRev: f.Info().Rev})
		return err
	}
	t.together(goroutines, func(int) {
		for done := 0; done < times && !t.Failed(); {
			switch err := count(); {
			case err == nil:
				done++
			case !errors.Is(err, hutch.ErrConflict):
				t.Errorf("counting: %v", err)
				return
			}
		}
	})
	t.wantContent("n", strconv.Itoa(goroutines*times))
}

func parallelFiles(t *env) {
	t.together(16, func(i int) {
		for n := range 10 {
			name := fmt.Sprintf("d%d/e/f%d", n, i)
			if _, err := hutch.WriteFile(t.ctx, t.b, name, []byte(name), nil); err != nil {
				t.Errorf("Write(%s): %v", name, err)
			}
		}
	})
	want := map[string]string{}
	for i := range 16 {
		for n := range 10 {
			name := fmt.Sprintf("d%d/e/f%d", n, i)
			want[name] = name
		}
	}
	if got := t.contents(t.b); !maps.Equal(got, want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func parallelTorn(t *env) {
	var seen sync.Map // revision to content
	var writers atomic.Int32
	writers.Store(4)
	t.together(8, func(i int) {
		if i < 4 {
			defer writers.Add(-1)
			for n := range 30 {
				content := strings.Repeat(string(rune('a'+(i*7+n)%26)), 1000+(n*4999)%60_000)
				if _, err := hutch.WriteFile(t.ctx, t.b, "f", []byte(content), nil); err != nil {
					t.Errorf("Write: %v", err)
				}
			}
			return
		}
		for writers.Load() > 0 && !t.Failed() {
			f, err := t.b.Open(t.ctx, "f")
			if err != nil {
				t.Errorf("Open while others write: %v", err)
				return
			}
			data, err := io.ReadAll(f)
			info := f.Info()
			f.Close()
			if err != nil && !errors.Is(err, hutch.ErrConflict) {
				t.Errorf("reading while others write: %v", err)
			}
			if err == nil && (len(data) == 0 || strings.Trim(string(data), string(data[0])) != "" || int64(len(data)) != info.Size) {
				t.Errorf("a torn read: %d bytes of a file of %d", len(data), info.Size)
			}
			id := fmt.Sprintf("%.1s%d", data, len(data))
			if was, ok := seen.LoadOrStore(info.Rev, id); err == nil && ok && was != id {
				t.Errorf("revision %q is %v and %v", info.Rev, was, id)
			}
		}
	})
}

func parallelMixed(t *env) {
	bearable := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hutch.ErrNotDir) &&
			!errors.Is(err, hutch.ErrIsDir) && !errors.Is(err, hutch.ErrConflict) && !errors.Is(err, fs.ErrExist) {
			t.Errorf("while everything happens at once: %v", err)
		}
	}
	do := []func(i int) error{
		func(i int) error { return doWrite(t, t.ctx, t.b, fmt.Sprintf("d/w%d/f", i%4)) },
		func(i int) error { return doWrite(t, t.ctx, t.b, fmt.Sprintf("d/w%d", i%4)) },
		func(i int) error { return hutch.RemoveAll(t.ctx, t.b, fmt.Sprintf("d/w%d", i%4)) },
		func(i int) error { return hutch.Move(t.ctx, t.b, "d", "d"+strconv.Itoa(i%2)) },
		func(i int) error { return hutch.Move(t.ctx, t.b, "d"+strconv.Itoa(i%2), "d") },
		func(int) error { return hutch.Copy(t.ctx, t.b, "e/y", t.b, "d/a") },
		func(int) error { return doGrep(t, t.ctx, t.b, ".") },
		func(int) error { return doWalk(t, t.ctx, t.b, ".") },
		func(int) error { return doEdit(t, t.ctx, t.b, "source") },
	}
	t.together(len(do), func(i int) {
		for n := range 25 {
			if err := do[i](n); !errors.Is(err, fs.ErrInvalid) { // an edit of what is edited already
				bearable(err)
			}
		}
	})
	t.wantContent("d-e", "beside")
	for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) {
		if s := t.stat(i.Name); !sameInfo(s, i) {
			t.Errorf("in the end Walk shows %+v, Stat %+v", i, s)
		}
	}
	if err := hutch.RemoveAll(t.ctx, t.b, "."); err != nil {
		t.Errorf("in the end: %v", err)
	}
}
