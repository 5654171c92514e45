package server_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/remote"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/state"
)

const token = "a-token-of-the-test"

// serve serves b without TLS, and returns the URL.
func serve(t testing.TB, b hutch.Backend) (*server.Handler, string) {
	t.Helper()
	h, err := server.New(b, &server.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := h.NewServer()
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.Serve(l) })
	t.Cleanup(func() {
		_ = h.Close()
		srv.Close()
		serving.Wait()
	})
	return h, "http://" + l.Addr().String()
}

func dial(t testing.TB, url string) *remote.Backend {
	t.Helper()
	b, err := remote.Dial(t.Context(), url, &remote.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func TestServed(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		_, url := serve(t, state.New(nil))
		return dial(t, url)
	})
}

func TestNoToken(t *testing.T) {
	for _, o := range []*server.Options{nil, {}, {Token: "with space"}, {Token: "line\n"}, {Token: "é"}} {
		if h, err := server.New(state.New(nil), o); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("New(%+v): %v, %v; want fs.ErrInvalid", o, h, err)
		}
	}
	if _, err := server.New(nil, &server.Options{Token: token}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("New of no backend: %v", err)
	}
}

// TestUnauthorized wants one answer for whatever is no token, whatever is asked.
func TestUnauthorized(t *testing.T) {
	_, url := serve(t, state.New(nil))
	answers := map[string]bool{}
	for _, header := range [][]string{nil, {""}, {"Bearer"}, {"Bearer "}, {"Bearer wrong"}, {"bearer " + token}, {token},
		{"Basic " + token}, {"Bearer " + token + "x"}, {"Bearer " + token[1:]}, {"Bearer wrong", "Bearer " + token}} {
		for _, path := range []string{"/", "/hutch/hello", "/hutch/v1/stat", "/hutch/v9/x"} {
			req, err := http.NewRequestWithContext(t.Context(), "POST", url+path, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			if header != nil {
				req.Header["Authorization"] = header
			}
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%q at %s: %s", header, path, resp.Status)
			}
			answers[string(body)+resp.Header.Get("WWW-Authenticate")] = true
		}
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
}

func TestWrongToken(t *testing.T) {
	_, url := serve(t, state.New(nil))
	for _, wrong := range []string{"", "wrong-secret"} {
		_, err := remote.Dial(t.Context(), url, &remote.Options{Token: wrong})
		if !errors.Is(err, fs.ErrPermission) || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("Dial with the token %q: %v; want fs.ErrPermission without the token", wrong, err)
		}
	}
}

func TestHTTP1(t *testing.T) {
	_, url := serve(t, state.New(nil))
	req, err := http.NewRequestWithContext(t.Context(), "POST", url+"/hutch/hello", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusHTTPVersionNotSupported || !strings.Contains(string(body), "HTTP/2") {
		t.Errorf("HTTP/1.1 with the token: %s %q", resp.Status, body)
	}
}

// started is a writer that tells when something was written.
type started struct {
	once sync.Once
	ch   chan struct{}
}

func (s *started) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.ch) })
	return len(p), nil
}

// TestClose ends a command, an upload and a file that nobody reads.
func TestClose(t *testing.T) {
	sb, err := local.Open(t.TempDir(), &local.Options{Isolation: local.Unconfined})
	if err != nil {
		t.Fatal(err)
	}
	defer sb.Close()
	h, url := serve(t, sb)
	b := dial(t, url)
	if _, err := hutch.WriteFile(t.Context(), b, "large", make([]byte, 16<<20), nil); err != nil {
		t.Fatal(err)
	}
	f, err := b.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, _ := hutch.As[hutch.Execer](b)
	cmd := hutch.Shell("echo started; trap '' TERM; while :; do sleep 1; done")
	out := &started{ch: make(chan struct{})}
	cmd.Stdout = out
	r, w := io.Pipe()
	var all sync.WaitGroup
	var execErr, writeErr error
	all.Go(func() { _, execErr = x.Exec(t.Context(), cmd) })
	all.Go(func() {
		_, writeErr = b.Write(t.Context(), "new", r, nil)
		r.Close()
	})
	<-out.ch
	_, _ = w.Write([]byte("half"))
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	w.Close() // Write waits for its reader
	all.Wait()
	if !errors.Is(execErr, remote.ErrLost) {
		t.Errorf("a command when the server ends: %v, want ErrLost", execErr)
	}
	if !errors.Is(writeErr, remote.ErrLost) {
		t.Errorf("a write when the server ends: %v, want ErrLost", writeErr)
	}
	if _, err := sb.Stat(t.Context(), "new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half a file was written: %v", err)
	}
	if _, err := io.Copy(io.Discard, f); err == nil {
		t.Error("a file is whole after the server has ended")
	}
	if _, err := b.Stat(t.Context(), "large"); err == nil {
		t.Error("a server that was closed serves")
	}
}

func TestShutdown(t *testing.T) {
	s := state.New(nil)
	h, url := serve(t, s)
	b := dial(t, url)
	r, w := io.Pipe()
	var all sync.WaitGroup
	var err error
	all.Go(func() { _, err = b.Write(t.Context(), "f", r, nil) })
	_, _ = w.Write([]byte("all of"))
	var shutErr error
	all.Go(func() { shutErr = h.Shutdown(t.Context()) })
	_, _ = w.Write([]byte(" it"))
	w.Close()
	all.Wait()
	if shutErr != nil {
		t.Errorf("Shutdown: %v", shutErr)
	}
	// Either the write had begun, and ends well, or it was refused.
	data, rerr := hutch.ReadFile(t.Context(), s, "f")
	if err == nil && string(data) != "all of it" || err != nil && rerr == nil {
		t.Errorf("the write: %v; the file: %q, %v", err, data, rerr)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Shutdown(over); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown twice: %v", err)
	}
}
