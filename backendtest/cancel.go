package backendtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"time"

	"github.com/hutch-dev/hutch"
)

// wideTree has many directories with many files each.
func wideTree() map[string]string {
	files := map[string]string{}
	for d := range 30 {
		for f := range 8 {
			files["top/d"+padded(d)+"/f"+padded(f)] = "needle\n"
		}
	}
	return files
}

func cancelReadChecks() []check {
	return []check{
		{"Cancel/Before", "every method that reads returns the error of a context that has ended", nodes, cancelBefore},
		{"Cancel/List", "a List whose context ends stops early with its error", manyFiles(1000), cancelList},
		{"Cancel/Walk", "a Walk whose context ends stops early with its error", wideTree, cancelWalk},
		{"Cancel/Glob", "a Glob whose context ends stops early with its error", wideTree, cancelGlob},
		{"Cancel/Grep", "a Grep whose context ends stops early with its error", wideTree, cancelGrep},
	}
}

func cancelWriteChecks() []check {
	return []check{
		{"Cancel/BeforeWrite", "every method that writes returns the error of a context that has ended, and changes nothing", nodes, cancelBeforeWrite},
		{"Cancel/WhileWriting", "a Write whose context ends while it reads returns its error and leaves no trace", these("old", "old"), cancelWhileWriting},
		{"Cancel/AtTheEnd", "content that ends because the context did is not taken for whole", these("old", "old"), cancelAtTheEnd},
	}
}

func wantCanceled(t *env, ops []op) {
	late, cancel := context.WithDeadline(t.ctx, time.Unix(1, 0))
	defer cancel()
	for _, o := range ops {
		name := "f"
		if o.file != nil {
			name = "dir"
		}
		for ctx, want := range map[context.Context]error{t.over(): context.Canceled, late: context.DeadlineExceeded} {
			if err := o.try(t, ctx, name); !errors.Is(err, want) {
				t.Errorf("%s(%s) with a context that has ended: %v, want %v", o.name, name, err, want)
			}
		}
	}
}

func cancelBefore(t *env) { wantCanceled(t, readOps()) }

func cancelBeforeWrite(t *env) {
	wantCanceled(t, writeOps())
	if got := t.contents(t.b); !maps.Equal(got, t.files) {
		t.Errorf("after writes with an ended context there is %q, want %q", got, t.files)
	}
}

// stopsEarly cancels a sequence at its first element, of total.
func stopsEarly[T any](t *env, what string, total int, seq func(context.Context) iter.Seq2[T, error]) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.ctx)
	defer cancel()
	n := 0
	var last error
	for _, err := range seq(ctx) {
		if last != nil {
			t.Errorf("%s goes on after its error %v", what, last)
			return
		}
		if last = err; err == nil {
			n++
		}
		cancel()
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("%s canceled at its first element ends with %v, want context.Canceled", what, last)
	}
	if n >= total {
		t.Errorf("%s canceled at its first element yields all %d", what, n)
	}
}

func cancelList(t *env) {
	stopsEarly(t, "List", len(t.files), func(ctx context.Context) iter.Seq2[hutch.Info, error] { return t.b.List(ctx, "many") })
}

func cancelWalk(t *env) {
	stopsEarly(t, "Walk", len(t.files), func(ctx context.Context) iter.Seq2[hutch.Info, error] { return hutch.Walk(ctx, t.b, ".") })
}

func cancelGlob(t *env) {
	stopsEarly(t, "Glob", len(t.files), func(ctx context.Context) iter.Seq2[hutch.Info, error] {
		return t.do.glob(ctx, t.b, "**/f*", nil)
	})
}

func cancelGrep(t *env) {
	stopsEarly(t, "Grep", len(t.files), func(ctx context.Context) iter.Seq2[hutch.Match, error] {
		return t.do.grep(ctx, t.b, hutch.Query{Pattern: "needle"})
	})
}

// wantUntouched fails unless the backend holds what it held at the beginning,
// and not even a new directory.
func (t *env) wantUntouched(after string) {
	t.Helper()
	if got := t.contents(t.b); !maps.Equal(got, t.files) {
		t.Errorf("after %s there is %s, want what was there before", after, summary(got))
	}
	if got, want := names(t.list(".")), children(t.files, "."); !equal(got, want) {
		t.Errorf("after %s List shows %q, want %q", after, got, want)
	}
}

func cancelWhileWriting(t *env) {
	for _, name := range []string{"old", "new", "new/parents/file"} {
		ctx, cancel := context.WithCancel(t.ctx)
		given := 0
		r := readerFunc(func(p []byte) (int, error) {
			if given >= mib {
				cancel()
			}
			if given >= 32*mib {
				return 0, io.EOF
			}
			given += len(p)
			return len(p), nil
		})
		_, err := t.b.Write(ctx, name, r, nil)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Write(%s) canceled after 1 MiB: %v, want context.Canceled", name, err)
		}
		if given >= 32*mib {
			t.Errorf("Write(%s) canceled after 1 MiB reads on to the end of 32 MiB", name)
		}
		if t.wantUntouched("a canceled Write"); t.Failed() {
			return // what is next costs time and says nothing new
		}
	}
}

func cancelAtTheEnd(t *env) {
	for _, name := range []string{"old", "new"} {
		ctx, cancel := context.WithCancel(t.ctx)
		half := bytes.NewReader([]byte("half of it"))
		r := readerFunc(func(p []byte) (int, error) {
			n, err := half.Read(p)
			if err != nil {
				cancel()
			}
			return n, err
		})
		_, err := t.b.Write(ctx, name, r, nil)
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Write(%s) canceled at the end of its reader: %v, want context.Canceled", name, err)
		}
		t.wantUntouched("a canceled Write")
	}
}
