package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"testing/iotest"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/moby/moby/client"
)

// ownEngine starts an engine that the test may kill.
func ownEngine(t *testing.T) (host string, kill func()) {
	t.Helper()
	if _, err := exec.LookPath("dockerd"); err != nil {
		need.Lacking(t, "docker", err)
	}
	if os.Geteuid() != 0 {
		need.Lacking(t, "docker", "an engine needs root")
	}
	dir, err := os.MkdirTemp("", "hd")
	if err != nil {
		t.Fatal(err)
	}
	host = "unix://" + dir + "/s"
	cmd := exec.Command("dockerd", "-H", host, "--data-root", dir+"/data", "--exec-root", dir+"/exec", "--pidfile", dir+"/pid",
		"--bridge", "none", "--iptables=false", "--ip6tables=false")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		need.Lacking(t, "docker", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		os.RemoveAll(dir)
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		e, err := dial(t.Context(), host)
		if err == nil {
			e.close()
			return host, func() { _ = cmd.Process.Kill(); <-ended }
		}
		if time.Now().After(end) {
			need.Lacking(t, "docker", log.String())
		}
	}
}

// slowReader gives one piece and then waits, so that a write is in its middle.
type slowReader struct {
	first chan struct{}
	rest  chan struct{}
	sent  bool
}

func (r *slowReader) Read(p []byte) (int, error) {
	if !r.sent {
		r.sent = true
		return copy(p, "half of it"), nil
	}
	select {
	case <-r.first:
	default:
		close(r.first)
	}
	<-r.rest
	return 0, iotest.ErrTimeout
}

// TestDiesInTheMiddle kills the container under a write and a read: both are
// errors, soon, and the file that was there is whole.
func TestDiesInTheMiddle(t *testing.T) {
	s := openTest(t, &Options{Name: "hutch-test-" + random(4), Idle: -1})
	ctx := t.Context()
	if _, err := hutch.WriteFile(ctx, s, "f", []byte("whole"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(ctx, "big", io.LimitReader(zeros{}, 8<<20), nil); err != nil {
		t.Fatal(err)
	}
	f, err := s.Open(ctx, "big")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := &slowReader{first: make(chan struct{}), rest: make(chan struct{})}
	wrote := make(chan error, 1)
	go func() {
		_, err := s.Write(context.Background(), "f", r, nil)
		wrote <- err
	}()
	<-r.first
	if _, err := s.e.api.ContainerKill(ctx, s.ID(), client.ContainerKillOptions{}); err != nil {
		t.Fatal(err)
	}
	close(r.rest)
	if err := <-wrote; err == nil {
		t.Error("the write says it was done")
	}
	if n, err := io.Copy(io.Discard, f); err == nil && n < 8<<20 {
		t.Errorf("the read ends after %d bytes without an error", n)
	}
	again, err := Attach(ctx, s.Name(), nil) // it was kept, and starts again
	if err != nil {
		t.Fatal(err)
	}
	if b, err := hutch.ReadFile(ctx, again, "f"); string(b) != "whole" {
		t.Errorf("the file is %q, %v", b, err)
	}
	if entries, err := hutch.Collect(again.List(ctx, ".")); len(entries) != 2 {
		t.Errorf("there are %v, %v", entries, err)
	}
	if err := again.Detach(ctx); err != nil {
		t.Error(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestEngineDies under a command. Where the helper is reached past the engine
// it may go on; over the engine's stream it is an error. It never is a status
// that was not reported.
func TestEngineDies(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for _, way := range []string{"socket", "stream"} {
		t.Run(way, func(t *testing.T) {
			host, kill := ownEngine(t)
			e, err := dial(t.Context(), host)
			if err != nil {
				t.Fatal(err)
			}
			defer e.close()
			if way == "stream" {
				e.setApart()
			}
			image := testSystem(t, e)
			s, err := Open(t.Context(), &Options{Host: host, Image: image, Lease: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			started := make(chan struct{})
			go func() {
				cmd := &hutch.Cmd{Args: []string{"/busybox", "sh", "-c", "echo up; /busybox sleep 5; exit 7"}, Stdout: &signalWriter{c: started}}
				res, err := s.Exec(context.Background(), cmd)
				if err == nil && res.ExitCode != 7 {
					err = errors.New("a status that was not reported")
				} else if err != nil && errors.Is(err, ErrLost) {
					err = nil
				}
				ended <- err
			}()
			<-started
			kill()
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(20 * time.Second):
				t.Error("Exec hangs")
			}
			s.mu.Lock()
			s.release()
			s.mu.Unlock()
		})
	}
}

// testSystem makes an image with one program in it.
func testSystem(t *testing.T, e *engine) string {
	t.Helper()
	busybox, err := os.ReadFile("/bin/busybox")
	if err != nil {
		need.Lacking(t, "docker", err)
	}
	const name = "hutch-test-system"
	imported(t, e, name, []tar.Header{
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "busybox", Mode: 0o755, Size: int64(len(busybox))},
	}, busybox)
	return name
}
