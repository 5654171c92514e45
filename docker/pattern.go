package docker

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled at its first use: programs that
// import this package, and the helper is one, start without paying for it.
type pattern struct {
	text string
	once sync.Once
	re   *regexp.Regexp
}

func lazy(text string) *pattern { return &pattern{text: text} }

func (p *pattern) get() *regexp.Regexp {
	p.once.Do(func() { p.re = regexp.MustCompile(p.text) })
	return p.re
}

func (p *pattern) MatchString(s string) bool { return p.get().MatchString(s) }

func (p *pattern) FindStringSubmatch(s string) []string { return p.get().FindStringSubmatch(s) }

func (p *pattern) ReplaceAllString(s, by string) string { return p.get().ReplaceAllString(s, by) }
