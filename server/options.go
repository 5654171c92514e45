package server

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/hutch-dev/hutch/session"
	"go.opentelemetry.io/otel/trace"
)

// ServiceOptions qualify NewService.
type ServiceOptions struct {
	// Tokens are the service tokens: who has one can do everything with every
	// session. There is no default: none is refused.
	Tokens []Token
	// Key signs session tokens, which are good as long as the key is the same:
	// 32 bytes or more. nil is a random one.
	Key []byte
	// Runtimes are shown, and what a new session may ask for. The first is for a
	// session that asks for none, unless one is named "". Empty: no session may
	// ask for one.
	Runtimes []RuntimeInfo
	// Limits of what clients can use up.
	Limits Limits
	// Audit gets every record of what is done, with the attribute session, next to
	// what clients are shown; nil is nobody.
	Audit *slog.Logger
	// Page serves GET of / and of all below /page/, open to everybody; nil is a
	// short index.
	Page http.Handler
	// More are further routes below a session.
	More []Route
	// Ready says why the service is not ready, for GET /readyz, which tells nobody
	// the reason; nil is always ready. It must be quick.
	Ready func() error
	// Tracer gets a span of every request and command, without their contents; nil
	// is none.
	Tracer trace.Tracer
}

// Token is a service token.
type Token struct {
	Value   string    // printable ASCII, at least 16 bytes
	Expires time.Time // zero is never
	Name    string    // who uses it, for the records; "" is "service"
}

// RuntimeInfo describes a runtime that a session may ask for.
type RuntimeInfo struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

// Limits bound what clients can use up. 0 is the default, less than 0 is none.
type Limits struct {
	Body      int64 // bytes of JSON; 1 MiB
	LargeBody int64 // bytes of JSON that holds contents (exec, edit); 8 MiB
	File      int64 // bytes of a file; 256 MiB
	// Pause is how long a body may give nothing, and BodyRate how many bytes a
	// second it gives on average after the first such time; 30 seconds, 1 KiB. It
	// is also how long a client may take nothing of an answer.
	Pause    time.Duration
	BodyRate int64

	PerSession int // requests of a session at a time; 64
	PerWire    int // operations of a session at a time over the wire; 256
	InAll      int // requests and operations at a time; 1024
	// Rate is how many requests a second a session may make on average, with as
	// many at once, operations over the wire not counted; none.
	Rate int
	// WrongTokens is how many requests without a right token an address may make
	// in a minute and be told so; further ones are told to wait. 20.
	WrongTokens int
	Connections int // of [Service.Listener]; 4096

	// Session is what may be done in each session at most, and in one that asks for
	// nothing else; here 0 is no bound.
	Session session.Limits

	TokenTime    time.Duration // of a session token that says nothing else; 24 hours
	MaxTokenTime time.Duration // of a session token; 30 days
}

func (l *Limits) complete() {
	for _, d := range []struct {
		p *int64
		v int64
	}{{&l.Body, 1 << 20}, {&l.LargeBody, 8 << 20}, {&l.File, 256 << 20}, {&l.BodyRate, 1 << 10}} {
		*d.p = orDefault(*d.p, d.v)
	}
	for _, d := range []struct {
		p *int
		v int
	}{{&l.PerSession, 64}, {&l.PerWire, 256}, {&l.InAll, 1024}, {&l.Rate, -1}, {&l.WrongTokens, 20}, {&l.Connections, 4096}} {
		*d.p = orDefault(*d.p, d.v)
	}
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{
		{&l.Pause, 30 * time.Second}, {&l.TokenTime, 24 * time.Hour}, {&l.MaxTokenTime, 30 * 24 * time.Hour},
	} {
		*d.p = orDefault(*d.p, d.v)
	}
}

// orDefault is v, or d where v is 0.
func orDefault[T comparable](v, d T) T {
	var zero T
	if v == zero {
		return d
	}
	return v
}

// checked is a copy of o that is good, or an error that matches fs.ErrInvalid.
func (o *ServiceOptions) checked() (*ServiceOptions, error) {
	c := *o
	c.Tokens, c.Key = slices.Clone(o.Tokens), slices.Clone(o.Key)
	c.Runtimes, c.More = slices.Clone(o.Runtimes), slices.Clone(o.More)
	c.Limits.complete()
	if len(c.Tokens) == 0 {
		return nil, fmt.Errorf("server: %w: no token", fs.ErrInvalid)
	}
	for i, t := range c.Tokens {
		if len(t.Value) < 16 || !printable(t.Value) {
			return nil, fmt.Errorf("server: %w: token %d has less than 16 bytes, or other than printable ASCII", fs.ErrInvalid, i)
		}
		c.Tokens[i].Name = orDefault(t.Name, "service")
	}
	if c.Key != nil && len(c.Key) < minKey {
		return nil, fmt.Errorf("server: %w: a key needs %d bytes", fs.ErrInvalid, minKey)
	}
	return &c, nil
}

// printable reports whether a header can carry s as a token.
func printable(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
