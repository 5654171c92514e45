// Package server serves a backend over the wire, to clients of package remote,
// behind a token.
package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/wire"
)

// Options qualifies New.
type Options struct {
	// Token is what a client must know to be served. There is no default: an
	// empty token is refused by New.
	Token string
	// Root is the absolute path under which commands see the root of the backend,
	// where the backend does not know it itself. See [hutch.Rooted].
	Root string
}

// Handler is an http.Handler that serves one backend to everybody who has the
// token. It needs HTTP/2, see [Handler.NewServer]. Whoever has the token can do
// all that the backend can, commands included.
type Handler struct {
	wire  http.Handler
	token [sha256.Size]byte
	drain *drain
}

// New makes a handler that serves b. A missing token, or one that no header can
// carry, is an error that matches fs.ErrInvalid. The backend stays the caller's.
func New(b hutch.Backend, opts *Options) (*Handler, error) {
	if b == nil {
		return nil, fmt.Errorf("server: %w: no backend", fs.ErrInvalid)
	}
	if opts == nil || opts.Token == "" {
		return nil, fmt.Errorf("server: %w: no token", fs.ErrInvalid)
	}
	for _, c := range []byte(opts.Token) {
		if c <= ' ' || c > '~' {
			return nil, fmt.Errorf("server: %w: token with a character that is not printable ASCII", fs.ErrInvalid)
		}
	}
	h := &Handler{
		wire:  wire.NewHandler(b, &wire.HandlerOptions{Root: opts.Root}),
		token: sha256.Sum256([]byte(opts.Token)),
		drain: newDrain(),
	}
	return h, nil
}

// NewServer is an http.Server for h with HTTP/2 as the wire needs it, with TLS
// (ServeTLS) and without (Serve). It logs nothing. A server of one's own needs
// HTTP/2 in its Protocols, and no ReadTimeout or WriteTimeout, which would end
// commands that run longer.
func (h *Handler) NewServer() *http.Server { return wire.NewServer(h) }

// ServeHTTP implements [http.Handler]. Without the token nothing is told, not even
// what is served: no token and a wrong one get the same answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.knows(r) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("Connection", "close")
		http.Error(w, "a token is needed", http.StatusUnauthorized)
		return
	}
	if !h.drain.begin() {
		http.Error(w, "the server is ending", http.StatusServiceUnavailable)
		return
	}
	defer h.drain.all.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer watch(h.drain.ctx, w, cancel)()
	h.wire.ServeHTTP(w, r.WithContext(ctx))
}

// knows compares hashes, so that the time it takes tells nothing of the token.
func (h *Handler) knows(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], h.token[:]) == 1 && ok && len(r.Header["Authorization"]) == 1
}

// Shutdown takes no further requests and waits for those under way. When ctx ends
// first, it ends them as Close does and returns ctx's error.
func (h *Handler) Shutdown(ctx context.Context) error { return h.drain.shutdown(ctx) }

// Close takes no further requests, ends those under way and waits for them: the
// trees of commands are gone when it returns, and their clients get an error.
func (h *Handler) Close() error {
	h.drain.stop()
	_ = h.drain.shutdown(context.Background())
	return nil
}
