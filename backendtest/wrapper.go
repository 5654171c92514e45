package backendtest

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hutch-dev/hutch"
)

// wrapping makes a wrapper of a new inner backend.
type wrapping struct {
	inner func(t testing.TB) hutch.Backend
	wrap  func(t testing.TB, b hutch.Backend) hutch.Backend
}

// TestWrapper runs the law of backends on wrap(inner), and checks that the
// wrapper passes on errors with their meaning and the caller's name, releases
// what it opens, gives the same answers with the speeds of inner as without, and
// hides powers that it has never heard of. Both make something new each time,
// inner something empty that wrap shows whole.
func TestWrapper(t *testing.T, inner func(t testing.TB) hutch.Backend, wrap func(t testing.TB, b hutch.Backend) hutch.Backend) {
	w := wrapping{inner, wrap}
	law := slices.Concat(readChecks(), writeChecks(), w.checks())
	// Below a prefix that a wrapper adds there is no room for the longest name.
	law = slices.DeleteFunc(law, func(c check) bool { return c.name == "Names/Longest" })
	runAll(t, law, written(w.open))
}

func (w wrapping) open(t testing.TB) hutch.Backend { return w.wrap(t, w.inner(t)) }

func (w wrapping) checks() []check {
	// A check of a wrapper opens what it needs by itself.
	bare := func(run func(t *env, r *rig)) func(t *env) {
		return func(t *env) { run(t, w.rig(t)) }
	}
	return []check{
		{"Wrapper/Errors", "an error of the inner backend comes out with its meaning, its cause and the caller's name", nil, bare(wrapErrors)},
		{"Wrapper/Sequences", "an error in the middle of a list comes out last, after what came before it", nil, bare(wrapSequences)},
		{"Wrapper/Reads", "an error in the middle of a file comes out of Read", nil, bare(wrapReads)},
		{"Wrapper/Writes", "an error in the middle of a Write comes out and leaves no trace", nil, bare(wrapWrites)},
		{"Wrapper/NoPanic", "where everything fails every function returns an error", nil, bare(wrapNoPanic)},
		{"Wrapper/Releases", "whatever is broken off or fails, the wrapper keeps nothing of the inner backend open", nil, bare(wrapReleases)},
		{"Wrapper/Powers", "a power that the wrapper has never heard of stays hidden", nil, bare(wrapPowers)},
		{"Wrapper/Exec", "where commands go through, so do their results and errors", nil, bare(wrapExec)},
		{"Wrapper/Signals", "where Signaler goes through, so do the names of signals and what is sent", nil, bare(wrapSignals)},
		{"Wrapper/Links", "where Linker goes through, Real answers with the wrapper's names and the inner errors", nil, bare(wrapLinks)},
		{"Wrapper/Unlinked", "Unlinked of a wrapper is the wrapper, around Unlinked of the inner backend", nil, bare(wrapUnlinked)},
		{"Wrapper/Speeds", "the answers are the same with and without the speeds of the inner backend", nil, w.speeds},
	}
}

// rig is a wrapper around an inner backend that fails on demand.
type rig struct {
	faulty *FaultyBackend
	hook   atomic.Pointer[func(op, name string) error]
	exec   func(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error)
	// real is asked before the inner backend where names lead; nil: it is not.
	real func(name string) (string, bool)
	// links is what every operation of the inner Unlinked returns; nil: it works.
	links atomic.Pointer[error]
}

func (w wrapping) rig(t *env) *rig {
	r := &rig{}
	r.faulty = Faulty(w.inner(t.TB), func(op, name string) error {
		if h := r.hook.Load(); h != nil {
			return (*h)(op, name)
		}
		return nil
	})
	t.b = w.wrap(t.TB, &powered{r.faulty, r})
	for name, content := range nodes() {
		t.write(name, content)
	}
	t.write("large", large(mib))
	return r
}

// failing makes the step fail from the nth time on while f runs, and reports
// whether it came to that.
func (r *rig) failing(step string, nth int64, err error, f func()) bool {
	var times atomic.Int64
	hook := func(op, _ string) error {
		if op == step && times.Add(1) >= nth {
			return err
		}
		return nil
	}
	r.hook.Store(&hook)
	defer r.hook.Store(nil)
	f()
	return times.Load() >= nth
}

// secret is a power that no wrapper knows.
type secret interface{ secretPower() }

// powered is a sandbox with powers known and unknown.
type powered struct {
	*FaultyBackend
	r *rig
}

func (p *powered) As(target any) bool {
	switch t := target.(type) {
	case *hutch.Execer:
		*t = p
	case *hutch.Rooted:
		*t = p
	case *hutch.Signaler:
		*t = p
	case *secret:
		*t = p
	case *hutch.Linker:
		l, ok := hutch.As[hutch.Linker](p.FaultyBackend)
		if ok {
			*t = poweredLinker{l, p.r}
		}
		return ok
	default:
		return p.FaultyBackend.As(target)
	}
	return true
}

func (p *powered) secretPower() {}
func (p *powered) Root() string { return "/inner" }

func (p *powered) Signals() []string { return []string{"SIGUSR1", "SIGWINCH"} }

func (p *powered) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	return p.r.exec(ctx, cmd)
}

// cause is an error of an inner backend: a meaning with something behind it.
type cause struct{ meaning error }

func (c *cause) Error() string { return "cause: " + c.meaning.Error() }
func (c *cause) Unwrap() error { return c.meaning }

func wrapErrors(t *env, r *rig) {
	for _, o := range []struct{ op, step, name string }{
		{"Open", "open", "f"}, {"Stat", "stat", "dir/inner"}, {"List", "list", "dir"},
		{"Write", "write", "dir/inner"}, {"Write", "write", "new"}, {"Remove", "remove", "f"},
	} {
		all := append(readOps(), writeOps()...)
		do := all[slices.IndexFunc(all, func(x op) bool { return x.name == o.op })]
		for _, m := range meanings {
			c := &cause{m}
			var err error
			if !r.failing(o.step, 1, c, func() { err = do.try(t, t.ctx, o.name) }) {
				continue // the wrapper knew the answer without asking
			}
			var got *cause
			if !errors.Is(err, m) || !errors.As(err, &got) || got != c {
				t.Errorf("%s(%s): the inner error %q comes out as %v", o.op, o.name, c, err)
				continue
			}
			if m == context.Canceled || m == context.DeadlineExceeded {
				continue
			}
			t.wantErr(o.op, err, o.name, m)
		}
	}
}

func wrapSequences(t *env, r *rig) {
	c := &cause{fs.ErrPermission}
	for _, step := range []string{"list.next", "walk.next", "grep.next"} {
		var got []string
		var err error
		came := r.failing(step, 2, c, func() {
			switch step {
			case "list.next":
				var infos []hutch.Info
				infos, err = hutch.Collect(t.b.List(t.ctx, "dir"))
				got = names(infos)
			case "walk.next":
				var infos []hutch.Info
				infos, err = hutch.Collect(hutch.Walk(t.ctx, t.b, "dir"))
				got = names(infos)
			default:
				var matches []hutch.Match
				matches, err = hutch.Collect(t.do.grep(t.ctx, t.b, hutch.Query{Pattern: "."}))
				for _, m := range matches {
					got = append(got, m.Name)
				}
			}
		})
		if !came {
			continue
		}
		if !errors.Is(err, c) {
			t.Errorf("an error in the middle (%s) comes out as %v", step, err)
		}
		if step == "list.next" && !slices.Equal(got, []string{"dir/inner"}) {
			t.Errorf("before the error in the middle of a List comes %q", got)
		}
	}
}

func wrapReads(t *env, r *rig) {
	c := &cause{hutch.ErrConflict}
	for _, nth := range []int64{1, 3} {
		r.failing("read", nth, c, func() {
			f, err := t.b.Open(t.ctx, "large")
			if err != nil {
				if !errors.Is(err, c) { // a wrapper may read at once
					t.Errorf("Open: %v", err)
				}
				return
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			if !errors.Is(err, c) {
				t.Errorf("a file that fails at its Read %d: %d bytes and %v, want the error", nth, len(data), err)
			}
			if !strings.HasPrefix(large(mib), string(data)) {
				t.Errorf("what comes before the error is not the beginning of the file")
			}
		})
	}
}

func wrapWrites(t *env, r *rig) {
	before := t.contents(t.b)
	c := &cause{hutch.ErrTooLarge}
	for _, nth := range []int64{1, 3} {
		for _, name := range []string{"f", "new", "new/deep/name"} {
			var err error
			came := r.failing("write.read", nth, c, func() {
				_, err = t.b.Write(t.ctx, name, strings.NewReader(large(mib)), nil)
			})
			if came && !errors.Is(err, c) {
				t.Errorf("Write(%s) that fails at the Read %d: %v", name, nth, err)
			}
			if came {
				t.files = before
				t.wantUntouched("a Write that failed inside")
			}
			hutch.WriteFile(t.ctx, t.b, "f", []byte(before["f"]), nil)
			if !came {
				hutch.RemoveAll(t.ctx, t.b, "new")
			}
		}
	}
}

func wrapNoPanic(t *env, r *rig) {
	boom := errors.New("boom")
	hook := func(string, string) error { return boom }
	r.hook.Store(&hook)
	defer r.hook.Store(nil)
	for _, o := range append(readOps(), writeOps()...) {
		name := "f"
		if o.file != nil {
			name = "dir"
		}
		if err := o.try(t, t.ctx, name); !errors.Is(err, boom) {
			t.Errorf("%s(%s) where everything fails: %v", o.name, name, err)
		}
	}
}
