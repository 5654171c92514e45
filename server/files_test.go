package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// one is a service with one session on b.
func one(t testing.TB, b hutch.Backend, change func(*ServiceOptions)) (f *fixture, path, token string) {
	t.Helper()
	f = servingOn(t, &place{open: func() hutch.Backend { return b }}, nil, change)
	path, token = f.create("a")
	return f, path, token
}

func TestFileBytes(t *testing.T) {
	b := state.New(nil)
	f, path, token := one(t, b, nil)
	data := make([]byte, 3*pieceBytes+17)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	for _, n := range []int{0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, len(data)} {
		name := path + "/files/dir/f" + strconv.Itoa(n)
		var out wroteOut
		r := f.want(200, "", "PUT", name, token, bytes.NewReader(data[:n]))
		r.into(t, &out)
		if out.File.Size != int64(n) || out.File.Path != "dir/f"+strconv.Itoa(n) || r.header.Get("ETag") != etag(out.File.Rev) {
			t.Errorf("%d bytes: %s, %v", n, r.body, r.header)
		}
		got := f.want(200, "", "GET", name, token, nil)
		h := got.header
		if !bytes.Equal(got.body, data[:n]) || h.Get("ETag") != etag(out.File.Rev) || h.Get("Content-Length") != strconv.Itoa(n) {
			t.Errorf("%d bytes: got %d, %v", n, len(got.body), h)
		}
		if h.Get("Content-Type") != "application/octet-stream" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Disposition") != "attachment" {
			t.Errorf("a browser would render it: %v", h)
		}
		if head := f.want(200, "", "HEAD", name, token, nil); head.header.Get("Content-Length") != strconv.Itoa(n) || len(head.body) > 0 {
			t.Errorf("HEAD: %v", head.header)
		}
		for _, tags := range []string{etag(out.File.Rev), "W/" + etag(out.File.Rev), `"x", ` + etag(out.File.Rev), "*"} {
			if r := f.want(304, "", "GET", name, token, nil, "If-None-Match", tags); len(r.body) > 0 || r.header.Get("ETag") == "" {
				t.Errorf("If-None-Match: %s: %v", tags, r.header)
			}
		}
		f.want(200, "", "GET", name, token, nil, "If-None-Match", `"another"`)
	}
}

func TestRanges(t *testing.T) {
	data := []byte("0123456789")
	for name, b := range map[string]hutch.Backend{"seeking": state.New(nil), "plain": plainFiles{state.New(nil)}} {
		t.Run(name, func(t *testing.T) {
			f, path, token := one(t, b, nil)
			tag := f.want(200, "", "PUT", path+"/files/x", token, bytes.NewReader(data)).header.Get("ETag")
			f.want(200, "", "PUT", path+"/files/empty", token, "")
			for _, c := range []struct {
				asked, ifRange string
				status         int
				want, shown    string
			}{
				{"bytes=0-0", "", 206, "0", "bytes 0-0/10"},
				{"bytes=2-4", "", 206, "234", "bytes 2-4/10"},
				{"bytes=7-", "", 206, "789", "bytes 7-9/10"},
				{"bytes=7-99999999999999999999999", "", 206, "789", "bytes 7-9/10"},
				{"bytes=-3", "", 206, "789", "bytes 7-9/10"},
				{"bytes=-99999999999999999999999", "", 206, "0123456789", "bytes 0-9/10"},
				{"bytes=0-9", "", 206, "0123456789", "bytes 0-9/10"},
				{"bytes=2-4", tag, 206, "234", "bytes 2-4/10"},
				{"bytes=2-4", `"other"`, 200, "0123456789", ""},
				{"bytes=2-4", "W/" + tag, 200, "0123456789", ""},
				{"bytes=10-", "", 416, "", "bytes */10"},
				{"bytes=99999999999999999999999-", "", 416, "", "bytes */10"},
				{"bytes=-0", "", 416, "", "bytes */10"},
				{"bytes=4-2", "", 200, "0123456789", ""},
				{"bytes=0-1,3-4", "", 200, "0123456789", ""},
				{"bytes=" + strings.Repeat("0-0,", 3000) + "0-0", "", 200, "0123456789", ""},
				{"bytes=-", "", 200, "0123456789", ""}, {"bytes=", "", 200, "0123456789", ""},
				{"bytes=--1", "", 200, "0123456789", ""}, {"bytes=+1-2", "", 200, "0123456789", ""},
				{"lines=1-2", "", 200, "0123456789", ""}, {"bytes=0x1-2", "", 200, "0123456789", ""},
			} {
				header := []string{"Range", c.asked}
				if c.ifRange != "" {
					header = append(header, "If-Range", c.ifRange)
				}
				r := f.do("GET", path+"/files/x", token, nil, header...)
				if r.status != c.status || r.header.Get("Content-Range") != c.shown || c.status != 416 && string(r.body) != c.want {
					t.Errorf("%.60s: %d %q %q", c.asked, r.status, r.body, r.header.Get("Content-Range"))
				}
				if c.status == 416 && (r.code() != "range" || r.header.Get("Content-Type") != "application/problem+json") {
					t.Errorf("%s: %s", c.asked, r.body)
				}
			}
			f.want(416, "range", "GET", path+"/files/empty", token, nil, "Range", "bytes=0-")
			if r := f.want(206, "", "HEAD", path+"/files/x", token, nil, "Range", "bytes=1-3"); r.header.Get("Content-Length") != "3" {
				t.Errorf("HEAD of a range: %v", r.header)
			}
		})
	}
}

// plainFiles gives files that can only be read.
type plainFiles struct{ hutch.Backend }

func (p plainFiles) As(any) bool { return false }

func (p plainFiles) Open(ctx context.Context, name string) (hutch.File, error) {
	f, err := p.Backend.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	return struct{ hutch.File }{f}, nil
}

func TestFileConditions(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	name := path + "/files/a"
	f.want(412, "conflict", "PUT", name, token, "x", "If-Match", `"nothing"`)
	first := f.want(200, "", "PUT", name, token, "1", "If-None-Match", "*").header.Get("ETag")
	f.want(412, "conflict", "PUT", name, token, "x", "If-None-Match", "*")
	second := f.want(200, "", "PUT", name, token, "2", "If-Match", first).header.Get("ETag")
	f.want(412, "conflict", "PUT", name, token, "x", "If-Match", first)
	for _, h := range [][]string{
		{"If-Match", "*"}, {"If-Match", ""}, {"If-Match", "absent"}, {"If-Match", `"absent"`}, {"If-Match", `""`}, {"If-Match", "W/" + second},
		{"If-Match", second + ", " + first}, {"If-Match", second, "If-Match", second}, {"If-None-Match", second},
		{"If-Match", second, "If-None-Match", "*"}, {"If-Match", `"%zz"`},
	} {
		f.want(400, "invalid", "PUT", name, token, "x", h...)
	}
	f.want(422, "unsupported", "DELETE", name, token, nil, "If-Match", first)
	if r := f.want(200, "", "GET", name, token, nil); string(r.body) != "2" {
		t.Errorf("after all refusals: %q", r.body)
	}
}

func TestTags(t *testing.T) {
	for _, rev := range []string{"a.1", `with "quotes"`, "100%", "a,b", "é", "a b"} {
		tag := etag(rev)
		for _, c := range []byte(tag[1 : len(tag)-1]) {
			if c <= ' ' || c > '~' || c == '"' {
				t.Errorf("%q: %s is no tag", rev, tag)
			}
		}
		if back, ok := untag(tag); !ok || back != rev || !matches([]string{`"z"`, `"y", ` + tag}, rev) {
			t.Errorf("%q: %s leads to %q", rev, tag, back)
		}
	}
}

// TestCountersSideBySide wants no increment lost of many who write under a condition.
func TestCountersSideBySide(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	name := path + "/files/n"
	f.want(200, "", "PUT", name, token, "0")
	const clients, each = 8, 20
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for done := 0; done < each; {
				r := f.do("GET", name, token, nil)
				n, _ := strconv.Atoi(string(r.body))
				w := f.do("PUT", name, token, strconv.Itoa(n+1), "If-Match", r.header.Get("ETag"))
				if w.status == 200 {
					done++
				} else if w.status != 412 {
					t.Errorf("PUT: %d %s", w.status, w.body)
					return
				}
			}
		})
	}
	all.Wait()
	if r := f.do("GET", name, token, nil); string(r.body) != strconv.Itoa(clients*each) {
		t.Errorf("%s of %d are there", r.body, clients*each)
	}
}

// spoken writes bytes to the service, ends its side if end, and reads the status of
// the answer, 0 for none.
func (f *fixture) spoken(end bool, text string) int {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, text); err != nil {
		f.t.Fatal(err)
	}
	if end {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}

func TestBodyCut(t *testing.T) {
	f, path, token := one(t, state.New(nil), func(o *ServiceOptions) { o.Limits.File = 1000 })
	name := path + "/files/a"
	f.want(200, "", "PUT", name, token, "before")
	head := "PUT " + name + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n"
	for _, body := range []string{
		"Content-Length: 10\r\n\r\nfive.",
		"Content-Length: 10\r\n\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nfive.\r\n",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nfive.\r\n5\r\nfi",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nfive.\r\nzz\r\n0\r\n\r\n",
	} {
		if status := f.spoken(true, head+body); status != 400 && status != 0 {
			t.Errorf("%q: %d", body, status)
		}
	}
	f.want(413, "too_large", "PUT", name, token, strings.Repeat("x", 1001))
	f.want(413, "too_large", "PUT", name, token, io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))))
	if r := f.want(200, "", "GET", name, token, nil); string(r.body) != "before" {
		t.Errorf("after bodies that were cut: %q", r.body)
	}
	f.want(200, "", "PUT", name, token, strings.Repeat("x", 1000))
}

// TestStreams wants the bytes of a file handed on as they come, both ways.
func TestStreams(t *testing.T) {
	b := &slowFiles{Backend: state.New(nil), got: make(chan string, 10), more: make(chan string)}
	f, path, token := one(t, b, nil)
	r, w := io.Pipe()
	done := f.inBackground(f.request("PUT", path+"/files/up", token, r))
	for range 2 {
		_, _ = io.WriteString(w, "piece")
		if got := <-b.got; got != "piece" {
			t.Fatalf("the backend got %q", got)
		}
	}
	w.Close()
	if a := <-done; a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	go func() { b.more <- strings.Repeat("x", pieceBytes) }()
	a, err := f.plain.Do(f.request("GET", path+"/files/down", token, nil))
	if err == nil {
		_, err = io.ReadFull(a.Body, make([]byte, pieceBytes/2))
	}
	if err != nil {
		t.Fatal(err)
	}
	b.more <- "!"
	close(b.more)
	rest, err := io.ReadAll(a.Body)
	a.Body.Close()
	if err != nil || len(rest) != pieceBytes/2+1 {
		t.Errorf("the rest has %d bytes, %v", len(rest), err)
	}
}

// slowFiles says what is written, and reads what it is told.
type slowFiles struct {
	hutch.Backend
	got, more chan string
}

func (s *slowFiles) As(any) bool { return false }

func (s *slowFiles) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	buf := make([]byte, 100)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			s.got <- string(buf[:n])
		}
		if err == io.EOF {
			return s.Backend.Write(ctx, name, strings.NewReader(""), o)
		}
		if err != nil {
			return hutch.Info{}, err
		}
	}
}

func (s *slowFiles) Open(_ context.Context, name string) (hutch.File, error) {
	r, w := io.Pipe()
	go func() {
		for text := range s.more {
			_, _ = io.WriteString(w, text)
		}
		w.Close()
	}()
	return told{r, hutch.Info{Name: name, Size: pieceBytes + 1, Rev: "1"}}, nil
}

// told is a file of which something is said.
type told struct {
	io.ReadCloser
	i hutch.Info
}

func (t told) Info() hutch.Info { return t.i }

// TestOneVersion wants no answer taken for a file that is not one version of it.
func TestOneVersion(t *testing.T) {
	for _, c := range []struct {
		what       string
		size, gets int
		err        error
	}{
		{"small, changed", 100, 100, hutch.ErrConflict}, {"small, cut", 100, 50, nil}, {"small, longer", 100, 101, nil},
		{"empty, longer", 0, 1, nil}, {"large, changed at the end", 5 * pieceBytes, 5 * pieceBytes, hutch.ErrConflict},
		{"large, cut", 5 * pieceBytes, 5*pieceBytes - 1, nil}, {"large, longer", 5 * pieceBytes, 5*pieceBytes + 1, nil},
	} {
		f, path, token := one(t, &changing{state.New(nil), c.size, c.gets, c.err}, nil)
		a, err := f.plain.Do(f.request("GET", path+"/files/x", token, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a.Body)
		a.Body.Close()
		if c.size <= pieceBytes && a.StatusCode != 409 || c.size > pieceBytes && err == nil {
			t.Errorf("%s: %s, %d bytes, %v", c.what, a.Status, len(body), err)
		}
	}
}

type changing struct {
	hutch.Backend
	size, gets int
	err        error
}

func (c *changing) As(any) bool { return false }

func (c *changing) Open(_ context.Context, name string) (hutch.File, error) {
	r := io.Reader(bytes.NewReader(make([]byte, c.gets)))
	if c.err != nil {
		r = io.MultiReader(r, broken{c.err})
	}
	return told{io.NopCloser(r), hutch.Info{Name: name, Size: int64(c.size), Rev: "1"}}, nil
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestHostilePaths(t *testing.T) {
	b := rootedFiles{state.New(nil)}
	f, path, token := one(t, b, nil)
	f.want(200, "", "PUT", path+"/files/%2Fworkspace%2Fsub%2Fa", token, "in")
	if r := f.want(200, "", "GET", path+"/files/sub/a", token, nil); string(r.body) != "in" {
		t.Errorf("one path, two files: %q", r.body)
	}
	for _, p := range []string{
		"%2e%2e/x", "a/%2e%2e/%2e%2e/x", "%2Fetc%2Fpasswd", "%2Fworkspace%2F..%2Fx", "%2Fworkspaces%2Fx", "a%00b", "%ff%fe", strings.Repeat("a", 300), "a//b", "./a", "a/../../x",
		strings.Repeat("a/", 3000) + "a",
	} {
		for _, m := range []string{"GET", "PUT", "DELETE"} {
			q := f.request(m, path+"/files/x", token, nil)
			q.URL.Path, q.URL.RawPath = "", ""
			q.URL.Opaque = path + "/files/" + p
			if r := f.send(q); r.status != 400 || r.code() != "invalid" {
				t.Errorf("%s %.40s: %d %.100s", m, p, r.status, r.body)
			}
		}
	}
	for _, at := range []string{"/list?path=..", "/stat?path=/etc", "/stat?path=a%00", "/glob?pattern=*&path=../..", "/glob?pattern=[", "/list?limit=-1", "/list?limit=10001",
		"/list?path=a&path=b", "/list?what=1", "/list?limit=x", "/list?recursive=maybe", "/stat?path=%ff", "/events?wait_seconds=61", "/events?after=-1"} {
		f.want(400, "invalid", "GET", path+at, token, nil)
	}
	for at, body := range map[string]string{
		"/move": `{"from":"../a","to":"b"}`, "/copy": `{"from":"a","to":"/etc/x"}`, "/edit": `{"path":"/x","edits":[]}`, "/grep": `{"pattern":"("}`,
	} {
		f.want(400, "invalid", "POST", path+at, token, body)
	}
}

type rootedFiles struct{ hutch.Backend }

func (rootedFiles) Root() string { return "/workspace" }

func (r rootedFiles) As(target any) bool {
	t, ok := target.(*hutch.Rooted)
	if ok {
		*t = r
	}
	return ok
}

func TestFileErrors(t *testing.T) {
	f, path, token := one(t, state.New(&state.Options{MaxFileBytes: 100}), nil)
	f.want(200, "", "PUT", path+"/files/d/a", token, "x")
	f.want(404, "not_found", "GET", path+"/files/none", token, nil)
	f.want(404, "not_found", "DELETE", path+"/files/none", token, nil)
	f.want(404, "not_found", "DELETE", path+"/files/none?recursive=true", token, nil)
	f.want(404, "not_found", "GET", path+"/stat?path=none", token, nil)
	f.want(404, "not_found", "GET", path+"/list?path=none", token, nil)
	f.want(404, "not_found", "POST", path+"/move", token, `{"from":"none","to":"b"}`)
	f.want(409, "is_dir", "GET", path+"/files/d", token, nil)
	f.want(409, "is_dir", "GET", path+"/files/", token, nil)
	f.want(409, "is_dir", "PUT", path+"/files/d", token, "x")
	f.want(409, "is_dir", "DELETE", path+"/files/d", token, nil)
	f.want(409, "not_dir", "PUT", path+"/files/d/a/b", token, "x")
	f.want(409, "not_dir", "GET", path+"/list?path=d/a", token, nil)
	f.want(413, "too_large", "PUT", path+"/files/big", token, strings.Repeat("x", 101))
	f.want(200, "", "PUT", path+"/files/e/a", token, "x")
	f.want(409, "exists", "POST", path+"/copy", token, `{"from":"d","to":"e"}`)
	f.want(400, "invalid", "POST", path+"/move", token, `{"from":"d","to":"d/e"}`)
	f.want(405, "method", "POST", path+"/files/d/a", token, nil)
	f.want(204, "", "DELETE", path+"/files/d?recursive=true", token, nil)
	f.want(404, "not_found", "GET", path+"/files/d/a", token, nil)
	f.want(401, "unauthorized", "GET", path+"/files/d/a", "", nil)
	var p problemBody
	f.do("GET", path+"/files/none", token, nil).into(t, &p)
	if p.Status != 404 || p.Type != "about:blank" || p.Title != "Not Found" || !strings.Contains(p.Detail, "none") {
		t.Errorf("%+v", p)
	}
}

func TestListsAndSearches(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	for _, name := range []string{"a.go", "src/b.go", "src/c.txt", ".hid/d.go"} {
		f.want(200, "", "PUT", path+"/files/"+name, token, "package x\n// needle "+name+"\nend\n")
	}
	paths := func(at string) (out listOut, all string) {
		r := f.want(200, "", "GET", path+at, token, nil)
		r.into(t, &out)
		if out.Entries == nil {
			var g globOut
			r.into(t, &g)
			out.Entries, out.More = g.Files, g.More
		}
		for _, e := range out.Entries {
			all += e.Path + " "
		}
		return out, all
	}
	for at, want := range map[string]string{
		"/list": ".hid a.go src ", "/list?path=src": "src/b.go src/c.txt ", "/list?recursive=true": ".hid/d.go a.go src/b.go src/c.txt ",
		"/list?limit=1": ".hid ", "/glob?pattern=*.go": "a.go src/b.go ", "/glob?pattern=*.go&hidden=true": ".hid/d.go a.go src/b.go ",
		"/glob?pattern=src/**": "src/b.go src/c.txt ", "/glob?pattern=*&path=src&limit=1": "src/b.go ",
	} {
		if out, got := paths(at); got != want || out.More != strings.Contains(at, "limit") {
			t.Errorf("%s: %q, more %v; want %q", at, got, out.More, want)
		}
	}
	var i fileOut
	f.want(200, "", "GET", path+"/stat?path=src/b.go", token, nil).into(t, &i)
	if i.Dir || i.Rev == "" || i.Mode != "0644" || i.Modified.IsZero() || i.Size == 0 {
		t.Errorf("%+v", i)
	}
	f.want(200, "", "GET", path+"/stat", token, nil).into(t, &i)
	for body, want := range map[string]string{
		`{"pattern":"need.e"}`:                                    "a.go:2 src/b.go:2 src/c.txt:2 ",
		`{"pattern":"need.e","literal":true}`:                     "",
		`{"pattern":"NEEDLE","ignore_case":true,"path":"src"}`:    "src/b.go:2 src/c.txt:2 ",
		`{"pattern":"needle","include":["*.go"],"hidden":true}`:   ".hid/d.go:2 a.go:2 src/b.go:2 ",
		`{"pattern":"needle","exclude":["src"]}`:                  "a.go:2 ",
		`{"pattern":"needle","path":"a.go","before":1,"after":1}`: "a.go:1c a.go:2 a.go:3c ",
		`{"pattern":"needle","limit":2}`:                          "a.go:2 src/b.go:2 +",
	} {
		var out grepOut
		f.want(200, "", "POST", path+"/grep", token, body).into(t, &out)
		got := ""
		for _, m := range out.Matches {
			got += fmt.Sprintf("%s:%d", m.Path, m.Line) + map[bool]string{true: "c "}[m.Context]
			if !m.Context {
				got += " "
			}
		}
		if out.More {
			got += "+"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	f.want(204, "", "POST", path+"/move", token, `{"from":"src","to":"lib"}`)
	f.want(204, "", "POST", path+"/copy", token, `{"from":"lib/b.go","to":"a.go"}`)
	if _, got := paths("/list?recursive=true"); got != ".hid/d.go a.go lib/b.go lib/c.txt " {
		t.Errorf("moved: %q", got)
	}
	f.want(204, "", "DELETE", path+"/files/?recursive=true", token, nil)
	if out, got := paths("/list"); got != "" || out.Entries == nil {
		t.Errorf("emptied: %q", got)
	}
}

func TestEdits(t *testing.T) {
	f, path, token := one(t, state.New(nil), nil)
	rev := func() string {
		var i fileOut
		f.want(200, "", "GET", path+"/stat?path=a", token, nil).into(t, &i)
		return i.Rev
	}
	f.want(200, "", "PUT", path+"/files/a", token, "one\ntwo\ntwo\n")
	before := rev()
	var out editOut
	f.want(200, "", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": before, "edits": []edit{{Old: "one", New: "1"}, {Old: "two", New: "2", All: true}}}).into(t, &out)
	if fmt.Sprint(out.Replaced) != "[1 2]" || out.File.Rev == before || !strings.Contains(out.Diff, "-one\n") || !strings.Contains(out.Diff, "+1\n") {
		t.Errorf("%+v", out)
	}
	f.want(412, "conflict", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": before, "edits": []edit{{Old: "1", New: "x"}}})
	f.want(412, "conflict", "POST", path+"/edit", token, map[string]any{"path": "a", "rev": "", "edits": []edit{{Old: "1", New: "x"}}})
	f.want(422, "edit_ambiguous", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"2","new":"x"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"","new":"x"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"1"}]}`)
	f.want(400, "invalid", "POST", path+"/edit", token, `{"path":"a","edits":[{"old":"1","new":"2","what":3}]}`)
	f.want(404, "not_found", "POST", path+"/edit", token, `{"path":"b","edits":[{"old":"2","new":"x"}]}`)
	f.want(200, "", "PUT", path+"/files/near", token, "func  f() {\n")
	if r := f.want(422, "edit_not_found", "POST", path+"/edit", token, `{"path":"near","edits":[{"old":"func f() {","new":"x"}]}`); !strings.Contains(string(r.body), "line 1") {
		t.Errorf("no near miss: %s", r.body)
	}
	f.want(200, "", "PUT", path+"/files/bin", token, "\xff\xfe1")
	f.want(422, "unsupported", "POST", path+"/edit", token, `{"path":"bin","edits":[{"old":"1","new":"x"}]}`)
	if r := f.do("GET", path+"/files/a", token, nil); string(r.body) != "1\n2\n2\n" {
		t.Errorf("%q", r.body)
	}
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			f.want(200, "", "POST", path+"/edit", token, map[string]any{"path": "a", "edits": []edit{{Old: "2\n2\n", New: fmt.Sprintf("2\n2\n+%d\n", i)}}})
		})
	}
	all.Wait()
	if r := f.do("GET", path+"/files/a", token, nil); strings.Count(string(r.body), "+") != 10 {
		t.Errorf("edits side by side are lost: %q", r.body)
	}
}

// TestDenied wants a refusal told as one, and counted.
func TestDenied(t *testing.T) {
	f, path, token := one(t, denying{state.New(nil)}, nil)
	f.want(403, "denied", "PUT", path+"/files/a", token, "x")
	var u usageOut
	f.want(200, "", "GET", path+"/usage", token, nil).into(t, &u)
	var e eventsOut
	f.want(200, "", "GET", path+"/events", token, nil).into(t, &e)
	if u.Refused != 1 || u.Requests != 1 || len(e.Events) != 1 || e.Events[0].Decision != "denied" || e.Events[0].Error != "permission" {
		t.Errorf("%+v, %+v", u, e)
	}
}

type denying struct{ hutch.Backend }

func (denying) As(any) bool { return false }

func (denying) Write(_ context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
}
