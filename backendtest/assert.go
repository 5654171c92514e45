package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// write stores content and returns the Info of the new version.
func (t *env) write(name, content string) hutch.Info {
	t.Helper()
	info, err := hutch.WriteFile(t.ctx, t.b, name, []byte(content), nil)
	if err != nil {
		t.Fatalf("Write(%s): %v", short(name), err)
	}
	return info
}

// read returns the content of a file that must be there.
func (t *env) read(name string) string {
	t.Helper()
	data, err := hutch.ReadFile(t.ctx, t.b, name)
	if err != nil {
		t.Fatalf("reading %s: %v", short(name), err)
	}
	return string(data)
}

func (t *env) wantContent(name, want string) {
	t.Helper()
	if got := t.read(name); got != want {
		t.Errorf("%s holds %s, want %s", short(name), short(got), short(want))
	}
}

func (t *env) stat(name string) hutch.Info {
	t.Helper()
	info, err := t.b.Stat(t.ctx, name)
	if err != nil {
		t.Fatalf("Stat(%s): %v", short(name), err)
	}
	return info
}

func (t *env) remove(name string) {
	t.Helper()
	if err := t.b.Remove(t.ctx, name); err != nil {
		t.Fatalf("Remove(%s): %v", short(name), err)
	}
}

func (t *env) wantAbsent(name string) {
	t.Helper()
	if info, err := t.b.Stat(t.ctx, name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat(%s) = %+v, %v; want nothing there", short(name), info, err)
	}
}

func (t *env) list(dir string) []hutch.Info {
	t.Helper()
	return collect(t, "List("+dir+")", t.b.List(t.ctx, dir))
}

// collect gathers a sequence that must have no error.
func collect[T any](t *env, what string, seq iter.Seq2[T, error]) []T {
	t.Helper()
	all, err := hutch.Collect(seq)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return all
}

// lastError drains a sequence and returns the error that ended it. Whatever
// comes after an error breaks the contract of all sequences.
func lastError[T any](t *env, what string, seq iter.Seq2[T, error]) error {
	var last error
	for _, err := range seq {
		if last != nil {
			t.Errorf("%s goes on after its error %v", what, last)
			return last
		}
		last = err
	}
	return last
}

// names is the name of every entry.
func names(infos []hutch.Info) []string {
	all := []string{}
	for _, i := range infos {
		all = append(all, i.Name)
	}
	return all
}

// contents is every file with what it holds.
func (t *env) contents(b hutch.Backend) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, i := range collect(t, "Walk", hutch.Walk(t.ctx, b, ".")) {
		data, err := hutch.ReadFile(t.ctx, b, i.Name)
		if err != nil {
			t.Fatalf("reading %s: %v", short(i.Name), err)
		}
		all[i.Name] = string(data)
	}
	return all
}

// wantErr fails unless err is a *fs.PathError with name that matches all of
// want. Two meanings are never allowed by the way, since callers act on them:
// fs.ErrNotExist (RemoveAll takes it for success) and ErrConflict (EditFile
// tries again).
func (t *env) wantErr(what string, err error, name string, want ...error) {
	t.Helper()
	what += "(" + short(name) + ")"
	if err == nil {
		t.Errorf("%s: no error, want %v", what, want)
		return
	}
	wanted := map[error]bool{}
	for _, w := range want {
		wanted[w] = true
		if !errors.Is(err, w) {
			t.Errorf("%s: error %q does not match %q", what, err, w)
		}
	}
	for _, never := range []error{fs.ErrNotExist, hutch.ErrConflict} {
		if !wanted[never] && errors.Is(err, never) {
			t.Errorf("%s: error %q matches %q too", what, err, never)
		}
	}
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		t.Errorf("%s: error %q is no *fs.PathError", what, err)
	} else if pe.Path != name {
		t.Errorf("%s: error %q names %q", what, err, pe.Path)
	}
	t.noHostPath(what, err, name)
}

var absolute = regexp.MustCompile(`(^|[\s"'(:=])(/[\w.+-]+(/[\w.+-]+)+|[A-Za-z]:\\\w+)`)

// noHostPath fails if the text of err holds an absolute path other than one
// that the caller gave or that commands see.
func (t *env) noHostPath(what string, err error, given ...string) {
	t.Helper()
	text := err.Error()
	if r, ok := hutch.As[hutch.Rooted](t.b); ok {
		given = append(given, r.Root())
	}
	for _, g := range given {
		if g != "" && g != "/" {
			text = strings.ReplaceAll(text, g, "")
		}
	}
	if path := absolute.FindString(text); path != "" {
		t.Errorf("%s: error %q holds a path of the host: %s", what, err, path)
	}
}

// within runs f and fails if it does not return in bearable time.
func (t *env) within(what string, f func()) {
	t.Helper()
	t.withinTime(what, t.patience, f)
}

// withinTime is within for what takes its time on a busy machine.
func (t *env) withinTime(what string, most time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer t.noPanic(what)
		f()
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
		if t.Failed() { // f may have ended by FailNow
			t.FailNow()
		}
	case <-timer.C:
		stacks := make([]byte, 64<<10)
		t.Fatalf("%s does not return; goroutines:\n%s", what, stacks[:runtime.Stack(stacks, true)])
	}
}

// noPanic turns a panic, in whatever goroutine, into a failure of the check.
func (t *env) noPanic(what string) {
	if p := recover(); p != nil {
		t.Errorf("%s panics: %v", what, p)
	}
}

// eventually polls until ok holds, and reports whether it ever did.
func (t *env) eventually(ok func() bool) bool {
	for end := time.Now().Add(t.patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// over is a context that has ended.
func (t *env) over() context.Context {
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	return ctx
}

// short quotes s, cut to what fits a line of a report.
func short(s string) string {
	const most = 60
	if len(s) <= most {
		return strings.TrimSpace(quote(s))
	}
	return quote(s[:most/2]) + "..." + quote(s[len(s)-most/2:])
}
