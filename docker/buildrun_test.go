package docker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestBuildFails(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"echo early", `i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "line $i of $$ $(printf %0600d 0)"; done; printf 'bar 1\rbar 2\rbar 3'; exit 7`, "echo late"}
		var progress bytes.Buffer
		o.Progress = &progress
		_, err := e.imageOf(t.Context(), r, o)
		var failed *BuildError
		if !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if failed.Runtime != r.Name || !strings.Contains(failed.Step, "] "+r.Setup[1][:30]) || failed.Err.Error() != "exit status 7" {
			t.Errorf("%+v", failed)
		}
		lines := strings.Split(failed.Output, "\n")
		if len(lines) != 20 || !strings.HasPrefix(lines[0], "line 32 of ") || len(lines[0]) > 510 || lines[19] != "bar 3" {
			t.Errorf("output of %d lines: %q", len(lines), lines)
		}
		if text := err.Error(); len(text) > 12_000 || !strings.Contains(text, "line 50") {
			t.Errorf("%d bytes: %s", len(text), text)
		}
		if strings.Contains(progress.String(), "late") {
			t.Error("it went on")
		}
		if all, err := e.builtImages(t.Context(), runtimeFilter(r.Name)); err != nil || len(all) > 0 {
			t.Errorf("left behind: %+v %v", all, err)
		}
	})
}

// TestBuildCancelled ends a build whose command holds a connection, which ends
// with the command.
func TestBuildCancelled(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		r := testRuntime(t, e)
		r.Setup = []string{fmt.Sprintf(`python3 -c 'import socket; s=socket.create_connection(("127.0.0.1",%d)); s.send(b"here\n"); s.recv(1)'`, l.Addr().(*net.TCPAddr).Port)}
		o.Network = "host"
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := e.imageOf(ctx, r, o)
			done <- err
			l.Close()
		}()
		conn, err := l.Accept()
		if err != nil {
			t.Fatal("the command never came: ", <-done)
		}
		defer conn.Close()
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "here\n" {
			t.Fatal(line, err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
			t.Errorf("the command is still there: %v", err)
		}
	})
}

// TestBuildTogether builds one runtime in what the engine takes for four processes.
func TestBuildTogether(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"echo together"}
		images := make([]string, 4)
		var wg sync.WaitGroup
		for i := range images {
			wg.Go(func() {
				own := &engine{api: e.api, host: fmt.Sprint("process", i/2)}
				image, err := own.imageOf(t.Context(), r, o)
				if err != nil {
					t.Error(err)
				}
				images[i] = image
			})
		}
		wg.Wait()
		if len(slices.Compact(images)) != 1 {
			t.Errorf("%q", images)
		}
		if got := inside(t, e, images[0], "1000:1000", "echo $0"); got != "sh\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestBuildProgressFails(t *testing.T) {
	builders(t, func(t *testing.T, e *engine, o *BuildOptions) {
		r := testRuntime(t, e)
		r.Setup = []string{"sleep 60"} // it is stopped on the engine before
		o.Progress = failingWriter{}
		if _, err := e.imageOf(t.Context(), r, o); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%v", err)
		}
	})
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }
