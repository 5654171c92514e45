package link

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxLine is how long the text of an error is at most, in bytes.
const maxLine = 500

// keyLike is what keys of the usual providers look like, also with stars in the
// middle, as providers repeat them in errors. It is made when it is wanted: every
// start of a program would pay for it otherwise.
var keyLike = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\b(sk-|sk_|gsk_|xai-|hf_|AIza|AQ\.|ya29\.)[A-Za-z0-9_.*\-]{6,}`)
})

const scrubbed = "[key]"

// secretName reports whether a header of this name holds a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"auth", "key", "token", "secret", "cookie", "password"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// Line is text as one line of at most 500 bytes, without the keys of this link
// and without what looks like one.
func (l *Link) Line(text string) string {
	if len(text) > 1<<16 {
		text = text[:1<<16]
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	for _, s := range l.secrets { // after what could stand within a key is gone
		text = hide(text, s)
	}
	text = keyLike().ReplaceAllString(text, scrubbed)
	return cut(text, maxLine)
}

// hide takes a secret out of text, the words of it too ("Bearer …").
func hide(text, secret string) string {
	for _, word := range append(strings.Fields(secret), secret) {
		if len(word) >= 8 {
			text = strings.ReplaceAll(text, word, scrubbed)
		}
	}
	return text
}

// cut is at most n bytes of s, whole characters only.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const more = "…"
	n -= len(more)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}
