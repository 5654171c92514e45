package mcpserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	maxSessions = 256
	idleSession = 24 * time.Hour
	bodyTime    = time.Minute // for a client to send a message
	endTime     = time.Second // for an answer after Close
)

// HTTPOptions qualifies Handler.
type HTTPOptions struct {
	// Token is what a client must know to be served. There is no default: an
	// empty token is refused.
	Token string
	// Hosts are names, without a port, that clients may call this server by,
	// next to localhost and the addresses of loopback. Others, and pages of
	// other origins, are refused, so that no page in a browser gets in by a name
	// that it has pointed here.
	Hosts []string
}

// Handler is the streamable HTTP transport, for everybody who has the token. It
// serves whatever path it is given. A missing token, or one that no header can
// carry, is an error that matches fs.ErrInvalid.
//
// A call ends when the request that made it does, since nobody would hear its
// answer. Sessions end when their client says so, or after a day without a request.
func (s *Server) Handler(opts *HTTPOptions) (http.Handler, error) {
	if opts == nil || opts.Token == "" {
		return nil, fmt.Errorf("mcpserver: %w: no token", fs.ErrInvalid)
	}
	for _, c := range []byte(opts.Token) {
		if c <= ' ' || c > '~' {
			return nil, fmt.Errorf("mcpserver: %w: token with a character that is not printable ASCII", fs.ErrInvalid)
		}
	}
	shared, err := s.conversation()
	if err != nil {
		return nil, err
	}
	get := func(r *http.Request) *mcp.Server {
		if c, ok := r.Context().Value(talkKey{}).(*conversation); ok {
			return c.mcp
		}
		return shared.mcp
	}
	return &handler{
		s:     s,
		token: sha256.Sum256([]byte(opts.Token)),
		hosts: slices.Clone(opts.Hosts),
		old: mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
			SessionTimeout: idleSession, MaxRequestBodyBytes: -1, DisableLocalhostProtection: true}),
		new: mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{
			Stateless: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: -1, DisableLocalhostProtection: true}),
	}, nil
}

// talkKey is the key of the conversation of a new session in a context.
type talkKey struct{}

type handler struct {
	s        *Server
	token    [sha256.Size]byte
	hosts    []string
	old, new http.Handler // of versions with sessions, of those without
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !h.here(r):
		http.Error(w, "not for requests by this name or from this origin", http.StatusForbidden)
		return
	case !h.knows(r):
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("Connection", "close")
		http.Error(w, "a token is needed", http.StatusUnauthorized)
		return
	case !h.s.begin():
		http.Error(w, "the server is ending", http.StatusServiceUnavailable)
		return
	}
	defer h.s.all.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer h.watch(w, cancel)()
	r, over := h.s.post(r.WithContext(ctx))
	defer over()
	h.serve(w, r)
}

// serve serves a client that may be served.
func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		h.serveMessage(w, r)
	case http.MethodDelete:
		if id := r.Header.Get("Mcp-Session-Id"); id != "" {
			h.s.stopSession(id) // the SDK would wait for its calls
		}
		h.transport(r).ServeHTTP(w, r)
	default:
		h.transport(r).ServeHTTP(w, r)
	}
}

// transport is that of the version that a request names.
func (h *handler) transport(r *http.Request) http.Handler {
	if r.Header.Get("Mcp-Protocol-Version") >= travelling {
		return h.new
	}
	return h.old
}

// serveMessage reads a message before anything is done with it.
func (h *handler) serveMessage(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	body, skimmed, err := readBody(r.Body, h.s.o.MaxMessage)
	switch {
	case err != nil:
		http.Error(w, "the message did not arrive", http.StatusBadRequest)
		return
	case skimmed != nil:
		h.refuse(w, skimmed.refusal(jsonrpc.CodeInvalidRequest, tooLarge(h.s.o.MaxMessage)))
		return
	case !h.s.load.take(len(body)):
		k := &skimmer{}
		_, _ = k.Write(body)
		h.refuse(w, k.refusal(codeTooMuch, tooMuch))
		return
	}
	defer h.s.load.give(len(body))
	_ = control.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	t := h.transport(r)
	if t == h.old && r.Header.Get("Mcp-Session-Id") == "" {
		if h.s.sessions() > maxSessions { // with the shared one
			http.Error(w, "too many sessions", http.StatusServiceUnavailable)
			return
		}
		talk, err := h.s.conversation()
		if err != nil {
			http.Error(w, "no conversation can be had", http.StatusInternalServerError)
			return
		}
		defer h.s.release(talk)
		r = r.WithContext(context.WithValue(r.Context(), talkKey{}, talk))
	}
	t.ServeHTTP(w, r)
}

// readBody reads a message of at most n bytes and skims a larger one.
func readBody(r io.Reader, n int) ([]byte, *skimmer, error) {
	body, err := io.ReadAll(io.LimitReader(r, int64(n)+1))
	if err != nil || len(body) <= n {
		return body, nil, err
	}
	k := &skimmer{}
	_, _ = k.Write(body)
	_, err = io.Copy(k, r)
	return nil, k, err
}

func (h *handler) refuse(w http.ResponseWriter, resp *jsonrpc.Response) {
	data, err := jsonrpc.EncodeMessage(resp)
	if err != nil || !resp.ID.IsValid() {
		http.Error(w, tooLarge(h.s.o.MaxMessage), http.StatusRequestEntityTooLarge)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data)
}

// watch ends a request on Close, until the function that it returns is called.
func (h *handler) watch(w http.ResponseWriter, cancel func()) (unwatch func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(h.s.own.ctx, func() {
		defer close(done)
		cancel()
		// Reading and writing do not look at the context.
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(time.Unix(1, 0))
		_ = c.SetWriteDeadline(time.Now().Add(endTime))
	})
	return func() {
		if !stop() {
			<-done // w must not be used any more
		}
	}
}

// knows compares hashes, so that the time it takes tells nothing of the token.
func (h *handler) knows(r *http.Request) bool {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	given := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(given[:], h.token[:]) == 1 && ok && len(r.Header["Authorization"]) == 1
}

// here reports whether a request calls the server by a name of its own and comes
// from no page of another origin.
func (h *handler) here(r *http.Request) bool {
	if !h.own(r.Host) {
		return false
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !h.own(u.Host) {
			return false
		}
	}
	return true
}

func (h *handler) own(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	return strings.EqualFold(host, "localhost") || net.ParseIP(host).IsLoopback() ||
		slices.ContainsFunc(h.hosts, func(s string) bool { return strings.EqualFold(s, host) })
}

// postHeader carries the mark of a request to the handler of its message, for which
// the SDK has another context.
const postHeader = "Hutch-Post"

// post marks a request.
func (s *Server) post(r *http.Request) (marked *http.Request, over func()) {
	mark := rand.Text()
	s.mu.Lock()
	s.posts[mark] = r.Context()
	s.mu.Unlock()
	r = r.Clone(r.Context())
	r.Header.Set(postHeader, mark)
	return r, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.posts, mark)
	}
}

// withPost is ctx, which ends with the HTTP request that carried a message as well.
func (s *Server) withPost(ctx context.Context, extra *mcp.RequestExtra) (context.Context, func()) {
	if extra == nil || extra.Header == nil {
		return ctx, func() {}
	}
	s.mu.Lock()
	post := s.posts[extra.Header.Get(postHeader)]
	s.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	if post == nil { // it has ended already
		cancel()
		return ctx, cancel
	}
	stop := context.AfterFunc(post, cancel)
	return ctx, func() { stop(); cancel() }
}
