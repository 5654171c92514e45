package server

import (
	"bytes"
	"context"
	"math/rand/v2"
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
