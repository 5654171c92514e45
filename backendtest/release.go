package backendtest

import (
	"fmt"
	"iter"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/hutch-dev/hutch"
)

func releaseChecks() []check {
	return []check{
		{"Release/Open", "closing a file releases it, whether it was read or not", wideTree, releaseOpen},
		{"Release/List", "breaking off a List releases everything", manyFiles(1000), releaseList},
		{"Release/Walk", "breaking off a Walk releases everything", wideTree, releaseWalk},
		{"Release/Glob", "breaking off a Glob releases everything", wideTree, releaseGlob},
		{"Release/Grep", "breaking off a Grep releases everything", wideTree, releaseGrep},
		{"Release/Inside", "the backend can be used inside the loop over its lists", wideTree, releaseInside},
	}
}

// noLeak does f many times and fails if goroutines or open files pile up.
func (t *env) noLeak(what string, f func()) {
	t.Helper()
	f() // what is kept for good, such as a pool, is there after the first time
	goroutines, files := runtime.NumGoroutine(), openFiles()
	const times, slack = 40, 12
	for range times {
		f()
	}
	stop := time.Now().Add(t.patience / 6)
	for {
		g, n := runtime.NumGoroutine()-goroutines, openFiles()-files
		if g <= slack && n <= slack {
			return
		}
		if time.Now().After(stop) {
			stacks := make([]byte, 64<<10)
			t.Fatalf("%s, %d times, leaves %d goroutines and %d open files:\n%s",
				what, times, g, n, stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// openFiles counts the open files of this process, where the system shows them.
func openFiles() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func releaseOpen(t *env) {
	name := "top/d00000/f00000"
	var kept []hutch.File // so that no finalizer closes what Close left open
	t.noLeak("opening and closing a file", func() {
		f, err := t.b.Open(t.ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if len(kept)%2 == 0 {
			f.Read(make([]byte, 1))
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		kept = append(kept, f)
	})
	runtime.KeepAlive(kept)
}

// breakOff takes the first element of a sequence.
func breakOff[T any](t *env, what string, seq iter.Seq2[T, error]) {
	n := 0
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s goes on after it was broken off: %v", what, p)
		}
	}()
	for _, err := range seq {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%s is empty", what)
	}
}

func releaseList(t *env) {
	t.noLeak("breaking off a List", func() { breakOff(t, "List", t.b.List(t.ctx, "many")) })
}

func releaseWalk(t *env) {
	t.noLeak("breaking off a Walk", func() { breakOff(t, "Walk", hutch.Walk(t.ctx, t.b, ".")) })
}

func releaseGlob(t *env) {
	t.noLeak("breaking off a Glob", func() { breakOff(t, "Glob", t.do.glob(t.ctx, t.b, "**/f*", nil)) })
}

func releaseGrep(t *env) {
	q := hutch.Query{Pattern: "needle"}
	t.noLeak("breaking off a Grep", func() { breakOff(t, "Grep", t.do.grep(t.ctx, t.b, q)) })
	one := hutch.Query{Pattern: "needle", Max: 1}
	t.noLeak("a Grep with Max", func() {
		if got := t.grep(one); len(got) != 1 {
			t.Errorf("Grep with Max 1 yields %d", len(got))
		}
	})
}

func releaseInside(t *env) {
	t.within("using a backend inside the loop over its lists", func() {
		for i, err := range t.b.List(t.ctx, "top") {
			if err != nil {
				t.Fatal(err)
			}
			inside := names(t.list(i.Name))
			for w, err := range hutch.Walk(t.ctx, t.b, i.Name) {
				if err != nil || !slices.Contains(inside, w.Name) {
					t.Fatalf("Walk inside of List: %+v, %v", w, err)
				}
				for m, err := range t.do.grep(t.ctx, t.b, hutch.Query{Pattern: "needle", Dir: w.Name}) {
					if err != nil {
						t.Fatal(err)
					}
					t.wantContent(m.Name, "needle\n")
				}
			}
		}
	})
}

// summary is a tree in a line.
func summary(files map[string]string) string {
	var s []string
	for name, content := range files {
		s = append(s, fmt.Sprintf("%s=%s", short(name), short(content)))
	}
	slices.Sort(s)
	return fmt.Sprint(s)
}

func equal(a, b []string) bool { return slices.Equal(a, b) || len(a) == 0 && len(b) == 0 }
