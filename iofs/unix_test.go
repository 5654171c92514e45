//go:build unix

package iofs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
)

// Where the kernel is believed, files are streamed, and a reader must notice
// what is written meanwhile.
func TestChangedWhileRead(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	file := filepath.Join(root, "f")
	if err := os.WriteFile(file, make([]byte, 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	i, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok := kernel(i); !ok {
		t.Skip("nothing is known about files here")
	}
	b := New(os.DirFS(root)).(*backend)
	if i, err := b.Stat(ctx, "f"); err != nil || !strings.Contains(i.Rev, "sha256") {
		t.Errorf("%+v, %v: the times of a file just made were believed", i, err)
	}
	b.recent = -1
	start := func() hutch.File {
		t.Helper()
		f, err := b.Open(ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if n, err := f.Read(make([]byte, 100)); n != 100 || err != nil {
			t.Fatal(n, err)
		}
		return f
	}
	f := start()
	if n, err := io.Copy(io.Discard, f); n != 9_900 || err != nil {
		t.Errorf("unchanged: %d, %v", n, err)
	}
	f = start()
	if err := os.WriteFile(file, make([]byte, 10_000), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, f); !errors.Is(err, hutch.ErrConflict) {
		t.Errorf("changed in place, of the same size: %v", err)
	}
	f = start()
	if err := os.Truncate(file, 5_000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, f); !errors.Is(err, hutch.ErrConflict) {
		t.Errorf("changed in place: %v", err)
	}
	f = start()
	if err := os.WriteFile(file+"2", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+"2", file); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, f); n != 4_900 || err != nil {
		t.Errorf("replaced: %d, %v", n, err)
	}
}

func TestPipe(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(root, "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(os.DirFS(root)).Open(context.Background(), "p"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}
