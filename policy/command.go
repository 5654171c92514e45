package policy

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hutch-dev/hutch/internal/search"
)

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
