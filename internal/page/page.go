// Package page is the web page of the service: plain files, written by hand and
// carried in the program. It talks to the HTTP API below /v1 of the host that it
// comes from, with a token that its user types in.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// types are the kinds of files that there are.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// security is what a browser must not do for the page, so that a mistake in it
// stays a mistake: no code or style but its own files, no frame around it, no
// other host, no text that becomes markup.
const security = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// file is one file of the page.
type file struct {
	kind, tag string
	content   []byte
}

// Handler serves the page at "/" and its files below "/page/"; everything else
// is 404, other methods than GET and HEAD are 405. It asks for no token: nothing
// in the page is secret. The page itself is never stored, its files are asked
// for again each time and answered with 304 where they are the same.
func Handler() http.Handler {
	files := load()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		headers(w.Header())
		f, ok := files[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		default:
			f.serve(w, r)
		}
	})
}

// headers sets what every answer has.
func headers(h http.Header) {
	h.Set("Content-Security-Policy", security)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

func (f file) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", f.kind)
	if f.tag != "" {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", f.tag)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
}

// load reads the files, by the path of their URLs.
func load() map[string]file {
	files := map[string]file{}
	entries, err := static.ReadDir("static")
	for _, e := range entries {
		var content []byte
		if content, err = static.ReadFile("static/" + e.Name()); err != nil {
			break
		}
		sum := sha256.Sum256(content)
		f := file{kind: types[path.Ext(e.Name())], tag: `"` + hex.EncodeToString(sum[:12]) + `"`, content: content}
		if strings.HasSuffix(e.Name(), ".html") {
			f.tag = ""
			files["/"] = f
			continue
		}
		files["/page/"+e.Name()] = f
	}
	if err != nil {
		panic(err) // the files are in the program
	}
	return files
}
