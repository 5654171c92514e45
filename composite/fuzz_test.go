package composite

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// FuzzPrefixes compares which backend has a name, and under which name, with a
// model that knows nothing but segments.
func FuzzPrefixes(f *testing.F) {
	f.Add("a\n/a/b/\nab", "a/b/c")
	f.Add("project/\n/project-x", "project-x/a")
	f.Add("/\n\na//b\n..", ".")
	f.Add("é\na/.b/*", "a/.b/*/é")
	f.Fuzz(func(t *testing.T, prefixes, name string) {
		routes := Routes{}
		model := map[string]hutch.Backend{}
		valid := true
		for prefix := range strings.SplitSeq(prefixes, "\n") {
			b := state.New(nil)
			routes[prefix] = b
		}
		for prefix, b := range routes {
			key := naive(prefix)
			valid = valid && key != "" && model[key] == nil
			model[key] = b
		}
		def := state.New(nil)
		c, err := New(def, routes)
		if (err == nil) != valid || err != nil && !errors.Is(err, fs.ErrInvalid) {
			t.Fatalf("%q: %v, valid: %v", prefixes, err, valid)
		}
		if err != nil || hutch.CheckName("", name) != nil {
			return
		}
		m, inner := c.find(name)
		b, rest := naiveFind(model, def, name)
		if m.b != b || inner != rest || m.outer(inner) != name {
			t.Fatalf("%q: %q is %q of %q, want %q", prefixes, name, inner, m.at, rest)
		}
		fixed := name == "."
		for at := range model {
			fixed = fixed || at == name || strings.HasPrefix(at, name+"/")
		}
		if c.fixed(name) != fixed {
			t.Fatalf("%q: %q is fixed: %v", prefixes, name, c.fixed(name))
		}
	})
}

// naive is the name of a prefix, or "" if it has none.
func naive(prefix string) string {
	s := strings.Split(prefix, "/")
	if len(s) > 1 && s[0] == "" {
		s = s[1:]
	}
	if len(s) > 1 && s[len(s)-1] == "" {
		s = s[:len(s)-1]
	}
	name := strings.Join(s, "/")
	if name == "." || hutch.CheckName("", name) != nil {
		return ""
	}
	return name
}

func naiveFind(model map[string]hutch.Backend, def hutch.Backend, name string) (hutch.Backend, string) {
	s := strings.Split(name, "/")
	for n := len(s); n > 0; n-- {
		if b := model[strings.Join(s[:n], "/")]; b != nil {
			if n == len(s) {
				return b, "."
			}
			return b, strings.Join(s[n:], "/")
		}
	}
	return def, name
}
