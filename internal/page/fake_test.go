package page_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/page"
)

const serviceToken = "service-0123456789abcdef"

type object = map[string]any

// fake is a service as the page knows it.
type fake struct {
	*httptest.Server
	gone chan string // scripts whose client has gone

	mu       sync.Mutex
	changed  chan struct{} // closed and made anew with every change
	tokens   map[string]string
	sessions map[string]*room
	seen     []string // what could give a token away: URLs and referrers
	cut      int      // streams of events that are cut off after the next event
	opened   []string // Last-Event-ID of streams of events
}

// room is a session.
type room struct {
	id, tenant, runtime, state string
	created                    time.Time
	files                      map[string]string
	events, jobs               []object
	runs                       []*run
}

func newFake(t *testing.T) *fake {
	f := &fake{
		gone: make(chan string, 10), changed: make(chan struct{}),
		tokens: map[string]string{serviceToken: ""}, sessions: map[string]*room{},
	}
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	mux.HandleFunc("GET /v1/runtimes", f.service(func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, []object{{"name": "python", "description": "Python 3.13"}, {"name": "<b>node</b>", "description": ""}})
	}))
	mux.HandleFunc("GET /v1/sessions", f.service(f.list))
	mux.HandleFunc("POST /v1/sessions", f.service(f.create))
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request, *room){
		"GET /v1/sessions/{id}": f.session, "DELETE /v1/sessions/{id}": f.remove,
		"GET /v1/sessions/{id}/list": f.entries, "GET /v1/sessions/{id}/stat": f.stat,
		"GET /v1/sessions/{id}/files/{path...}": f.file, "GET /v1/sessions/{id}/usage": f.usage,
		"GET /v1/sessions/{id}/events": f.trail, "POST /v1/sessions/{id}/exec": f.exec,
		"GET /v1/sessions/{id}/jobs": f.jobs, "POST /v1/sessions/{id}/jobs": f.start,
		"GET /v1/sessions/{id}/jobs/{job}/output": f.output, "DELETE /v1/sessions/{id}/jobs/{job}": f.kill,
		"GET /v1/sessions/{id}/runs": f.runs, "POST /v1/sessions/{id}/runs": f.run,
		"GET /v1/sessions/{id}/runs/{run}": f.oneRun, "GET /v1/sessions/{id}/runs/{run}/events": f.story,
		"POST /v1/sessions/{id}/runs/{run}/approvals/{question}": f.approve,
		"POST /v1/sessions/{id}/runs/{run}/cancel":               f.cancel,
	} {
		mux.HandleFunc(pattern, f.room(h))
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.seen = append(f.seen, r.RequestURI, r.Referer())
		f.mu.Unlock()
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { f.CloseClientConnections(); f.Close() })
	return f
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": detail})
}

// who is the session whose token a request has, "" for all, and whether it has one.
func (f *fake) who(r *http.Request) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	id, ok := f.tokens[token]
	return id, ok
}

func (f *fake) service(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if id, ok := f.who(r); !ok || id != "" {
			refuse(w, 401, "unauthorized", "no good token")
			return
		}
		h(w, r)
	}
}

func (f *fake) room(h func(http.ResponseWriter, *http.Request, *room)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := f.who(r)
		if !ok || id != "" && id != r.PathValue("id") {
			refuse(w, 401, "unauthorized", "no good token")
			return
		}
		f.mu.Lock()
		s := f.sessions[r.PathValue("id")]
		f.mu.Unlock()
		if s == nil {
			refuse(w, 404, "not_found", "there is no such session")
			return
		}
		h(w, r, s)
	}
}

// change does something and tells those who wait for it.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
	close(f.changed)
	f.changed = make(chan struct{})
}

// wait calls look, under the lock, after every change until it returns true.
func (f *fake) wait(r *http.Request, look func() bool) bool {
	for {
		f.mu.Lock()
		is, changed := look(), f.changed
		f.mu.Unlock()
		if is {
			return true
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return false
		}
	}
}

// add makes a session with some files.
func (f *fake) add(id, tenant string, files map[string]string) *room {
	s := &room{id: id, tenant: tenant, runtime: "python", state: "open", created: time.Now().Add(-3 * time.Minute), files: files}
	f.change(func() {
		f.sessions[id] = s
		f.tokens["session-"+id] = id
	})
	return s
}

func (s *room) info() object {
	return object{"id": s.id, "tenant": s.tenant, "runtime": s.runtime, "state": s.state, "labels": object{"team": "blue"},
		"created": s.created, "used": time.Now(), "uses": 1, "idle_seconds": 600, "ttl_seconds": 0}
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := []object{}
	for _, s := range f.sessions {
		if t := r.FormValue("tenant"); t == "" || t == s.tenant {
			all = append(all, s.info())
		}
	}
	reply(w, 200, object{"sessions": all})
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var in struct{ ID, Tenant, Runtime string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, 400, "invalid", err.Error())
		return
	}
	s := f.add(in.ID, in.Tenant, map[string]string{"README.md": "# new\n"})
	reply(w, 201, object{"session": s.info(), "token": "session-" + in.ID, "expires": time.Now().Add(time.Hour)})
}

func (f *fake) session(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	reply(w, 200, s.info())
}

func (f *fake) remove(w http.ResponseWriter, r *http.Request, s *room) {
	f.change(func() { delete(f.sessions, s.id) })
	w.WriteHeader(204)
}

func rev(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:8])
}

func (s *room) entry(name string) object {
	return object{"path": name, "size": len(s.files[name]), "dir": false, "mode": "-rw-r--r--", "modified": time.Now().Add(-time.Minute), "rev": rev(s.files[name])}
}

func (f *fake) entries(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir := r.FormValue("path")
	entries, dirs := []object{}, map[string]bool{}
	for name := range s.files {
		rest, ok := strings.CutPrefix(name, dir+"/")
		if dir == "" {
			rest, ok = name, true
		}
		first, _, deep := strings.Cut(rest, "/")
		switch {
		case !ok:
		case deep && first == "..": // a service that lies
			entries = append(entries, s.entry(name))
		case deep && !dirs[first]:
			dirs[first] = true
			entries = append(entries, object{"path": path.Join(dir, first), "size": 0, "dir": true})
		case !deep:
			entries = append(entries, s.entry(name))
		}
	}
	reply(w, 200, object{"path": dir, "entries": entries, "more": false})
}

func (f *fake) stat(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := s.files[r.FormValue("path")]; !ok {
		refuse(w, 404, "not_found", "there is no such file")
		return
	}
	reply(w, 200, s.entry(r.FormValue("path")))
}

func (f *fake) file(w http.ResponseWriter, r *http.Request, s *room) {
	f.mu.Lock()
	content, ok := s.files[r.PathValue("path")]
	f.mu.Unlock()
	if !ok {
		refuse(w, 404, "not_found", "there is no such file")
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+rev(content)+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}

func (f *fake) usage(w http.ResponseWriter, r *http.Request, s *room) {
	reply(w, 200, object{"commands": 1234, "commands_running": 1, "jobs_running": 0, "command_seconds": 93.5, "bytes_read": 123456,
		"bytes_written": 7_340_032, "requests": 512, "refused": 2, "files": len(s.files), "bytes": 45678})
}
