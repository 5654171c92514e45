package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/hutch-dev/hutch/session"
)

// Service is an http.Handler that serves the sessions of a manager: their files,
// searches, commands, jobs and records as JSON over HTTP, and the wire to each. Its
// OpenAPI document says how, see [Service.OpenAPI].
//
// Who has a service token can do everything; who has a session token can do what
// is below that session, until the token expires or the session ends. A request
// that has begun goes on when its token expires.
type Service struct {
	m       *session.Manager
	o       *ServiceOptions
	tokens  *tokens
	wrong   *throttle
	gate    *gate
	replays *replays
	rooms   rooms
	drain   *drain
	meters  *meters
	conns   *conns
	mux     *http.ServeMux
	openAPI []byte
	unwatch func()
}

// NewService makes a service of m, which stays the caller's. Options that cannot
// be, without a token for instance, are an error that matches fs.ErrInvalid.
// Whoever makes a service closes it, before m.
func NewService(m *session.Manager, opts *ServiceOptions) (*Service, error) {
	if m == nil || opts == nil {
		return nil, fmt.Errorf("server: %w: no manager or no options", fs.ErrInvalid)
	}
	o, err := opts.checked()
	if err != nil {
		return nil, err
	}
	s := &Service{
		m: m, o: o, tokens: newTokens(o.Tokens, o.Key, m.Get), gate: newGate(o.Limits),
		wrong:   newThrottle(o.Limits.WrongTokens),
		replays: newReplays(), rooms: rooms{all: map[string]*room{}}, drain: newDrain(),
		conns: newConns(o.Limits.Connections), mux: http.NewServeMux(),
	}
	s.meters = newMeters()
	if err := s.mount(); err != nil {
		return nil, err
	}
	s.unwatch = m.Watch(s.changed)
	return s, nil
}

// mount fills the mux.
func (s *Service) mount() (err error) {
	all := append(tables(), s.o.More...)
	defer func() { // of two routes that are one, and of a pattern that is none
		if p := recover(); p != nil {
			err = fmt.Errorf("server: %w: %v", fs.ErrInvalid, p)
		}
	}()
	for i := range all {
		h, err := s.handler(&all[i])
		if err != nil {
			return err
		}
		s.mux.Handle(all[i].pattern(), h)
	}
	if s.openAPI, err = document(all); err != nil {
		return err
	}
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { status(w, http.StatusOK, "ok") })
	s.mux.HandleFunc("GET /readyz", s.readyz)
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, s.openAPI) })
	s.mux.HandleFunc("GET /metrics", s.serveMetrics)
	s.mux.HandleFunc("GET /{$}", s.index)
	if s.o.Page != nil {
		s.mux.Handle("GET /page/", s.o.Page)
	}
	s.mux.HandleFunc("/", s.unknown)
	return nil
}

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	newPatience(w, r, s.o.Limits.Pause).begin(r)
	if !clean(r) {
		s.unknown(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// clean reports whether the mux takes the path of a request as it is. Others it
// would redirect, which is not for programs.
func clean(r *http.Request) bool {
	p := r.URL.EscapedPath()
	if !strings.HasPrefix(p, "/") {
		return false
	}
	cleaned := path.Clean(p)
	return p == cleaned || p == cleaned+"/"
}

// unknown answers what no route takes: of what is below /v1 only who has a token
// is told what there is.
func (s *Service) unknown(w http.ResponseWriter, r *http.Request) {
	a, _ := s.answer(w, r, 0)
	if strings.HasPrefix(r.URL.Path, "/v1") {
		if who, ok := s.tokens.caller(r); !ok || !who.service && !below(r, who.id) {
			s.unauthorized(r).write(a)
			return
		}
	}
	s.unknownTo(r).write(a)
}

// below reports whether the path of a request is that of a session or below it.
func below(r *http.Request, id string) bool {
	rest, ok := strings.CutPrefix(r.URL.Path, "/v1/sessions/"+id)
	return ok && (rest == "" || rest[0] == '/')
}

func (s *Service) unknownTo(r *http.Request) *problem {
	if !clean(r) {
		return &problem{status: http.StatusBadRequest, code: "invalid", detail: "the path has empty parts, or . or .. in it"}
	}
	for _, m := range []string{"GET", "POST", "PUT", "DELETE"} {
		other := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, p := s.mux.Handler(other); p != "/" {
			return &problem{status: http.StatusMethodNotAllowed, code: "method", detail: "the method is not for this path"}
		}
	}
	return &problem{status: http.StatusNotFound, code: "not_found", detail: "there is no such path"}
}

// unauthorized is the one answer to all who have no token that is good, whatever
// there is behind it.
func (s *Service) unauthorized(r *http.Request) *problem {
	s.meters.wrong.Add(1)
	if wait := s.wrong.wrong(r); wait > 0 {
		return tooMany("requests without a right token a minute", s.o.Limits.WrongTokens, wait)
	}
	return &problem{status: http.StatusUnauthorized, code: "unauthorized", detail: "a token is needed"}
}

func (s *Service) index(w http.ResponseWriter, r *http.Request) {
	if s.o.Page != nil && !strings.Contains(r.Header.Get("Accept"), "application/json") {
		s.o.Page.ServeHTTP(w, r)
		return
	}
	writeJSON(w, []byte(`{"api":"/v1","openapi":"/openapi.json"}`+"\n"))
}

func (s *Service) readyz(w http.ResponseWriter, r *http.Request) {
	if s.drain.closed() {
		status(w, http.StatusServiceUnavailable, "draining")
		return
	}
	if s.o.Ready != nil && s.o.Ready() != nil {
		status(w, http.StatusServiceUnavailable, "starting")
		return
	}
	status(w, http.StatusOK, "ok")
}

func status(w http.ResponseWriter, code int, word string) {
	b, _ := json.Marshal(map[string]string{"status": word})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(b, '\n'))
}

func writeJSON(w http.ResponseWriter, b []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// OpenAPI is the OpenAPI 3.1 document of all routes, which GET /openapi.json
// answers with.
func (s *Service) OpenAPI() []byte { return append([]byte(nil), s.openAPI...) }

// Shutdown takes no further requests and waits for those under way; whoever waits
// for something to happen is sent away. When ctx ends first, it ends them as Close
// does and returns ctx's error. Close is still to be called.
func (s *Service) Shutdown(ctx context.Context) error { return s.drain.shutdown(ctx) }

// Close takes no further requests, ends those under way and waits for them: the
// trees of commands are gone when it returns, detached ones too. The sessions stay.
func (s *Service) Close() error {
	s.drain.stop()
	_ = s.drain.shutdown(context.Background())
	s.unwatch()
	s.rooms.closeAll()
	return nil
}

// answer wraps what a request is answered with, and its body.
func (s *Service) answer(w http.ResponseWriter, r *http.Request, limit int64) (*answer, *body) {
	p := newPatience(w, r, s.o.Limits.Pause)
	if r.Body == nil {
		r.Body = http.NoBody
	}
	b := &body{r: r.Body, p: p, limit: limit, rate: s.o.Limits.BodyRate}
	return &answer{ResponseWriter: w, p: p, body: b, closing: s.drain.closed}, b
}

// idleTime is how long a connection may have no request under way.
const idleTime = 2 * time.Minute
