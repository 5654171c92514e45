//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// loader sends one request many times from many clients that keep their connections.
type loader struct {
	url, token string
	client     *http.Client
	pid        int
}

func newLoader(url, token string, clients int) *loader {
	t := &http.Transport{MaxIdleConnsPerHost: clients, MaxConnsPerHost: clients, DisableCompression: true}
	return &loader{url: url, token: token, client: &http.Client{Transport: t}}
}

func (a *loader) ask(method, path, body string) error {
	r, err := http.NewRequest(method, a.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+a.token)
	resp, err := a.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return err
}

// storm is how long each of the requests took, n by each client.
func (a *loader) storm(b *testing.B, clients, n int, path string) (took []time.Duration, all time.Duration) {
	b.Helper()
	per := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	start := time.Now()
	for c := range clients {
		wg.Go(func() {
			for range n {
				begin := time.Now()
				if err := a.ask("GET", path, ""); err != nil {
					b.Error(err)
					return
				}
				per[c] = append(per[c], time.Since(begin))
			}
		})
	}
	wg.Wait()
	all = time.Since(start)
	took = slices.Concat(per...)
	slices.Sort(took)
	return took, all
}

// part is a quantile of what is sorted.
func part(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(float64(len(sorted))*q))]
}

// startService starts the program, built as it is shipped.
func startService(b *testing.B, args ...string) *loader {
	b.Helper()
	prog := filepath.Join(b.TempDir(), "hutch")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", prog, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	cmd := exec.Command(prog, append([]string{"--json", "serve", "--addr", "127.0.0.1:0", "--data", b.TempDir()}, args...)...)
	cmd.Dir = b.TempDir()
	cmd.Env = append(os.Environ(), "HUTCH_TOKEN="+serviceToken)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	var said struct{ URL string }
	line, _ := bufio.NewReader(out).ReadBytes('\n')
	if err := json.Unmarshal(line, &said); err != nil {
		b.Fatalf("%s: %v", line, err)
	}
	a := newLoader(said.URL, serviceToken, 64)
	a.pid = cmd.Process.Pid
	return a
}

// startNginx serves a folder on loopback with a worker for each processor.
func startNginx(b *testing.B, dir string) *loader {
	b.Helper()
	prog, err := exec.LookPath("nginx")
	if err != nil {
		if prog, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			b.Skip("no nginx to compare with")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	work := b.TempDir()
	conf := fmt.Sprintf(`daemon off; worker_processes auto; pid %[1]s/pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 1000000; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
server { listen %[2]s; root %[3]s; } }`, work, addr, dir)
	if err := os.WriteFile(work+"/conf", []byte(conf), 0o600); err != nil {
		b.Fatal(err)
	}
	_ = os.Chmod(dir, 0o755)
	for d := filepath.Dir(dir); d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // the workers are somebody else
	}
	cmd := exec.Command(prog, "-p", work, "-c", work+"/conf")
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	a := newLoader("http://"+addr, "", 64)
	for i := 0; a.ask("GET", "/f", "") != nil; i++ {
		if i > 200 {
			b.Fatal("nginx does not serve")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return a
}

// session makes one and returns its path.
func (a *loader) session(b *testing.B, runtime string) string {
	b.Helper()
	id := fmt.Sprintf("bench-%d", time.Now().UnixNano())
	if err := a.ask("POST", "/v1/sessions", fmt.Sprintf(`{"id":%q,"runtime":%q}`, id, runtime)); err != nil {
		b.Fatal(err)
	}
	return "/v1/sessions/" + id
}
