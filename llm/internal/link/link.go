// Package link is what the providers of language models have in common: one
// request over HTTP, the events of its answer, the limits of time and size, and
// what went wrong as an [llm.Error].
package link

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/llm"
)

// How long a provider may take where Options name no time.
const (
	DefaultWait = 10 * time.Minute // until an answer begins
	DefaultIdle = 5 * time.Minute  // between two pieces of an answer
)

// Options is what the Options of all providers have.
type Options struct {
	Provider string // for names and errors
	Key      string
	// KeyHeader is the header that carries the key, behind KeyPrefix.
	KeyHeader, KeyPrefix string

	BaseURL   string
	Client    *http.Client // nil is one with the default transport
	Header    http.Header  // sent as well, last
	PlainHTTP bool         // the key may go over http to other machines
	Wait      time.Duration
	Idle      time.Duration
}

// Link sends requests to one provider. It is safe for concurrent use.
type Link struct {
	provider string
	base     *url.URL
	client   *http.Client
	header   http.Header
	secrets  []string
	wait     time.Duration
	idle     time.Duration
}

// New checks o. Nothing is sent.
func New(o Options) (*Link, error) {
	l := &Link{provider: o.Provider, header: http.Header{}, wait: o.Wait, idle: o.Idle}
	if l.wait <= 0 {
		l.wait = DefaultWait
	}
	if l.idle <= 0 {
		l.idle = DefaultIdle
	}
	key := strings.TrimSpace(o.Key)
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, l.Error(llm.ErrAuth, "the key has characters that no key has")
	}
	if key != "" {
		l.header.Set(o.KeyHeader, o.KeyPrefix+key)
		l.secrets = append(l.secrets, key)
	}
	for name, values := range o.Header {
		l.header[http.CanonicalHeaderKey(name)] = append([]string(nil), values...)
		if secretName(name) {
			l.secrets = append(l.secrets, values...)
		}
	}
	var err error
	if l.base, err = baseURL(o.BaseURL, len(l.secrets) > 0 && !o.PlainHTTP); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Provider, err)
	}
	l.client = quiet(o.Client)
	return l, nil
}

// quiet is a client that follows no redirect: what is sent, key and conversation,
// is for the host that was named and no other.
func quiet(c *http.Client) *http.Client {
	if c == nil {
		c = &http.Client{}
	}
	own := *c
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// baseURL checks an address that is given by people. Its text is not repeated in
// errors: it may hold a password.
func baseURL(s string, safe bool) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(s), "/"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("the base URL is not like https://host/path")
	case u.User != nil:
		return nil, fmt.Errorf("the base URL has a user name or a password; they belong in a header")
	case u.Fragment != "":
		return nil, fmt.Errorf("the base URL has a fragment")
	case safe && u.Scheme == "http" && !Loopback(u.Hostname()):
		return nil, fmt.Errorf("the key would go to %s over plain http; use https, or allow it", u.Host)
	}
	return u, nil
}

// Loopback reports whether host is this machine, by name or by address.
func Loopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Host is where requests go.
func (l *Link) Host() string { return l.base.Hostname() }

// Error is an error of this provider without an answer from it.
func (l *Link) Error(kind error, format string, args ...any) *llm.Error {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	return &llm.Error{Provider: l.provider, Err: kind, Text: l.Line(text)}
}

// Provider is the name of the provider.
func (l *Link) Provider() string { return l.provider }

// Ready refuses a model without a name, and to go without a key to own, the
// provider's own service.
func (l *Link) Ready(model, own string) error {
	if model == "" || strings.ContainsFunc(model, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return l.Error(llm.ErrUnknown, "%q is no name of a model", model)
	}
	if u, err := url.Parse(own); err == nil && u.Host == l.base.Host && len(l.secrets) == 0 {
		return l.Error(llm.ErrAuth, "no key was given")
	}
	return nil
}
