package local

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hutch-dev/hutch"
)

// TestIrregular: whatever is no file is refused at once.
func TestIrregular(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		must(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
		l, err := net.Listen("unix", filepath.Join(dir, "socket"))
		must(t, err)
		defer l.Close()
		all := []string{"pipe", "socket"}
		if unix.Mknod(filepath.Join(dir, "null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) == nil {
			all = append(all, "null") // only root can make one
		}
		for _, name := range all {
			if _, err := hutch.ReadFile(ctx, s, name); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("read %s: %v", name, err)
			}
			if _, err := hutch.WriteFile(ctx, s, name, nil, nil); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("write %s: %v", name, err)
			}
			if info, err := s.Stat(ctx, name); err != nil || info.Mode.IsRegular() {
				t.Errorf("stat %s: %+v, %v", name, info, err)
			}
		}
		for info, err := range hutch.Walk(ctx, s, ".") {
			t.Errorf("walk shows %+v, %v", info, err)
		}
		must(t, hutch.RemoveAll(ctx, s, "."))
	})
}

// TestChangeInPlace: a reader that would mix two versions fails.
func TestChangeInPlace(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		path := filepath.Join(dir, "f")
		must(t, os.WriteFile(path, make([]byte, 1000), 0o644))
		f, err := s.Open(ctx, "f")
		must(t, err)
		defer f.Close()
		buf := make([]byte, 10)
		if _, err := f.Read(buf); err != nil {
			t.Fatal(err)
		}
		must(t, os.WriteFile(path, make([]byte, 2000), 0o644)) // in place
		for err == nil {
			_, err = f.Read(buf)
		}
		if !errors.Is(err, hutch.ErrConflict) {
			t.Errorf("%v, want a conflict", err)
		}
	})
}

// TestNotUTF8: a name that cannot be said is not shown and does no harm.
func TestNotUTF8(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		must(t, os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o644))
		must(t, os.WriteFile(filepath.Join(dir, "b"), nil, 0o644))
		all, err := hutch.Collect(s.List(context.Background(), "."))
		if err != nil || len(all) != 1 || all[0].Name != "b" {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// TestTooDeep: a tree that goes deeper than names can is walked as far as they
// can say.
func TestTooDeep(t *testing.T) {
	eachTree(t, func(t *testing.T, s *Sandbox, dir string) {
		ctx := context.Background()
		must(t, os.WriteFile(filepath.Join(dir, "z"), []byte("found"), 0o644))
		fd, err := unix.Open(dir, unix.O_DIRECTORY, 0)
		must(t, err)
		part := strings.Repeat("d", 250)
		for range 30 {
			must(t, unix.Mkdirat(fd, part, 0o755))
			next, err := unix.Openat(fd, part, unix.O_DIRECTORY, 0)
			must(t, err)
			unix.Close(fd)
			fd = next
		}
		unix.Close(fd)
		found, err := hutch.Collect(hutch.Grep(ctx, s, hutch.Query{Pattern: "found"}))
		if err != nil || len(found) != 1 {
			t.Errorf("%v, %v", found, err)
		}
		if err := hutch.RemoveAll(ctx, s, part); !errors.Is(err, hutch.ErrIsDir) {
			t.Errorf("remove all: %v", err)
		}
	})
}

// TestKilled kills a process in the middle of its writes; the next Open finds
// whole files and leaves no temporary ones.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("HUTCH_TEST_WRITE_FOREVER"); dir != "" {
		writeForever(dir)
	}
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "HUTCH_TEST_WRITE_FOREVER="+dir)
	must(t, cmd.Start())
	deadline := time.Now().Add(20 * time.Second)
	for {
		if e, _ := os.ReadDir(filepath.Join(dir, staging)); len(e) > 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the writer does not write")
		}
		time.Sleep(time.Millisecond)
	}
	must(t, cmd.Process.Kill())
	cmd.Wait()
	if e, _ := os.ReadDir(filepath.Join(dir, staging)); len(e) < 2 {
		t.Fatal("nothing was left behind, so nothing is tested")
	}
	s := mustOpen(t, dir, nil)
	if _, err := os.Stat(filepath.Join(dir, staging)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("not swept: %v", err)
	}
	data, err := hutch.ReadFile(context.Background(), s, "big")
	if err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && len(data) != 8<<20 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// writeForever always has an unfinished temporary file.
func writeForever(dir string) {
	ctx := context.Background()
	s, err := Open(dir, nil)
	if err != nil {
		panic(err)
	}
	go s.Write(ctx, "never", blocked{}, nil)
	for {
		if _, err := hutch.WriteFile(ctx, s, "big", make([]byte, 8<<20), nil); err != nil {
			panic(err)
		}
	}
}

type blocked struct{}

func (blocked) Read([]byte) (int, error) { select {} }
