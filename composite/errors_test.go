package composite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

// failing gives err wherever it can.
type failing struct {
	hutch.Backend
	err error
}

func (f failing) As(any) bool { return false }

func (f failing) Open(context.Context, string) (hutch.File, error) { return nil, f.err }
func (f failing) Stat(context.Context, string) (hutch.Info, error) { return hutch.Info{}, f.err }
func (f failing) Remove(context.Context, string) error             { return f.err }
func (f failing) List(context.Context, string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) { yield(hutch.Info{}, f.err) }
}
func (f failing) Write(context.Context, string, io.Reader, *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, f.err
}

// matcher is an error that says by itself what it matches.
type matcher struct{ error }

func (m matcher) Unwrap() error        { return m.error }
func (m matcher) Is(target error) bool { return target == hutch.ErrClosed }

func TestErrorNames(t *testing.T) {
	special := errors.New("special")
	inner := &fs.PathError{Op: "open", Path: "in/ner", Err: special}
	for what, given := range map[string]error{
		"plain":   inner,
		"nested":  &fs.PathError{Op: "x", Path: "in/ner", Err: inner},
		"wrapped": fmt.Errorf("%w at in/ner: %w", hutch.ErrClosed, fmt.Errorf("in/ner: %w", inner)),
		"joined":  errors.Join(inner, &fs.PathError{Op: "open", Path: "in/ner", Err: hutch.ErrClosed}),
		"text":    fmt.Errorf("reading in/ner: %w", inner),
		"matcher": matcher{inner},
	} {
		c := compose(t, state.New(nil), composite.Routes{"at": failing{nil, given}})
		_, open := c.Open(ctx, "at/in/ner")
		_, stat := c.Stat(ctx, "at/in/ner")
		_, write := hutch.WriteFile(ctx, c, "at/in/ner", nil, nil)
		_, list := hutch.Collect(c.List(ctx, "at/in/ner"))
		_, walk := hutch.Collect(hutch.Walk(ctx, c, "at"))
		_, grep := hutch.Collect(hutch.Grep(ctx, c, hutch.Query{Pattern: "x", Dir: "at"}))
		for op, err := range map[string]error{
			"open": open, "stat": stat, "write": write, "list": list, "walk": walk, "remove": c.Remove(ctx, "at/in/ner"), "grep": grep,
		} {
			var pe *fs.PathError
			if !errors.As(err, &pe) || pe.Path != "at/in/ner" || !errors.Is(err, special) {
				t.Errorf("%s, %s: %v", what, op, err)
			}
			for e := range strings.SplitSeq(fmt.Sprint(err), "in/ner") {
				if e != "" && !strings.HasSuffix(e, "at/") && strings.Count(fmt.Sprint(err), "in/ner") != strings.Count(fmt.Sprint(err), "at/in/ner") {
					t.Errorf("%s, %s: a name of the inside in %q", what, op, err)
				}
			}
			for e := err; errors.As(e, &pe); e = pe.Err {
				if pe.Path != "at/in/ner" {
					t.Errorf("%s, %s: %q inside of %v", what, op, pe.Path, err)
				}
			}
			if what == "joined" && strings.Count(fmt.Sprint(err), "at/in/ner") != 2 {
				t.Errorf("%s: %v does not show both", op, err)
			}
			if what != "plain" && what != "nested" && what != "text" && !errors.Is(err, hutch.ErrClosed) {
				t.Errorf("%s, %s: %v has lost ErrClosed", what, op, err)
			}
		}
	}
}

func TestFile(t *testing.T) {
	c := compose(t, state.New(nil), composite.Routes{"at": backend(t, "f")})
	f, err := c.Open(ctx, "at/f")
	if err != nil {
		t.Fatal(err)
	}
	if f.Info().Name != "at/f" {
		t.Errorf("%+v", f.Info())
	}
	if n, err := f.(io.Seeker).Seek(3, io.SeekStart); n != 3 || err != nil {
		t.Error(n, err)
	}
	if data, err := io.ReadAll(f); string(data) != "f\n" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	f.Close()
	if _, err := f.Read(nil); !strings.Contains(fmt.Sprint(err), "at/f") {
		t.Errorf("read after close: %v", err)
	}
}

// What fails in one place must not hide the rest.
func TestWalkInSpiteOf(t *testing.T) {
	var hit error
	def := backendtest.Faulty(backend(t, "a/x", "d/x", "d/y/z", "e", "m/hidden"), func(op, name string) error {
		if (op == "list" || op == "walk") && (name == "d" || name == "m") {
			return &fs.PathError{Op: "list", Path: name, Err: hit}
		}
		return nil
	})
	c := compose(t, def, composite.Routes{"m": backend(t, "f")})
	for _, hit = range []error{fs.ErrNotExist, hutch.ErrNotDir, fs.ErrPermission, hutch.ErrClosed} {
		all, err := hutch.Collect(hutch.Walk(ctx, c, "."))
		plain, plainErr := hutch.Collect(hutch.Walk(ctx, backendtest.Plain(c), "."))
		if !slices.Equal(all, plain) || fmt.Sprint(err) != fmt.Sprint(plainErr) {
			t.Errorf("%v: %+v, %v\nwant %+v, %v", hit, all, err, plain, plainErr)
		}
		found, err := hutch.Collect(hutch.Grep(ctx, c, hutch.Query{Pattern: "."}))
		expected, plainErr := hutch.Collect(hutch.Grep(ctx, backendtest.Plain(c), hutch.Query{Pattern: "."}))
		if !slices.Equal(found, expected) || fmt.Sprint(err) != fmt.Sprint(plainErr) {
			t.Errorf("grep, %v: %+v, %v\nwant %+v, %v", hit, found, err, expected, plainErr)
		}
	}
}

// Names of mounts are no patterns, and too long a name is none.
func TestOddMounts(t *testing.T) {
	long := strings.Repeat(strings.Repeat("l", 255)+"/", 15) + strings.Repeat("l", 250) // and one more segment is too much
	c := compose(t, backend(t, "x*/hidden", "xy/f", "{a,b}/hidden", "a/f", "[!a]/hidden", "b/f", `\/hidden`),
		composite.Routes{"x*": backend(t, "f"), "{a,b}": backend(t, "f"), "[!a]": backend(t, "f"), `\`: backend(t, "f", long+"/123")})
	all := []string{"[!a]/f", `\/f`, "a/f", "b/f", "x*/f", "xy/f", "{a,b}/f"}
	want(t, "walk", walked(t, c, "."), all...)
	want(t, "plain walk", walked(t, backendtest.Plain(c), "."), all...)
	var found []string
	for m, err := range hutch.Grep(ctx, c, hutch.Query{Pattern: "^in"}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m.Name)
	}
	want(t, "grep", found, all...)
}
