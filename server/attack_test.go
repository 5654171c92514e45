package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hutch-dev/hutch"
)

// raw says something on a connection of its own and is what comes back until the
// service closes it, or that it was reset. half closes its own side before.
func (f *fixture) raw(half bool, text string) string {
	f.t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, text)
	if half {
		_ = c.(*net.TCPConn).CloseWrite()
	}
	all, err := io.ReadAll(c)
	if err != nil {
		return string(all) + " reset"
	}
	return string(all)
}

// missing wants that there is no such file.
func (f *fixture) missing(id, name string) {
	f.t.Helper()
	u, err := f.m.Use(f.t.Context(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	defer u.Done()
	if _, err := hutch.ReadFile(f.t.Context(), u.Backend(), name); err == nil {
		f.t.Errorf("%s was written", name)
	}
}

// head is the head of a request.
func head(what, token string, fields ...string) string {
	h := what + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n"
	for _, x := range fields {
		h += x + "\r\n"
	}
	return h + "\r\n"
}

// TestSlowBody wants who gives nothing to be answered and cut off.
func TestSlowBody(t *testing.T) {
	f := serving(t, func(o *ServiceOptions) {
		echo(o)
		o.Limits.Pause = 200 * time.Millisecond
	})
	path, own := f.create("a")
	var all sync.WaitGroup
	for what, text := range map[string]string{
		"nothing of a file":   head("PUT "+path+"/raw/x", own, "Content-Length: 100"),
		"a part of a file":    head("PUT "+path+"/raw/x", own, "Content-Length: 100") + "some",
		"a part of JSON":      head("POST "+path+"/echo", own, "Content-Length: 100") + `{"name":`,
		"a chunk that stops":  head("PUT "+path+"/raw/x", own, "Transfer-Encoding: chunked") + "5\r\nab",
		"no last chunk":       head("PUT "+path+"/raw/x", own, "Transfer-Encoding: chunked") + "2\r\nab\r\n",
		"a body nobody wants": head("GET "+path, own, "Content-Length: 100"),
		"with a key":          head("PUT "+path+"/raw/x", own, "Content-Length: 100", "Idempotency-Key: k"),
		"with another key":    head("PUT "+path+"/raw/x", own, "Content-Length: 100", "Idempotency-Key: l"),
	} {
		all.Go(func() {
			got := f.raw(false, text)
			if !strings.HasPrefix(got, "HTTP/1.1 408 ") || !strings.Contains(got, `"code":"slow"`) || !strings.Contains(got, "Connection: close") {
				t.Errorf("%s: %q", what, got)
			}
		})
	}
	// Who is refused does not keep the connection with a body that does not come.
	for what, want := range map[string]string{
		"GET " + path + " 401":          head("GET "+path, "wrong", "Content-Length: 100"),
		"GET /healthz 200":              head("GET /healthz", "", "Content-Length: 100"),
		"POST /nothing 404":             head("POST /nothing", "", "Transfer-Encoding: chunked") + "5\r\n",
		"PUT " + path + "/raw 413":      head("PUT "+path+"/raw/x", own, "Content-Length: 1000000000000"),
		"POST " + path + "/nothing 404": head("POST "+path+"/nothing", own, "Content-Length: 300000"),
	} {
		all.Go(func() {
			if got := f.raw(false, want); !strings.HasPrefix(got, "HTTP/1.1 "+what[len(what)-3:]) {
				t.Errorf("%s: %.100q", what, got)
			}
		})
	}
	all.Wait()
	if got := f.raw(false, head("PUT "+path+"/raw/x", own, "Content-Length: 100", "Idempotency-Key: k")); !strings.HasPrefix(got, "HTTP/1.1 408 ") {
		t.Errorf("the same again: %q", got)
	}
	f.missing("a", "x")
}

// drip is a body of bytes that come one by one.
type drip struct {
	n     int
	every time.Duration
}

func (d *drip) Read(b []byte) (int, error) {
	if d.n == 0 {
		return 0, io.EOF
	}
	d.n--
	time.Sleep(d.every)
	b[0] = 'x'
	return 1, nil
}

func (d *drip) Close() error { return nil }

// TestDrip wants a body that comes slower than it may to be refused, and one that
// is slow because nobody reads it not to be.
func TestDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read := func(n int, every, pause time.Duration) error {
			r := &http.Request{ProtoMajor: 1}
			b := &body{r: &drip{n, every}, p: newPatience(&recorder{}, r, 30*time.Second), limit: -1, rate: 1 << 10}
			buf := make([]byte, 1)
			for {
				if _, err := b.Read(buf); err == io.EOF {
					return nil
				} else if err != nil {
					return err
				}
				time.Sleep(pause)
			}
		}
		if err := read(1000, 29*time.Second, 0); err != errSlow {
			t.Errorf("a byte every 29 seconds: %v", err)
		}
		if err := read(100_000, time.Second/1000, 0); err != errSlow {
			t.Errorf("1000 bytes a second: %v", err)
		}
		if err := read(100_000, time.Second/1100, 0); err != nil {
			t.Errorf("1100 bytes a second: %v", err)
		}
		if err := read(1, 29*time.Second, 0); err != nil {
			t.Errorf("one byte after 29 seconds: %v", err)
		}
		if err := read(100, 0, time.Hour); err != nil {
			t.Errorf("nobody reads: %v", err)
		}
	})
}

// TestBrokenBodies wants nothing to be written of what is not whole.
func TestBrokenBodies(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	put := "PUT " + path + "/raw/x"
	for what, text := range map[string]string{
		"cut short":          head(put, own, "Content-Length: 100") + "some",
		"cut in a chunk":     head(put, own, "Transfer-Encoding: chunked") + "5\r\nab",
		"no last chunk":      head(put, own, "Transfer-Encoding: chunked") + "2\r\nab\r\n",
		"no number":          head(put, own, "Transfer-Encoding: chunked") + "zz\r\nab\r\n0\r\n\r\n",
		"a huge number":      head(put, own, "Transfer-Encoding: chunked") + "fffffffffffffffffff\r\nab\r\n0\r\n\r\n",
		"negative":           head(put, own, "Transfer-Encoding: chunked") + "-1\r\nab\r\n0\r\n\r\n",
		"no end of a chunk":  head(put, own, "Transfer-Encoding: chunked") + "2\r\nabcd\r\n0\r\n\r\n",
		"both lengths":       head(put, own, "Content-Length: 5", "Transfer-Encoding: gzip, chunked") + "2\r\nab\r\n0\r\n\r\n",
		"two lengths":        head(put, own, "Content-Length: 2", "Content-Length: 3") + "abc",
		"a negative length":  head(put, own, "Content-Length: -2") + "abc",
		"a field in a field": strings.Replace(head(put, own), "Host: x", "Host: x\r\n X: y", 1),
		"no host":            strings.Replace(head(put, own), "Host: x\r\n", "", 1),
		"a NUL":              head(put, own, "X: \x00"),
		"no HTTP":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"another version":    strings.Replace(head(put, own), "HTTP/1.1", "HTTP/9.9", 1),
	} {
		if got := f.raw(true, text); strings.HasPrefix(got, "HTTP/1.1 2") {
			t.Errorf("%s: %q", what, got)
		}
	}
	f.missing("a", "x")
	f.want(204, "", "PUT", path+"/raw/x", own, "whole")
}

// TestLargeHeaders wants the head of a request to have a bound, and long paths to
// be no more than that.
func TestLargeHeaders(t *testing.T) {
	f := serving(t, echo)
	path, own := f.create("a")
	f.want(200, "", "GET", path, own, nil, "X-Large", strings.Repeat("x", 30<<10))
	got := f.raw(false, head("GET "+path, own, "X-Large: "+strings.Repeat("x", 64<<10)))
	if !strings.HasPrefix(got, "HTTP/1.1 431 ") && got != " reset" {
		t.Errorf("64 KiB: %q", got)
	}
	many := make([]string, 0, 2000)
	for i := range 1000 {
		many = append(many, fmt.Sprintf("X-%d", i), "y")
	}
	f.want(200, "", "GET", path, own, nil, many...)
	f.want(400, "invalid", "PUT", path+"/raw/"+strings.Repeat("a/", 10000)+"a", own, "x")
	for _, bad := range []string{"..%2f..%2fetc/passwd", "%2e%2e/x", "a%00b", "%ff", "a%2f..%2f..%2fb"} {
		f.want(400, "invalid", "PUT", path+"/raw/"+bad, own, "x")
	}
}
