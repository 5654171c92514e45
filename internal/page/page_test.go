package page_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/internal/page"
)

func ask(method, path string, header ...string) *http.Response {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestHandler(t *testing.T) {
	for _, test := range []struct {
		method, path string
		status       int
		kind, cache  string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", "no-store"},
		{"GET", "/page/app.js", 200, "text/javascript; charset=utf-8", "no-cache"},
		{"GET", "/page/style.css", 200, "text/css; charset=utf-8", "no-cache"},
		{"GET", "/page/icon.svg", 200, "image/svg+xml", "no-cache"},
		{"GET", "/page/", 404, "", "no-store"},
		{"GET", "/page/index.html", 404, "", "no-store"},
		{"GET", "/page/../page.go", 404, "", "no-store"},
		{"GET", "/other", 404, "", "no-store"},
		{"POST", "/", 405, "", "no-store"},
		{"PUT", "/page/app.js", 405, "", "no-store"},
	} {
		r := ask(test.method, test.path)
		if r.StatusCode != test.status || r.Header.Get("Cache-Control") != test.cache || test.kind != "" && r.Header.Get("Content-Type") != test.kind {
			t.Errorf("%s %s: %d %v", test.method, test.path, r.StatusCode, r.Header)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q", test.method, test.path, name, got)
			}
		}
		policy := r.Header.Get("Content-Security-Policy") + ";"
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:",
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "trusted-types 'none'"} {
			if !strings.Contains(policy, want+";") {
				t.Errorf("%s %s: no %s in %s", test.method, test.path, want, policy)
			}
		}
	}
}

func TestETag(t *testing.T) {
	first := ask("GET", "/page/app.js")
	tag := first.Header.Get("ETag")
	if tag == "" || tag == ask("GET", "/page/api.js").Header.Get("ETag") {
		t.Fatalf("the tag is %q", tag)
	}
	if r := ask("GET", "/page/app.js", "If-None-Match", tag); r.StatusCode != 304 || body(t, r) != "" {
		t.Errorf("the same again: %d", r.StatusCode)
	}
	if r := ask("GET", "/", "If-None-Match", tag); r.StatusCode != 200 || r.Header.Get("ETag") != "" {
		t.Errorf("the page: %d %v", r.StatusCode, r.Header)
	}
}

// TestLinks follows every link and import: all are there, none leads elsewhere.
func TestLinks(t *testing.T) {
	links := regexp.MustCompile(`(?:(?:src|href)="|from '|import '|url\(['"]?)([^"')]+)`)
	elsewhere := regexp.MustCompile(`https?://|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function`)
	seen := map[string]bool{}
	var follow func(path string)
	follow = func(path string) {
		if seen[path] || strings.HasPrefix(path, "#") {
			return
		}
		seen[path] = true
		r := ask("GET", path)
		text := body(t, r)
		if r.StatusCode != 200 {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
		if bad := elsewhere.FindString(strings.ReplaceAll(text, "http://www.w3.org/2000/svg", "")); bad != "" {
			t.Errorf("%s has %q", path, bad)
		}
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			follow(strings.Replace(m[1], "./", "/page/", 1))
		}
		if lines := strings.Count(text, "\n"); lines > 300 {
			t.Errorf("%s has %d lines", path, lines)
		}
	}
	follow("/")
	if len(seen) < 20 {
		t.Errorf("only %d files", len(seen))
	}
}
