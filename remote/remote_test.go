package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/internal/wire"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/remote"
	"github.com/hutch-dev/hutch/server"
	"github.com/hutch-dev/hutch/state"
)

const token = "a-token-of-the-test"

func sandbox(t testing.TB) *local.Sandbox {
	t.Helper()
	sb, err := local.Open(t.TempDir(), &local.Options{Isolation: local.Unconfined, Unprotect: local.DefaultProtect()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sb.Close() })
	return sb
}

// stream is a backend at the other end of a stream.
func stream(t testing.TB, b hutch.Backend) *remote.Backend {
	t.Helper()
	mine, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { _ = wire.ServeConn(ctx, theirs, wire.NewHandler(b, nil)) })
	r, err := remote.NewStream(t.Context(), struct{ net.Conn }{mine})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func TestSandbox(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.TestSandbox(t, func(t testing.TB) hutch.Sandbox {
		return whole{stream(t, sandbox(t))}
	})
}

// whole is a Backend whose powers are there.
type whole struct{ *remote.Backend }

func (w whole) Exec(ctx context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	x, _ := hutch.As[hutch.Execer](w.Backend)
	return x.Exec(ctx, cmd)
}

// certificate is one for 127.0.0.1, and what trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(c)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// overTLS serves b, and returns its URL and who to trust.
func overTLS(t testing.TB, b hutch.Backend) (string, *x509.CertPool) {
	t.Helper()
	cert, pool := certificate(t)
	h, err := server.New(b, &server.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := h.NewServer()
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	var serving sync.WaitGroup
	serving.Go(func() { _ = srv.ServeTLS(l, "", "") })
	t.Cleanup(func() {
		h.Close()
		srv.Close()
		serving.Wait()
	})
	return "https://" + l.Addr().String(), pool
}

func TestTLS(t *testing.T) {
	if testing.Short() {
		t.Skip("the short run has the law in internal/wire")
	}
	backendtest.Test(t, func(t testing.TB) hutch.Backend {
		url, pool := overTLS(t, state.New(nil))
		b, err := remote.Dial(t.Context(), url, &remote.Options{Token: token, TLS: &tls.Config{RootCAs: pool}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close() })
		return b
	})
}

func TestUntrusted(t *testing.T) {
	url, _ := overTLS(t, state.New(nil))
	_, err := remote.Dial(t.Context(), url, &remote.Options{Token: token})
	if !errors.Is(err, remote.ErrLost) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody trusts: %v", err)
	}
}

func TestURLs(t *testing.T) {
	for _, url := range []string{"", "x", "ftp://h", "http://", "http:///x", "//h", "http://user:secret@h/", "http://h/?token=secret",
		"https://h/#secret", "http://h:port/", "http://secret\x00/"} {
		_, err := remote.Dial(t.Context(), url, nil)
		if !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Dial(%q): %v; want fs.ErrInvalid, and nothing of the URL", url, err)
		}
	}
	_, err := remote.Dial(t.Context(), "https://127.0.0.1:1", &remote.Options{Token: "secret\n"})
	if !errors.Is(err, fs.ErrInvalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a token that is none: %v", err)
	}
}

// TestClearText keeps tokens from leaving the machine in the clear.
func TestClearText(t *testing.T) {
	for _, host := range []string{"192.0.2.1", "example.com", "127.0.0.1.example.com", "0.0.0.0", "[::]"} {
		clearText(t, host)
	}
}

func clearText(t *testing.T, host string) {
	_, err := remote.Dial(t.Context(), "http://"+host+":80", &remote.Options{Token: token})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "https") || strings.Contains(err.Error(), token) {
		t.Errorf("http to another machine: %v", err)
	}
}

// TestRedirect wants the token to stay where it was sent.
func TestRedirect(t *testing.T) {
	stolen := make(chan string, 1)
	thief := h2Server(t, func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") })
	for _, status := range []int{301, 302, 303, 307, 308} {
		honest := h2Server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief+r.URL.Path, status) })
		if _, err := remote.Dial(t.Context(), honest, &remote.Options{Token: token}); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("a redirect (%d): %v", status, err)
		}
	}
	select {
	case h := <-stolen:
		t.Errorf("the token went elsewhere: %q", h)
	default:
	}
}

func h2Server(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

func TestRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	if _, err := remote.Dial(t.Context(), url, nil); !errors.Is(err, remote.ErrLost) {
		t.Errorf("a server that is not there: %v, want ErrLost", err)
	}
}

// TestAgain has the server lose all its connections between two operations.
func TestAgain(t *testing.T) {
	h, err := server.New(state.New(nil), &server.Options{Token: token})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		srv := h.NewServer()
		var serving sync.WaitGroup
		serving.Go(func() { _ = srv.Serve(l) })
		b, err := remote.Dial(t.Context(), "http://"+l.Addr().String(), &remote.Options{Token: token})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if _, err := hutch.WriteFile(t.Context(), b, "f", []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		srv.Close()
		serving.Wait()
		if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		srv = h.NewServer()
		serving.Go(func() { _ = srv.Serve(l) })
		// The loss may be noticed only by the next operation, but never by more.
		if _, err := hutch.ReadFile(t.Context(), b, "f"); err != nil && !errors.Is(err, remote.ErrLost) {
			t.Errorf("reading after a loss: %v", err)
		}
		if data, err := hutch.ReadFile(t.Context(), b, "f"); err != nil || string(data) != "x" {
			t.Errorf("reading after a loss, the second time: %q, %v", data, err)
		}
		srv.Close()
		serving.Wait()
		if l, err = net.Listen("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
	}
	l.Close()
}
