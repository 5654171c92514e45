// Package backendtest holds the law of hutch: the checks that every backend,
// sandbox and wrapper passes, inside this module or outside of it. A backend's
// own test is a few lines:
//
//	func TestBackend(t *testing.T) {
//		backendtest.Test(t, func(t testing.TB) hutch.Backend { return mine.New() })
//	}
//
// Every check is a subtest with a name of its own and says in its failure which
// promise was broken. A check skips nothing: where an optional interface is
// absent, there is nothing to check.
package backendtest

import (
	"context"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
)

// Test runs the law of backends. open returns a new, empty backend each time;
// what it needs to release goes into t.Cleanup, and must bear that a check has
// closed the backend already.
func Test(t *testing.T, open func(t testing.TB) hutch.Backend) {
	runAll(t, slices.Concat(readChecks(), writeChecks()), written(open))
}

// TestReadOnly runs the part of the law that is about reading, and checks that
// every write is refused. open returns a new backend that holds files.
func TestReadOnly(t *testing.T, open func(t testing.TB, files map[string]string) hutch.Backend) {
	runAll(t, slices.Concat(readChecks(), refuseChecks()), open)
}

// TestSandbox runs the law of backends and that of commands. The sandbox must
// have a POSIX shell and the usual small programs in its PATH: cat, head, ln,
// mkdir, mkfifo, mv, printf, rm, sleep, touch, tr, and setsid where there is one.
func TestSandbox(t *testing.T, open func(t testing.TB) hutch.Sandbox) {
	backend := func(t testing.TB) hutch.Backend { return open(t) }
	runAll(t, slices.Concat(readChecks(), writeChecks(), sandboxChecks()), written(backend))
}

// TestFilledSandbox is TestSandbox for where to write thousands of files one by
// one takes long: open returns a new sandbox that holds files. Files that the
// checks write themselves are written as in TestSandbox.
func TestFilledSandbox(t *testing.T, open func(t testing.TB, files map[string]string) hutch.Sandbox) {
	backend := func(t testing.TB, files map[string]string) hutch.Backend { return open(t, files) }
	runAll(t, slices.Concat(readChecks(), writeChecks(), sandboxChecks()), backend)
}

// TestCommands runs the part of TestSandbox that is about commands, for a
// sandbox that has more than one way to run them on the same files.
func TestCommands(t *testing.T, open func(t testing.TB) hutch.Sandbox) {
	runAll(t, sandboxChecks(), written(func(t testing.TB) hutch.Backend { return open(t) }))
}

// check is one promise.
type check struct {
	name  string
	doc   string                   // the promise, in a sentence
	files func() map[string]string // what is there when it runs; nil: nothing
	run   func(t *env)
}

// functions are those of package hutch that the law is also about. The tests of
// this package break them to prove that a check notices.
type functions struct {
	glob func(context.Context, hutch.Backend, string, *hutch.GlobOptions) iter.Seq2[hutch.Info, error]
	grep func(context.Context, hutch.Backend, hutch.Query) iter.Seq2[hutch.Match, error]
	edit func(context.Context, hutch.Backend, string, []hutch.Edit) (hutch.EditResult, error)
}

var sound = functions{hutch.Glob, hutch.Grep, hutch.EditFile}

// opener makes a new backend that holds files.
type opener func(t testing.TB, files map[string]string) hutch.Backend

// written is an opener that writes the files itself.
func written(open func(t testing.TB) hutch.Backend) opener {
	return func(t testing.TB, files map[string]string) hutch.Backend {
		b := open(t)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if _, err := hutch.WriteFile(t.Context(), b, name, []byte(files[name]), nil); err != nil {
				t.Fatalf("before the check: %v", err)
			}
		}
		return b
	}
}

func runAll(t *testing.T, checks []check, open opener) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.on(t, open, sound, 30*time.Second) })
	}
}

// on runs the check on a new backend. patience is how long a call that must not
// hang may take.
func (c check) on(tb testing.TB, open opener, do functions, patience time.Duration) {
	defer func() {
		if tb.Failed() {
			tb.Logf("the promise: %s", c.doc)
		}
	}()
	files := map[string]string{}
	if c.files != nil {
		files = c.files()
	}
	t := &env{TB: tb, ctx: tb.Context(), files: files, do: do, patience: patience}
	t.open = func() hutch.Backend { return open(tb, files) }
	t.b = t.open()
	c.run(t)
}

// env is what a check works with.
type env struct {
	testing.TB
	ctx      context.Context
	b        hutch.Backend
	files    map[string]string    // what b holds when the check begins
	open     func() hutch.Backend // one more like b
	do       functions
	patience time.Duration
}

// these makes the files of a check from pairs of name and content.
func these(pairs ...string) func() map[string]string {
	return func() map[string]string {
		files := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			files[pairs[i]] = pairs[i+1]
		}
		return files
	}
}
