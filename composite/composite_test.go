package composite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

var ctx = context.Background()

func write(t testing.TB, b hutch.Backend, files ...string) {
	t.Helper()
	for _, name := range files {
		if _, err := hutch.WriteFile(ctx, b, name, []byte("in "+name+"\n"), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func backend(t testing.TB, files ...string) *state.Backend {
	t.Helper()
	b := state.New(nil)
	write(t, b, files...)
	return b
}

func compose(t testing.TB, def hutch.Backend, routes composite.Routes) *composite.Backend {
	t.Helper()
	c, err := composite.New(def, routes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func walked(t testing.TB, b hutch.Backend, dir string) []string {
	t.Helper()
	return names(t, hutch.Walk(ctx, b, dir))
}

func names(t testing.TB, seq func(func(hutch.Info, error) bool)) []string {
	t.Helper()
	infos, err := hutch.Collect(seq)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, i := range infos {
		all = append(all, i.Name)
	}
	return all
}

func want(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestBackend(t *testing.T) {
	inner := func(testing.TB) hutch.Backend { return state.New(nil) }
	t.Run("Default", func(t *testing.T) {
		backendtest.TestWrapper(t, inner, func(t testing.TB, b hutch.Backend) hutch.Backend { return compose(t, b, nil) })
	})
	t.Run("Mounted", func(t *testing.T) { backendtest.TestWrapper(t, inner, mounted) })
	t.Run("ReadOnly", func(t *testing.T) {
		backendtest.TestReadOnly(t, func(t testing.TB, files map[string]string) hutch.Backend {
			return composite.ReadOnly(filled(t, files))
		})
	})
	t.Run("Spread", func(t *testing.T) {
		backendtest.TestReadOnly(t, spread)
	})
}

// mounted is b as it is seen in a composite in which it is mounted.
func mounted(t testing.TB, b hutch.Backend) hutch.Backend {
	t.Helper()
	c := compose(t, backend(t, "a/mount/hidden", "a/beside"), composite.Routes{"/a/mount/": b})
	s, err := hutch.Sub(c, "a/mount")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func FuzzMounted(f *testing.F) {
	backendtest.Fuzz(f, func(t testing.TB) hutch.Backend { return mounted(t, state.New(nil)) })
}

func filled(t testing.TB, files map[string]string) *state.Backend {
	t.Helper()
	b := state.New(nil)
	for name, text := range files {
		if _, err := hutch.WriteFile(ctx, b, name, []byte(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// spread is a composite with just these files, with mounts wherever there can
// be one in the first two levels, and hidden files below all of them.
func spread(t testing.TB, files map[string]string) hutch.Backend {
	t.Helper()
	parts := map[string]map[string]string{}
	for name := range files {
		s := strings.Split(name, "/")
		for n := 1; n < len(s) && n <= 2; n++ {
			parts[strings.Join(s[:n], "/")] = map[string]string{}
		}
	}
	def := map[string]string{}
	for name, text := range files {
		at := name
		for at != "." && parts[at] == nil {
			at = dirOf(at)
		}
		if at == "." {
			def[name] = text
		} else {
			parts[at][name[len(at)+1:]] = text
		}
	}
	routes := composite.Routes{}
	for at := range parts {
		if outer := parts[dirOf(at)]; outer != nil {
			outer[at[strings.LastIndex(at, "/")+1:]+"/hidden"] = "needle hidden"
		} else {
			def[at+"/hidden/needle"] = "needle hidden"
			def[at+"/.gitignore"] = "*"
		}
	}
	for at, part := range parts {
		routes[at] = composite.ReadOnly(filled(t, part))
	}
	return compose(t, composite.ReadOnly(filled(t, def)), routes)
}

func dirOf(name string) string {
	if i := strings.LastIndex(name, "/"); i >= 0 {
		return name[:i]
	}
	return "."
}

func TestPrefixes(t *testing.T) {
	b := state.New(nil)
	for _, prefix := range []string{"/project/", "project", "/project", "project/", "a/b", "/ .x/[y]/"} {
		if _, err := composite.New(b, composite.Routes{prefix: b}); err != nil {
			t.Errorf("%q: %v", prefix, err)
		}
	}
	for _, routes := range []composite.Routes{
		{"": b}, {"/": b}, {"//": b}, {".": b}, {"/./": b}, {"..": b}, {"a/../b": b}, {"a//b": b}, {"//a": b}, {"a//": b}, {"a/.": b},
		{"a\x00": b}, {"\xff": b}, {strings.Repeat("a", 256): b}, {"a": nil}, {"a": b, "/a/": b}, {"a/": b, "/a": b},
	} {
		if _, err := composite.New(b, routes); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%q: %v", slices.Collect(maps.Keys(routes)), err)
		}
	}
	if _, err := composite.New(nil, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no default: %v", err)
	}
}

// nested has mounts in mounts, and something hidden wherever it can be.
func nested(t testing.TB) (c *composite.Backend, parts map[string]*state.Backend) {
	t.Helper()
	parts = map[string]*state.Backend{
		".":     backend(t, "a-b", "a/m/hidden", "a/m-x", "a/z", "v", "w", "m"),
		"a/m":   backend(t, "f", "n/hidden", "n/p", "o", "q"),
		"a/m/n": backend(t, "g"),
		"v/w/x": backend(t, "h"), // "v" is a file of the default
		"w":     backend(t, "i"), // and so is "w"
	}
	routes := composite.Routes{}
	for at, b := range parts {
		if at != "." {
			routes["/"+at+"/"] = b
		}
	}
	return compose(t, parts["."], routes), parts
}

func TestNested(t *testing.T) {
	c, _ := nested(t)
	all := []string{"a-b", "a/m-x", "a/m/f", "a/m/n/g", "a/m/o", "a/m/q", "a/z", "m", "v/w/x/h", "w/i"}
	want(t, "walk", walked(t, c, "."), all...)
	want(t, "plain walk", walked(t, backendtest.Plain(c), "."), all...)
	want(t, "walk a", walked(t, c, "a"), all[1:7]...)
	want(t, "walk v", walked(t, c, "v"), "v/w/x/h")
	want(t, "glob", names(t, hutch.Glob(ctx, c, "**", nil)), all...)
	want(t, "glob from a", names(t, hutch.Glob(ctx, c, "m/**", &hutch.GlobOptions{Dir: "a"})), all[2:6]...)
	for dir, entries := range map[string][]string{
		".": {"a", "a-b", "m", "v", "w"}, "a": {"a/m", "a/m-x", "a/z"}, "a/m": {"a/m/f", "a/m/n", "a/m/o", "a/m/q"},
		"a/m/n": {"a/m/n/g"}, "v": {"v/w"}, "v/w": {"v/w/x"}, "v/w/x": {"v/w/x/h"}, "w": {"w/i"},
	} {
		want(t, "list "+dir, names(t, c.List(ctx, dir)), entries...)
		want(t, "scan "+dir, names(t, c.Scan(ctx, dir)), entries...)
		for i := range c.List(ctx, dir) {
			if s, err := c.Stat(ctx, i.Name); err != nil || s != i {
				t.Errorf("%+v in the list of %s, %+v, %v alone", i, dir, s, err)
			}
		}
	}
	for _, name := range all {
		data, err := hutch.ReadFile(ctx, c, name)
		if err != nil || !strings.HasSuffix("in "+name+"\n", strings.TrimPrefix(string(data), "in ")) {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	for _, name := range []string{"a/m/hidden", "a/m/n/hidden", "a/m/n/p", "v/x", "v/w/y", "w/x"} {
		if _, err := c.Stat(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat %s: %v", name, err)
		}
		if f, err := c.Open(ctx, name); !errors.Is(err, fs.ErrNotExist) || f != nil {
			t.Errorf("open %s: %v", name, err)
		}
	}
	if err := fstest.TestFS(hutch.FS(ctx, c), all...); err != nil {
		t.Error(err)
	}
}

// The speed must find what the search of one tree finds, whatever is asked.
func TestGrepIsPlain(t *testing.T) {
	c, parts := nested(t)
	for at, b := range parts {
		hutch.WriteFile(ctx, b, ".gitignore", []byte(map[string]string{".": "*.o\n", "a/m": "!n.o\nq\n"}[at]), nil)
		for name, text := range map[string]string{
			"n.o": "in\n", ".h/x": "in\n", "many": strings.Repeat("in\nout\n", 20), "a": "in a\n",
		} {
			hutch.WriteFile(ctx, b, name, []byte(text), nil) // some have a directory there
		}
	}
	plain := backendtest.Plain(c)
	queries := 0
	for _, dir := range []string{"", "a", "a/m", "a/m/n", "v", "v/w/x", "w", "a/m/f", "a/m/hidden", "v/nothing", "m"} {
		for bits := range 1 << 8 {
			on := func(n int) bool { return bits>>n&1 == 1 }
			q := hutch.Query{Pattern: "in", Dir: dir, Hidden: on(0), Gitignore: on(1)}
			if on(2) {
				q.Max = 1 + bits%31
			}
			if on(3) {
				q.After = 2
			}
			if on(4) {
				q.Before, q.MaxPerFile = 1, 3
			}
			if on(5) {
				q.Include = []string{"[a-m]*"}
			}
			if on(6) {
				q.Include = append(q.Include, "m/**")
			}
			if on(7) {
				q.Exclude = []string{"n"}
			}
			got, err := hutch.Collect(hutch.Grep(ctx, c, q))
			expected, plainErr := hutch.Collect(hutch.Grep(ctx, plain, q))
			if !slices.Equal(got, expected) || (err == nil) != (plainErr == nil) {
				t.Fatalf("%+v\n%+v, %v\nwant\n%+v, %v", q, got, err, expected, plainErr)
			}
			for _, m := range got {
				if strings.Contains(m.Name, "hidden") {
					t.Fatalf("%+v finds %s", q, m.Name)
				}
			}
			queries++
		}
	}
	t.Logf("%d queries", queries)
}

func TestFixed(t *testing.T) {
	c, parts := nested(t)
	before := map[string]state.Snapshot{}
	for at, b := range parts {
		before[at] = b.Snapshot()
	}
	check := func(what, name string, err, want error) {
		t.Helper()
		var pe *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("%s %s: %v, want %v", what, name, err, want)
		}
	}
	for _, name := range []string{"a", "a/m", "a/m/n", "v", "v/w", "v/w/x", "w"} {
		_, err := hutch.WriteFile(ctx, c, name, nil, nil)
		check("write", name, err, hutch.ErrIsDir)
		_, err = c.Open(ctx, name)
		check("open", name, err, hutch.ErrIsDir)
		check("remove", name, c.Remove(ctx, name), fs.ErrPermission)
		check("remove all", name, hutch.RemoveAll(ctx, c, name), fs.ErrPermission)
		check("rename", name, hutch.Move(ctx, c, name, "new"), fs.ErrPermission)
		check("rename a file to", name, hutch.Move(ctx, c, "m", name), hutch.ErrIsDir)
		check("copy a file to", name, hutch.Copy(ctx, c, name, c, "m"), hutch.ErrIsDir)
		check("rename into itself", name+"/x/y", hutch.Move(ctx, c, name, name+"/x/y"), fs.ErrInvalid)
		if err := hutch.Move(ctx, c, name, name); err != nil {
			t.Errorf("rename %s to itself: %v", name, err)
		}
	}
	if err := hutch.RemoveAll(ctx, c, "."); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("remove all: %v", err)
	}
	for at, b := range parts {
		if b.Snapshot() != before[at] {
			t.Errorf("%s has changed", at)
		}
	}
}

func TestMoveAcross(t *testing.T) {
	c, parts := nested(t)
	move := func(from, to string) {
		t.Helper()
		if err := hutch.Move(ctx, c, from, to); err != nil {
			t.Fatal(err)
		}
	}
	move("m", "a/m/n/from-default")
	want(t, "a/m/n", walked(t, parts["a/m/n"], "."), "from-default", "g")
	move("a/m/n/g", "a/m/q") // replaces
	want(t, "a/m", walked(t, parts["a/m"], "."), "f", "n/hidden", "n/p", "o", "q")
	write(t, c, "d/1", "d/e/2")
	move("d", "w/new/d")
	want(t, "w", walked(t, parts["w"], "."), "i", "new/d/1", "new/d/e/2")
	move("w/new/d", "w/d") // within
	want(t, "w", walked(t, parts["w"], "."), "d/1", "d/e/2", "i")
	if data, _ := hutch.ReadFile(ctx, c, "a/m/q"); string(data) != "in g\n" {
		t.Errorf("%q", data)
	}
	if err := hutch.Copy(ctx, c, "everything", c, "a"); err != nil {
		t.Fatal(err)
	}
	want(t, "copy", walked(t, parts["."], "everything"),
		"everything/m-x", "everything/m/f", "everything/m/n/from-default", "everything/m/o", "everything/m/q", "everything/z")
	err := hutch.Move(ctx, c, "w/nothing", "x")
	if pe, ok := err.(*fs.PathError); !ok || pe.Path != "w/nothing" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	for from, to := range map[string]string{"w/d": "w/i", "w/i": "w/i/x", "w/d/1": "w/d/e"} {
		err := hutch.Move(ctx, c, from, to)
		if pe, ok := err.(*fs.PathError); !ok || pe.Path != to {
			t.Errorf("move %s to %s: %v", from, to, err)
		}
	}
}

// One backend at two places: a move between them must not eat its own copy.
func TestTwice(t *testing.T) {
	b := backend(t, "d/f")
	c := compose(t, state.New(nil), composite.Routes{"x": b, "y": b})
	if err := hutch.Move(ctx, c, "x/d", "y/d/e"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%v", err)
	}
	want(t, "b", walked(t, b, "."), "d/f")
	if err := hutch.Move(ctx, c, "x/d/f", "y/d/f"); err != nil {
		t.Error(err)
	}
	want(t, "b", walked(t, b, "."), "d/f")
	if err := hutch.Move(ctx, c, "x/d", "y/e"); err != nil {
		t.Error(err)
	}
	want(t, "b", walked(t, b, "."), "e/f")
}

func TestReadOnlyMount(t *testing.T) {
	b := backend(t, "f", "d/g")
	c := compose(t, backend(t, "own"), composite.Routes{"ro": composite.ReadOnly(b)})
	before := b.Snapshot()
	_, err := hutch.WriteFile(ctx, c, "ro/f", nil, nil)
	for what, err := range map[string]error{
		"write": err, "remove": c.Remove(ctx, "ro/f"), "move out": hutch.Move(ctx, c, "ro/f", "taken"), "move in": hutch.Move(ctx, c, "own", "ro/x"),
		"move within": hutch.Move(ctx, c, "ro/f", "ro/x"), "move dir": hutch.Move(ctx, c, "ro/d", "d"), "remove all": hutch.RemoveAll(ctx, c, "ro/d"),
	} {
		var pe *fs.PathError
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || !strings.HasPrefix(pe.Path, "ro/") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if b.Snapshot() != before {
		t.Error("something was written")
	}
	want(t, "all", walked(t, c, "."), "own", "ro/d/g", "ro/f")
	if _, ok := hutch.As[hutch.Renamer](composite.ReadOnly(b)); ok {
		t.Error("a read-only backend renames")
	}
}

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
