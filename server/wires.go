package server

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/hutch-dev/hutch/internal/wire"
)

// wireRoutes are the wire to a session.
func wireRoutes() []Route {
	return []Route{{
		Method: "POST", Path: "/wire/{path...}", Name: "wire", Raw: true, wire: true,
		Doc: "The wire: the backend of the session for clients of package remote, over HTTP/2. Its base is the path up to and with /wire.",
		In:  []byte(nil), Out: []byte(nil), Serve: serveWire,
	}}
}

func serveWire(c *Call) (any, error) {
	r := c.R.WithContext(c.Ctx)
	r.URL = new(url.URL)
	*r.URL = *c.R.URL
	r.URL.Path = "/" + c.R.PathValue("path")
	r.URL.RawPath = ""
	c.room.wired().ServeHTTP(c.W, r)
	return nil, nil
}

// newWire serves what is in a room.
func newWire(r *room) http.Handler { return wire.NewHandler(r.backend, nil) }

// NewServer is an http.Server for s, for Serve and ServeTLS of a listener, best
// one that [Service.Listener] has bounded. It speaks HTTP/1.1 and HTTP/2, with and
// without TLS, has the bounds of a server for strangers and logs nothing.
func (s *Service) NewServer() *http.Server {
	srv := wire.NewServer(s)
	srv.MaxHeaderBytes = maxHeader - slack
	srv.IdleTimeout = idleTime
	srv.ConnState = s.conns.changed
	return srv
}

// maxHeader is how large the head of a request may be; net/http adds slack.
const (
	maxHeader = 32 << 10
	slack     = 4 << 10
)

// isBody reports whether a value of a route stands for a raw body.
func isBody(v any) bool {
	_, ok := v.([]byte)
	return ok
}

// summary is the first sentence of a doc.
func summary(doc string) string {
	first, _, _ := strings.Cut(doc, ". ")
	return strings.TrimSuffix(first, ".")
}
