package policy

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/hutch-dev/hutch/internal/search"
)

// target is what a file rule is held against.
type target struct {
	name    string // in the workspace; outside of it the path on the system, without its slash
	outside bool
}

// pathOf is how a target is shown.
func (t target) path() string {
	if t.outside && !strings.HasPrefix(t.name, "~") {
		return "/" + t.name
	}
	return t.name
}

// fileRule is a compiled rule of an operation on files.
type fileRule struct {
	Rule
	glob     *search.Glob
	below    *search.Glob // glob and what is below it, if glob does not allow
	needs    string       // is in every name that matches, folded
	all      bool         // matches everything
	system   bool         // is about the system, not the workspace
	anywhere bool         // holds for the system as well
	plain    bool         // the last segment has no wildcard
}

// compileFile compiles a rule for a workspace that commands see at root.
func compileFile(r Rule, root string) (fileRule, error) {
	text := r.Pattern
	f := fileRule{Rule: r}
	if sys, ok := strings.CutPrefix(text, "//"); ok {
		f.system, text = root != "/", sys
	} else {
		text = inRoot(text, root)
	}
	if err := checkSegments(text); err != nil {
		return f, err
	}
	f.all = !f.system && text == "**"
	f.anywhere = f.system || strings.HasPrefix(text, "**")
	f.plain = !strings.ContainsAny(path.Base(text), `*?[{\`)
	var err error
	f.glob, f.below, err = compileGlobs(text, r.Action)
	f.needs = search.FoldName(needed(text))
	return f, err
}

// needed is the longest text that every name has that a glob matches, and every
// name below it.
func needed(glob string) string {
	longest, run, depth := "", "", 0
	end := func() {
		if run = strings.Trim(run, "/"); len(run) > len(longest) { // "**/a" takes "a", without the slash
			longest = run
		}
		run = ""
	}
	for len(glob) > 0 && glob != "." {
		n := element(glob)
		c := glob[0]
		switch {
		case c == '{':
			depth++
		case c == '}' && depth > 0:
			depth--
		case depth > 0:
		case strings.IndexByte(`*?[\`, c) < 0:
			run += glob[:n]
			glob = glob[n:]
			continue
		}
		end()
		glob = glob[n:]
	}
	end()
	return longest
}

// compileGlobs compiles a glob for a rule: it is exact where the rule allows, else
// it ignores case, and there is another one that takes what is below, too.
func compileGlobs(text string, a Action) (glob, below *search.Glob, err error) {
	if a == Allow {
		glob, err = search.CompileGlob(text)
		return glob, nil, err
	}
	if glob, err = search.CompileGlobFold(text); err != nil {
		return nil, nil, err
	}
	below, err = search.CompileGlobFold("{" + text + "," + text + "/**}")
	return glob, below, err
}

// inRoot is a pattern without the slash or the root that it may begin with.
func inRoot(text, root string) string {
	if text == "/" || root != "" && text == root {
		return "."
	}
	if root != "" && root != "/" {
		if rest, ok := strings.CutPrefix(text, root+"/"); ok {
			return rest
		}
	}
	return strings.TrimPrefix(text, "/")
}

// checkSegments refuses patterns that no name can match.
func checkSegments(text string) error {
	if text == "." {
		return nil
	}
	for s := range strings.SplitSeq(text, "/") {
		if s == "." || s == ".." {
			return fmt.Errorf("it has a segment %q, which no name has", s)
		}
	}
	if strings.IndexByte(text, 0) >= 0 {
		return errors.New("it has a NUL byte, which no name has")
	}
	return nil
}

// matches reports whether the rule is about t, whose folded name is given.
func (f *fileRule) matches(t target, folded string) bool {
	switch {
	case f.all:
		return true
	case !strings.Contains(folded, f.needs):
		return false
	case t.outside != f.system && (!t.outside || !f.anywhere):
		return false
	case f.Action == Allow:
		return f.glob.Match(t.name, true)
	case len(t.name) > maxKnownName:
		return f.glob.String() == "." || f.below.Match(t.name, true) // one way through the name
	}
	return f.glob.Covers(folded) // many short ways, most of which end at once
}
