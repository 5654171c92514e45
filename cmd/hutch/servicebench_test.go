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

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
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

// BenchmarkServiceRead reads 4 KiB over loopback with 64 clients, next to nginx, in
// turns.
func BenchmarkServiceRead(b *testing.B) {
	dir := b.TempDir()
	if err := os.WriteFile(dir+"/f", []byte(strings.Repeat("four", 1024)), 0o644); err != nil {
		b.Fatal(err)
	}
	other := startNginx(b, dir)
	mine := startService(b, "--only-sessions")
	session := mine.session(b, "local")
	if err := mine.ask("PUT", session+"/files/f", strings.Repeat("four", 1024)); err != nil {
		b.Fatal(err)
	}
	var ours, theirs []time.Duration
	for b.Loop() {
		o, _ := mine.storm(b, 64, 50, session+"/files/f")
		t, _ := other.storm(b, 64, 50, "/f")
		ours, theirs = append(ours, o...), append(theirs, t...)
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	for _, q := range []struct {
		name string
		at   float64
	}{{"p50", 0.5}, {"p99", 0.99}} {
		o, t := part(ours, q.at), part(theirs, q.at)
		b.ReportMetric(float64(o.Microseconds())/1000, q.name+"-ms")
		b.ReportMetric(float64(o)/float64(t), q.name+"-x-nginx")
	}
	b.ReportMetric(3, "goal-x")
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

// BenchmarkServiceClients is how the throughput changes from 1 to 64 clients.
func BenchmarkServiceClients(b *testing.B) {
	mine := startService(b, "--only-sessions")
	session := mine.session(b, "local")
	if err := mine.ask("PUT", session+"/files/f", strings.Repeat("four", 1024)); err != nil {
		b.Fatal(err)
	}
	counts := []int{1, 2, 4, 8, 16, 32, 64}
	took := map[int]time.Duration{}
	rounds := 0
	for b.Loop() {
		rounds++
		for _, c := range counts {
			_, t := mine.storm(b, c, 1920/c, session+"/files/f")
			took[c] += t
		}
	}
	best := 0.0
	rate := func(c int) float64 { return float64(rounds*(1920/c)*c) / took[c].Seconds() }
	for _, c := range counts {
		best = max(best, rate(c))
		b.ReportMetric(rate(c), fmt.Sprintf("at-%d/s", c))
	}
	b.ReportMetric(rate(64)/best, "at-64-of-best")
	b.ReportMetric(0.9, "goal")
}

// BenchmarkServiceExec runs true over HTTP, next to the same in process, in turns.
func BenchmarkServiceExec(b *testing.B) {
	near, err := local.Open(b.TempDir(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer near.Close()
	if _, err := near.Isolation(b.Context()); err != nil {
		b.Skip(err)
	}
	mine := startService(b, "--only-sessions")
	session := mine.session(b, "local")
	far := func() {
		if err := mine.ask("POST", session+"/exec", `{"args":["/bin/true"]}`); err != nil {
			b.Fatal(err)
		}
	}
	here := func() {
		if _, err := near.Exec(b.Context(), &hutch.Cmd{Args: []string{"/bin/true"}}); err != nil {
			b.Fatal(err)
		}
	}
	far()
	here()
	var ours, theirs []time.Duration
	for b.Loop() {
		begin := time.Now()
		far()
		ours = append(ours, time.Since(begin))
		begin = time.Now()
		here()
		theirs = append(theirs, time.Since(begin))
	}
	slices.Sort(ours)
	slices.Sort(theirs)
	b.ReportMetric(float64(part(ours, 0.5).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64((part(ours, 0.5)-part(theirs, 0.5)).Microseconds())/1000, "more-ms")
	b.ReportMetric(1, "goal-ms")
}

// BenchmarkServiceCreate makes sessions from a warm pool, ten a second.
func BenchmarkServiceCreate(b *testing.B) {
	if err := noDocker(); err != nil {
		b.Skip(err)
	}
	mine := startService(b, "--only-sessions", "--runtimes", dockImage, "--warm", "12", "--max-open", "1000")
	var took []time.Duration
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		begin := time.Now()
		path := mine.session(b, dockImage)
		took = append(took, time.Since(begin))
		if err := mine.ask("DELETE", path, ""); err != nil {
			b.Fatal(err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(part(took, 0.5).Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(part(took, 0.99).Microseconds())/1000, "p99-ms")
	b.ReportMetric(20, "goal-ms")
}

// BenchmarkServiceMany has many sessions open that nobody uses.
func BenchmarkServiceMany(b *testing.B) {
	for b.Loop() {
		mine := startService(b, "--only-sessions", "--max-open", "2000", "--max-sessions", "2000")
		for range 1000 {
			mine.session(b, "state")
		}
		for range 200 {
			mine.session(b, "local")
		}
		b.ReportMetric(resident(mine.pid)/(1<<20), "MiB")
		b.ReportMetric(2048, "goal-MiB")
	}
}
