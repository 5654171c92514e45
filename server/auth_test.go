package server

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch/session"
)

// TestOneRefusal wants one answer for whatever is no token that is good, whatever
// is asked for and whether it exists.
func TestOneRefusal(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		o.Tokens = append(o.Tokens, Token{Value: "a-service-token-of-old", Expires: time.Now().Add(-time.Second)})
	})
	_, own := f.create("a")
	_, other := f.create("b")
	_, ended := f.create("c")
	f.want(204, "", "DELETE", "/v1/sessions/c", master, nil)
	f.create("c") // another one
	i, err := f.m.Get("a")
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(own)
	flip := func(at int) string {
		b := bytes.Clone(raw)
		b[at] ^= 1
		return "Bearer " + base64.RawURLEncoding.EncodeToString(b)
	}
	strange := newTokens(nil, bytes.Repeat([]byte("x"), minKey), nil)
	bad := [][]string{
		nil, {""}, {"Bearer"}, {"Bearer "}, {own}, {"Basic " + own}, {"Bearer " + other}, {"Bearer " + own, "Bearer " + own},
		{"Bearer " + f.s.tokens.issue(i, time.Now().Add(-time.Second))}, {"Bearer " + f.s.tokens.issue(i, time.Now().Truncate(time.Second))},
		{"Bearer " + strange.issue(i, future)}, {"Bearer tökén"}, {"Bearer \x80\xff"}, {"Bearer " + own + "="}, {"Bearer " + own + "A"}, {"Bearer " + own[:len(own)-1]},
		{"Bearer " + own[4:]}, {"Bearer " + strings.Repeat("A", 2000)}, {"Bearer AQ"}, {"Bearer " + master + "x"}, {"Bearer a-service-token-of-old"},
		{flip(0)}, {flip(1)}, {flip(2)}, {flip(10)}, {flip(len(raw) - 33)}, {flip(len(raw) - 1)},
	}
	answers := map[string]string{}
	for _, header := range bad {
		for _, path := range []string{
			"GET /v1/sessions/a", "GET /v1/sessions/nobody", "DELETE /v1/sessions/a", "POST /v1/sessions", "GET /v1/runtimes",
			"GET /v1", "GET /v1/nothing", "GET /v1/sessions/a/nothing", "POST /v1/sessions/a/wire/hutch/hello", "PUT /v1/sessions/a",
			"GET /v1/sessions/a//x", "GET /v1/sessions/../sessions/a", "GET /metrics",
		} {
			answers[f.refusal(path, header)] += fmt.Sprintf("%s %q\n", path, header)
		}
	}
	for _, path := range []string{"POST /v1/sessions", "GET /v1/sessions", "GET /v1/sessions/c", "GET /v1/sessions/d", "POST /v1/sessions/a/tokens"} {
		answers[f.refusal(path, []string{"Bearer " + own})] += path
	}
	answers[f.refusal("GET /v1/sessions/c", []string{"Bearer " + ended})] += "ended"
	if len(answers) != 1 {
		for a, who := range answers {
			t.Errorf("%s\nfor\n%.300s", a, who)
		}
	}
	f.want(404, "not_found", "GET", "/v1/sessions/a/nothing", own, nil)
	f.want(401, "unauthorized", "GET", "/v1/sessions/ab/nothing", own, nil)
	for a := range answers {
		if !strings.HasPrefix(a, "401 ") {
			t.Error(a)
		}
	}
}

// refusal is all of an answer but its time.
func (f *fixture) refusal(what string, header []string) string {
	method, path, _ := strings.Cut(what, " ")
	q := f.request(method, "/", "", nil)
	q.URL.Opaque = path
	if header != nil {
		q.Header["Authorization"] = header
	}
	r := f.send(q)
	r.header.Del("Date")
	return fmt.Sprintf("%d %v %s", r.status, r.header, r.body)
}

// TestTokenHeaders wants both headers to do, and not both at once.
func TestTokenHeaders(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		o.Tokens = append(o.Tokens, Token{Value: "another-good-one", Expires: future})
	})
	path, own := f.create("a")
	f.want(200, "", "GET", path, "", nil, "X-Sandbox-Token", own)
	f.want(200, "", "GET", path, "", nil, "X-Sandbox-Token", master)
	f.want(200, "", "GET", path, "", nil, "Authorization", "bearer "+own)
	f.want(200, "", "GET", path, "another-good-one", nil)
	f.want(401, "unauthorized", "GET", path, own, nil, "X-Sandbox-Token", own)
	f.want(401, "unauthorized", "GET", path, "", nil, "X-Sandbox-Token", own+" ", "X-Sandbox-Token", own)
}

// TestTokenExpires uses a token until it is none.
func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		info := session.Info{Spec: session.Spec{ID: "a"}, Serial: "serial"}
		k := newTokens([]Token{{Value: "short", Expires: time.Now().Add(time.Minute)}}, nil, func(string) (session.Info, error) { return info, nil })
		token := k.issue(info, time.Now().Add(time.Minute))
		good := func(token string) bool {
			_, ok := k.caller(&http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
			return ok
		}
		time.Sleep(time.Minute - 1)
		if !good(token) || !good("short") {
			t.Error("expired too early")
		}
		time.Sleep(time.Nanosecond)
		if good(token) || good("short") {
			t.Error("not expired")
		}
		again := k.issue(info, time.Now().Add(time.Minute))
		if info.Serial = "other"; good(again) {
			t.Error("good for another session of that ID")
		}
	})
}

func FuzzToken(f *testing.F) {
	k := newTokens(nil, bytes.Repeat([]byte("k"), minKey), nil)
	f.Add(k.issue(session.Info{Spec: session.Spec{ID: "a"}, Serial: "s"}, future))
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := k.open(text)
		if ok && (p.id != "a" || p.serial != "s") {
			t.Errorf("%q is taken for one of ours: %+v", text, p)
		}
		// What is signed is not what is believed: fields of any length.
		if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil {
			k.open(base64.RawURLEncoding.EncodeToString(append(raw, k.sum(raw)...)))
		}
	})
}

// TestWrongTokens wants who guesses to be slowed down, and who knows to be let in.
func TestWrongTokens(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) { o.Limits.WrongTokens = 3 })
	path, own := f.create("a")
	for range 3 {
		f.want(401, "unauthorized", "GET", path, "guess", nil)
	}
	a := f.want(429, "too_many", "GET", path, "guess", nil)
	b := f.want(429, "too_many", "GET", "/v1/sessions/nobody", own, nil)
	if a.header.Get("Retry-After") == "" || !bytes.Equal(a.body, b.body) {
		t.Errorf("%v %s, and %s", a.header, a.body, b.body)
	}
	f.want(200, "", "GET", path, own, nil)
	f.want(404, "not_found", "GET", "/v1/sessions/nobody", master, nil)
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := newThrottle(2)
		from := func(addr string) time.Duration { return x.wrong(&http.Request{RemoteAddr: addr}) }
		for _, addr := range []string{"1.2.3.4:5", "[2001:db8::1]:1", "[::ffff:9.9.9.9]:1"} {
			if waits := []time.Duration{from(addr), from(addr), from(addr)}; !slices.Equal(waits, []time.Duration{0, 0, time.Minute}) {
				t.Errorf("%s: %v", addr, waits)
			}
		}
		if from("1.2.3.4:99") == 0 || from("[2001:db8::ffff]:7") == 0 || from("9.9.9.9:1") == 0 {
			t.Error("another port, or address of the same network, is somebody else")
		}
		if from("1.2.3.5:5") != 0 || from("[2001:db8:0:1::1]:1") != 0 {
			t.Error("somebody else is slowed down")
		}
		time.Sleep(time.Minute)
		if from("1.2.3.4:5") != 0 {
			t.Error("slowed down for longer than a minute")
		}
		for i := range 3 * maxWindows {
			from(fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255))
		}
		if len(x.all) > maxWindows {
			t.Errorf("%d addresses are kept", len(x.all))
		}
	})
}

// TestKey wants tokens to be good after a restart with the same key, and with no
// other.
func TestKey(t *testing.T) {
	f := serving(t, nil)
	path, own := f.create("a")
	for key, status := range map[string]int{strings.Repeat("k", minKey): 200, strings.Repeat("l", minKey): 401} {
		s, err := NewService(f.m, &ServiceOptions{Tokens: []Token{{Value: master}}, Key: []byte(key)})
		if err != nil {
			t.Fatal(err)
		}
		w := &recorder{header: http.Header{}}
		q := f.request("GET", path, own, nil)
		s.ServeHTTP(w, q)
		if w.status != status {
			t.Errorf("%d, want %d", w.status, status)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// recorder is a writer without deadlines.
type recorder struct {
	bytes.Buffer
	header http.Header
	status int
}

func (r *recorder) Header() http.Header    { return r.header }
func (r *recorder) WriteHeader(status int) { r.status = status }

func TestServiceOptions(t *testing.T) {
	f := serving(t, nil)
	good := []Token{{Value: master}}
	nothing := func(*Call) (any, error) { return nil, nil }
	for name, o := range map[string]*ServiceOptions{
		"nil": nil, "no token": {}, "short": {Tokens: []Token{{Value: "short"}}},
		"blank": {Tokens: []Token{{Value: "a token that has blanks"}}}, "letters": {Tokens: []Token{{Value: "ein-schlüssel-der-lang-ist"}}},
		"key":        {Tokens: good, Key: []byte("short")},
		"no serve":   {Tokens: good, More: []Route{{Method: "GET", Path: "/x", Name: "x"}}},
		"twice":      {Tokens: good, More: []Route{{Method: "GET", Path: "/x", Name: "x", Serve: nothing}, {Method: "GET", Path: "/x", Name: "y", Serve: nothing}}},
		"same name":  {Tokens: good, More: []Route{{Method: "GET", Path: "/x", Name: "getSession", Serve: nothing}}},
		"no pattern": {Tokens: good, More: []Route{{Method: "GET", Path: "/{x", Name: "x", Serve: nothing}}},
		"query":      {Tokens: good, More: []Route{{Method: "GET", Path: "/x", Name: "x", Query: struct{ A []string }{}, Serve: nothing}}},
	} {
		if s, err := NewService(f.m, o); err == nil {
			t.Errorf("%s: taken", name)
			_ = s.Close()
		} else if strings.Contains(err.Error(), master) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewService(nil, &ServiceOptions{Tokens: good}); err == nil {
		t.Error("no manager: taken")
	}
}

// TestOpenRoutes wants what is for everybody, and no more of it than it says.
func TestOpenRoutes(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "page "+r.URL.Path) })
	f := serving(t, func(o *ServiceOptions) { o.Page = page })
	for path, body := range map[string]string{
		"/healthz": `{"status":"ok"}` + "\n", "/readyz": `{"status":"ok"}` + "\n", "/": "page /", "/page/a.js": "page /page/a.js",
		"/openapi.json": string(f.s.OpenAPI()),
	} {
		if r := f.want(200, "", "GET", path, "", nil); string(r.body) != body {
			t.Errorf("%s: %.100s", path, r.body)
		}
	}
	if r := f.want(200, "", "GET", "/", "", nil, "Accept", "application/json"); !strings.HasPrefix(string(r.body), "{") {
		t.Errorf("index: %s", r.body)
	}
	f.want(404, "not_found", "GET", "/nothing", "", nil)
	f.want(405, "method", "POST", "/healthz", "", nil)
	f.want(401, "unauthorized", "GET", "/metrics", "", nil)
	want := map[int]string{404: "GET /v1/nothing", 405: "DELETE /v1/sessions", 400: "GET /v1//sessions"}
	for _, status := range []int{400, 404, 405} {
		r := f.refusal(want[status], []string{"Bearer " + master})
		if !strings.HasPrefix(r, fmt.Sprint(status)) {
			t.Errorf("%s: %s", want[status], r)
		}
	}
}
