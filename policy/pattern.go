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

// commandRule is a compiled rule for commands.
type commandRule struct {
	Rule
	all   bool   // "*"
	class string // "@…"
	exact *search.Glob
	below *search.Glob // if it does not allow
}

// The classes of commands.
const (
	classDangerous = "@dangerous"
	classUnknown   = "@unknown"
)

func compileCommand(r Rule) (commandRule, error) {
	c := commandRule{Rule: r}
	text := strings.Trim(r.Pattern, " \t")
	switch {
	case text == "":
		return c, errors.New("it is empty")
	case text == "*" || text == "**":
		c.all = true
		return c, nil
	case text[0] == '@':
		if text != classDangerous && text != classUnknown {
			return c, fmt.Errorf("there are no commands %s; write %s or %s", text, classDangerous, classUnknown)
		}
		c.class = text
		return c, nil
	}
	glob, err := wordGlob(text)
	if err != nil {
		return c, err
	}
	c.exact, c.below, err = compileGlobs(glob, r.Action)
	if err != nil {
		return c, errors.New(`it cannot be read: a [ or { is not closed, or the like; write \[ for the character`) // the error would show what we made of it
	}
	return c, nil
}

// A command is matched as a name whose segments are its words. What would be
// special in a name is spelt with characters that no word has.
const (
	wordMark    = '\x01' // begins every word, so that none is empty
	slashMark   = '\x02' // a slash in a word
	unknownMark = "\x03" // is a word that is not known
)

// wordGlob is a pattern of words as a glob on such names.
func wordGlob(text string) (string, error) {
	if strings.ContainsAny(text, "\x00\x01\x02\x03\n\r") {
		return "", errors.New("it has a control character")
	}
	var b strings.Builder
	depth := 0 // of braces
	begin := true
	for i := 0; i < len(text); {
		rest := text[i:]
		if blank := len(rest) - len(strings.TrimLeft(rest, " \t")); blank > 0 {
			i, begin = i+blank, true
			if n := loneStar(text[i:], depth); n > 0 {
				b.WriteString("{,/**}")
				i, begin = i+n, false
				continue
			}
			b.WriteByte('/')
			continue
		}
		if n := loneStar(rest, depth); n > 0 && i == 0 {
			b.WriteString("**")
			i, begin = n, false
			continue
		}
		if begin {
			b.WriteByte(wordMark)
			begin = false
		}
		switch rest[0] {
		case '{':
			depth++
		case '}':
			depth = max(0, depth-1)
		}
		n := element(rest)
		b.WriteString(strings.ReplaceAll(rest[:n], "/", string(slashMark)))
		i += n
	}
	return b.String(), nil
}

// element is the length of what text begins with: an escaped character, a set, or
// one byte.
func element(text string) int {
	switch {
	case text[0] == '\\' && len(text) > 1:
		return 2
	case text[0] != '[':
		return 1
	}
	i := 1
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		i++
	}
	for first := true; i < len(text); first = false {
		if text[i] == ']' && !first {
			return i + 1
		}
		if text[i] == '\\' {
			i++
		}
		i++
	}
	return len(text)
}

// loneStar is the length of the "*" that text begins with if that is a word of its
// own, else 0.
func loneStar(text string, depth int) int {
	n := len(text) - len(strings.TrimLeft(text, "*"))
	if n == 0 || n == len(text) {
		return n
	}
	ends := " \t"
	if depth > 0 {
		ends += ",}"
	}
	if strings.IndexByte(ends, text[n]) < 0 {
		return 0
	}
	return n
}

// wordName is words as such a name.
func wordName(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte('/')
		}
		if w == unknownMark {
			b.WriteString(unknownMark)
			continue
		}
		b.WriteByte(wordMark)
		for _, r := range w { // invalid UTF-8 becomes U+FFFD
			switch r {
			case '/':
				r = slashMark
			case '\x00', '\x01', '\x02', '\x03':
				r = '\ufffd'
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
