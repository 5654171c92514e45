// Package remote is a backend in another process, reached over the wire: a
// server of package server (or the program's serve) by its URL, or anything
// that serves the wire at the other end of a stream.
//
// Every operation is one request, and a list, walk, glob or grep is one request
// as a whole. What is read or written is checked from end to end: an answer that
// was cut, changed or mixed up on the way is an error that matches [ErrLost], and
// a file whose content did not arrive whole is not written.
//
// An operation is never repeated by this package, since it might have been done.
// After a connection was lost the next operation of a backend that was dialled
// makes a new one.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/wire"
)

// ErrLost is matched by the error of an operation whose connection or far side
// went away before it was known how the operation ended, or could not be reached.
var ErrLost = wire.ErrLost

// Options qualifies Dial. The zero value is the safe one.
type Options struct {
	// Token is what the server asks for, sent with every request to it and to
	// nobody else: redirects are not followed.
	Token string
	// TLS is for https; nil trusts the authorities of the system. TLS 1.2 is the
	// least in any case.
	TLS *tls.Config
	// Insecure lets http, which neither hides nor protects anything, the token
	// included, go to other machines than this one.
	Insecure bool
}

// Backend is a backend in another process. It is safe for concurrent use, has the
// speeds [hutch.Walker], [hutch.Scanner], [hutch.Globber] and [hutch.Grepper], and
// [hutch.Renamer] and the powers [hutch.Execer], [hutch.Signaler], [hutch.Rooted] and
// [hutch.Linker] if the far side has them. What these are is asked once, when the backend is made.
//
// A canceled Write, Remove, Rename or Exec waits for the far side to say how it
// ended, for five seconds at most, so that it cannot happen later. Rename and
// Remove then return what has become of them.
//
// Whoever makes a Backend closes it.
type Backend struct{ c *wire.Client }

var _ hutch.Backend = (*Backend)(nil)

// Dial connects to the server at rawURL, http://HOST:PORT or https://HOST:PORT
// with or without a path, and asks what it serves. opts may be nil. It speaks
// HTTP/2 only and uses no proxy. http goes to loopback addresses only, see
// [Options.Insecure].
//
// A URL that is none of these is an error that matches fs.ErrInvalid, a token
// that is not accepted fs.ErrPermission, a server of another protocol
// errors.ErrUnsupported, and one that cannot be reached [ErrLost].
func Dial(ctx context.Context, rawURL string, opts *Options) (*Backend, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	u, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	fail := func(err error) error {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return &fs.PathError{Op: "dial", Path: u.Scheme + "://" + u.Host, Err: err}
	}
	if u.Scheme == "http" && !o.Insecure && !loopback(u.Hostname()) {
		return nil, fail(errNotLoopback)
	}
	header, err := authorization(o.Token)
	if err != nil {
		return nil, fail(err)
	}
	c, err := wire.NewClient(ctx, transport(u.Scheme, &o), u.String(), header)
	if err != nil {
		return nil, fail(err)
	}
	return &Backend{c}, nil
}

// parse reads the URL of a server. Its errors do not show the URL, which may
// hold what somebody took for the place of a secret.
func parse(rawURL string) (*url.URL, error) {
	u, err := url.Parse(rawURL)
	why := ""
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		why = "not the URL of a server, which is http://HOST:PORT or https://HOST:PORT"
	case u.User != nil:
		why = "a URL with a user or a password; the token goes into the options"
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		why = "a URL with more than host, port and path"
	default:
		return u, nil
	}
	return nil, &fs.PathError{Op: "dial", Path: ".", Err: fmt.Errorf("%w: %s", fs.ErrInvalid, why)}
}

func authorization(token string) (http.Header, error) {
	h := http.Header{}
	if token == "" {
		return h, nil
	}
	for _, b := range []byte(token) {
		if b <= ' ' || b > '~' {
			return nil, fmt.Errorf("%w: token with a character that is not printable ASCII", fs.ErrInvalid)
		}
	}
	h.Set("Authorization", "Bearer "+token)
	return h, nil
}

// How long a server may take to be reached.
const reach = 10 * time.Second

func transport(scheme string, o *Options) *http.Transport {
	dialer := &net.Dialer{Timeout: reach}
	var p http.Protocols
	p.SetHTTP2(scheme == "https")
	p.SetUnencryptedHTTP2(scheme == "http")
	if scheme == "http" && !o.Insecure {
		dialer.Control = onlyLoopback
	}
	t := &http.Transport{
		Protocols: &p, HTTP2: wire.ClientConfig(), DialContext: dialer.DialContext,
		TLSHandshakeTimeout: reach, DisableCompression: true, TLSClientConfig: &tls.Config{},
	}
	if o.TLS != nil {
		t.TLSClientConfig = o.TLS.Clone()
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	return t
}

// errNotLoopback is what becomes of http to another machine.
var errNotLoopback = fmt.Errorf("%w: http goes to this machine only; use https", fs.ErrPermission)

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// onlyLoopback looks at the address that localhost has turned out to be.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		return errNotLoopback
	}
	return nil
}

// NewStream makes a backend of what serves the wire at the other end of s, such
// as [net.Conn] or the input and output of a process, without TLS. The stream is
// then the backend's, and closed also where NewStream fails. When it ends, the
// backend is lost for good.
func NewStream(ctx context.Context, s io.ReadWriteCloser) (*Backend, error) {
	c, err := wire.DialConn(ctx, wire.StreamConn(s))
	if err != nil {
		return nil, err
	}
	return &Backend{c}, nil
}

// Close ends the backend: operations under way end at once, and later ones are
// [hutch.ErrClosed].
func (b *Backend) Close() error { return b.c.Close() }

// Lost is closed when the stream of [NewStream] has ended; for a backend that was
// dialled it is nil.
func (b *Backend) Lost() <-chan struct{} { return b.c.Lost() }

// As offers the speeds, and the powers of the far side.
func (b *Backend) As(target any) bool { return b.c.As(target) }

// Open implements [hutch.Backend].
func (b *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	return b.c.Open(ctx, name)
}

// Stat implements [hutch.Backend].
func (b *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return b.c.Stat(ctx, name)
}

// List implements [hutch.Backend].
func (b *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return b.c.List(ctx, dir)
}

// Write implements [hutch.Backend]. It waits for a Read of r that is under way
// before it returns.
func (b *Backend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	return b.c.Write(ctx, name, r, opts)
}

// Remove implements [hutch.Backend].
func (b *Backend) Remove(ctx context.Context, name string) error { return b.c.Remove(ctx, name) }
