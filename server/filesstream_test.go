package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

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
