//go:build unix

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkMCP measures the program next to the server for files that most people
// have, in turns, with one client that does no more than write and read lines. It
// reports medians in milliseconds and their ratio.
func BenchmarkMCP(b *testing.B) {
	index := filepath.Join(npm(b), "node_modules", "@modelcontextprotocol", "server-filesystem", "dist", "index.js")
	hutch := filepath.Join(b.TempDir(), "hutch")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", hutch, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	mine := func(dir string, more ...string) []string {
		return append([]string{hutch, "--backend", "local:" + dir, "mcp"}, more...)
	}
	other := func(dir string) []string { return []string{"node", index, dir} }
	dir, err := filepath.EvalSymlinks(b.TempDir())
	text := strings.Repeat("a line of forty characters, more or less\n", 100)[:4096]
	if err == nil {
		err = os.WriteFile(dir+"/f", []byte(text), 0o644)
	}
	for _, name := range []string{"/mine", "/other"} {
		if err == nil {
			err = os.WriteFile(dir+name, []byte("one "+text[4:]), 0o644)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	b.Run("start", func(b *testing.B) {
		b.ReportMetric(0.1, "goal")
		turns(b, func() { startMCP(b, mine(dir)).stop() }, func() { startMCP(b, other(dir)).stop() })
	})
	b.Run("read", func(b *testing.B) {
		m, o := startMCP(b, mine(dir)), startMCP(b, other(dir))
		defer m.stop()
		defer o.stop()
		b.ReportMetric(0.4, "goal")
		turns(b, func() { m.use("read_file", map[string]any{"path": "f"}) },
			func() { o.use("read_text_file", map[string]any{"path": dir + "/f"}) })
	})
	b.Run("edit", func(b *testing.B) {
		m, o := startMCP(b, mine(dir)), startMCP(b, other(dir))
		defer m.stop()
		defer o.stop()
		b.ReportMetric(0.4, "goal")
		words := []string{"one ", "two "}
		turns(b, func() {
			m.use("edit_file", map[string]any{"path": "mine", "old_string": words[0], "new_string": words[1]})
		}, func() {
			o.use("edit_file", map[string]any{"path": dir + "/other", "edits": []any{map[string]any{"oldText": words[0], "newText": words[1]}}})
			words[0], words[1] = words[1], words[0]
		})
	})
	b.Run("glob", func(b *testing.B) {
		root, err := exec.Command("go", "env", "GOROOT").Output()
		if err != nil {
			b.Fatal(err)
		}
		src := filepath.Join(strings.TrimSpace(string(root)), "src")
		m, o := startMCP(b, mine(src, "--read-only")), startMCP(b, other(src))
		defer m.stop()
		defer o.stop()
		b.ReportMetric(0.1, "goal")
		turns(b, func() { m.use("glob", map[string]any{"pattern": "**/*_test.go"}) },
			func() { o.use("search_files", map[string]any{"path": src, "pattern": "**/*_test.go"}) })
	})
}

// turns times mine and other in turns and reports medians.
func turns(b *testing.B, mine, other func()) {
	b.Helper()
	var ms, os []time.Duration
	timed := func(f func()) time.Duration {
		start := time.Now()
		f()
		return time.Since(start)
	}
	for b.Loop() {
		ms = append(ms, timed(mine))
		os = append(os, timed(other))
	}
	slices.Sort(ms)
	slices.Sort(os)
	m, o := ms[len(ms)/2], os[len(os)/2]
	b.ReportMetric(float64(m)/1e6, "hutch-ms")
	b.ReportMetric(float64(o)/1e6, "other-ms")
	b.ReportMetric(float64(m)/float64(o), "ratio")
}

// measured is a server.
type measured struct {
	b *testing.B
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	id  int
}

// startMCP starts a server and lists its tools.
func startMCP(b *testing.B, argv []string) *measured {
	b.Helper()
	m := &measured{b: b, Cmd: exec.Command(argv[0], argv[1:]...)}
	m.Cmd.Stderr = io.Discard
	var err error
	if m.in, err = m.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := m.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	m.out = bufio.NewReaderSize(out, 1<<20)
	if err := m.Start(); err != nil {
		b.Fatal(err)
	}
	m.ask("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "bench", "version": "1"}})
	fmt.Fprintln(m.in, `{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	m.ask("tools/list", map[string]any{})
	return m
}

func (m *measured) stop() {
	m.in.Close()
	_ = m.Process.Kill()
	_ = m.Wait()
}

// ask waits for the answer, which must not be an error.
func (m *measured) ask(method string, params any) {
	m.b.Helper()
	m.id++
	req, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.id, "method": method, "params": params})
	if err == nil {
		_, err = m.in.Write(append(req, '\n'))
	}
	for err == nil {
		var line string
		if line, err = m.out.ReadString('\n'); err != nil || !strings.Contains(line, fmt.Sprintf(`"id":%d`, m.id)) {
			continue
		}
		if strings.Contains(line, `"isError":true`) || strings.Contains(line, `"error":`) {
			m.b.Fatalf("%s: %.500s", method, line)
		}
		return
	}
	m.b.Fatal(err)
}

func (m *measured) use(name string, args map[string]any) {
	m.b.Helper()
	m.ask("tools/call", map[string]any{"name": name, "arguments": args})
}
