package composite_test

import (
	"context"
	"errors"
	"io/fs"
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
