package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/docker"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/hutch-dev/hutch/local"
)

func told(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(t.Context(), args, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	return out.String()
}

func has(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("no %q in:\n%s", w, text)
		}
	}
}

func TestFilesAlone(t *testing.T) {
	for _, kind := range []string{"state", "composite"} {
		has(t, told(t, kind), "-> write_file", "40 + 2", "No commands run here.", "finished after 3 steps.")
	}
}

func TestLocal(t *testing.T) {
	if runtime.GOOS != "linux" {
		need.Lacking(t, "jail", runtime.GOOS)
	}
	dir := t.TempDir()
	s, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Isolation(t.Context()); err != nil {
		s.Close()
		need.Lacking(t, "jail", err)
	}
	s.Close()
	has(t, told(t, "local", dir), "-> execute", "the sum is 42", "The script works", "finished after 4 steps.")
	if data, err := os.ReadFile(filepath.Join(dir, "project", "result.txt")); err != nil || string(data) != "the sum is 42\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestDocker(t *testing.T) {
	image := os.Getenv("HUTCH_TEST_IMAGE")
	if image == "" {
		image = "hutch-base"
	}
	sb, err := docker.Open(t.Context(), &docker.Options{Image: image})
	if err != nil {
		need.Lacking(t, "docker", err)
	}
	sb.Close()
	has(t, told(t, "docker", image), "-> execute", "the sum is 42", "The script works", "finished after 4 steps.")
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"elsewhere"}, {"local", "main.go"}} {
		if err := run(context.Background(), args, &strings.Builder{}); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
