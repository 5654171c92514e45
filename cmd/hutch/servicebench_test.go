//go:build unix

package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/local"
)

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
