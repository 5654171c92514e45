package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/moby/moby/client"
)

// imported makes an image of a tar archive whose files all begin as content
// does; it goes with the test.
func imported(t *testing.T, e *engine, name string, entries []tar.Header, content []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, h := range entries {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			_, _ = w.Write(content[:h.Size])
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	resp, err := e.api.ImageImport(t.Context(), client.ImageImportSource{Source: &buf, SourceName: "-"}, name, client.ImageImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp)
	resp.Close()
	t.Cleanup(func() {
		_, _ = e.api.ImageRemove(context.Background(), name, client.ImageRemoveOptions{Force: true})
	})
}

// TestHostileImages lead to a sandbox that works or to an error that says
// something, and never to a file of this machine.
func TestHostileImages(t *testing.T) {
	e := testEngine(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755} }
	file := func(name string) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: 3}
	}
	link := func(name, to string) tar.Header {
		return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
	}
	for name, c := range map[string]struct {
		image []tar.Header
		opens bool
	}{
		"nothing in it":          {[]tar.Header{dir("etc/")}, true},
		"tmp is a file":          {[]tar.Header{file("tmp")}, false},
		"home is a file":         {[]tar.Header{file("home")}, false},
		"workspace is a file":    {[]tar.Header{file("workspace")}, false},
		"workspace links out":    {[]tar.Header{dir("a/"), link("workspace", "../../../../../.."+filepath.Dir(secret))}, false},
		"tmp links out":          {[]tar.Header{link("tmp", "../../../../../.."+filepath.Dir(secret))}, false},
		"shell replaced":         {[]tar.Header{dir("bin/"), file("bin/sh")}, true},
		"links in the workspace": {[]tar.Header{dir("workspace/"), link("workspace/out", "/../../../../.."+secret), link("workspace/loop", "loop")}, true},
	} {
		t.Run(name, func(t *testing.T) {
			image := "hutch-hostile-" + random(4)
			imported(t, e, image, c.image, []byte("xxx"))
			s, err := Open(t.Context(), &Options{Image: image})
			if err != nil {
				if c.opens {
					t.Errorf("does not open: %v", err)
				}
				if len(err.Error()) < 20 || len(err.Error()) > 2*maxSaid || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error says little: %q", err)
				}
				return
			}
			defer s.Close()
			if !c.opens {
				t.Log("opens all the same")
			}
			if _, err := hutch.WriteFile(t.Context(), s, "f", []byte("1"), nil); err != nil {
				t.Errorf("write: %v", err)
			}
			if b, err := hutch.ReadFile(t.Context(), s, "f"); string(b) != "1" {
				t.Errorf("read %q, %v", b, err)
			}
			for _, n := range []string{"out", "secret", "loop"} {
				if b, err := hutch.ReadFile(t.Context(), s, n); err == nil {
					t.Errorf("read %s: %q", n, b)
				}
			}
			entries, err := os.ReadDir(filepath.Dir(secret))
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory outside holds %v, %v", entries, err)
			}
		})
	}
}

// TestFullDisk is an error of the write, which leaves nothing.
func TestFullDisk(t *testing.T) {
	s := openTest(t, &Options{TmpSize: 1 << 20})
	if out, code := sh(t, s, "head -c 2M /dev/zero > /tmp/x"); code == 0 {
		t.Errorf("the file system in memory has no bound: %s", out)
	}
}
