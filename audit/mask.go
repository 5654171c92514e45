package audit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Bounds of what is recorded of a command, in bytes.
const (
	maxArg  = 1 << 10
	maxArgs = 8 << 10
)

// maxRead is the size of the largest argument that is looked at, and shown.
const maxRead = 64 << 10

const hidden = "***"

// word is what names a secret, in the middle of an identifier.
const word = `[\w.-]*(?:token|secret|passw(?:or)?d|passphrase|credential|authorization|cookie|api[_.-]?key|access[_.-]?key|private[_.-]?key)[\w.-]*`

// value is what a secret is in a text: in quotes, or up to white space.
const value = `(?:"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s"';&|]+)`

// forms are how secrets look in a text. The first group stays.
var forms = sync.OnceValue(func() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@"']+@`),
		regexp.MustCompile(`(?i)(\bauthorization["']?\s*[:=]\s*["']?)[^"'\r\n]+`),
		regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}`),
		regexp.MustCompile(`(?i)(` + word + `["']?\s*[:=]\s*)` + value),
		regexp.MustCompile(`(?i)((?:^|\s)--?` + word + `\s+)` + value),
		regexp.MustCompile(`()\b(?:sk-|sk_live_|rk_live_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|npm_|hf_|AKIA|ASIA|AIza|eyJ[A-Za-z0-9_-]+\.)[\w.-]{10,}`),
		regexp.MustCompile(`()-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
	}
})

// option is an argument whose next one is a secret.
var option = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^--?` + word + `$`) })

// masked are arguments without what is secret in them, cut to what is recorded.
func masked(args, secrets []string) []string {
	secrets = slices.Clone(secrets)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // the longest first
	var all []string
	size, next := 0, false
	for i, arg := range args {
		if size > maxArgs {
			return append(all, fmt.Sprintf("... (%d more)", len(args)-i))
		}
		text := hidden
		if !next && len(arg) <= maxRead {
			text = mask(arg, secrets)
		}
		next = i > 0 && option().MatchString(arg)
		if len(text) > maxArg {
			text = strings.ToValidUTF8(text[:maxArg], "") + fmt.Sprintf("... (of %d bytes)", len(arg))
		}
		size += len(text) + 1
		all = append(all, text)
	}
	return all
}

func mask(text string, secrets []string) string {
	for _, s := range secrets {
		if s != "" {
			text = strings.ReplaceAll(text, s, hidden)
		}
	}
	for i, f := range forms() {
		to := "${1}" + hidden
		if i == 0 { // the host stays
			to += "@"
		}
		text = f.ReplaceAllString(text, to)
	}
	return text
}
