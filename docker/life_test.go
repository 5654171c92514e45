package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/helper"
	"github.com/hutch-dev/hutch/internal/need"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// ownerMain opens a sandbox, says its id, and waits to be killed.
func ownerMain(name string) {
	o := Options{Image: testImage, Lease: time.Second, Plain: name == "plain"}
	s, err := Open(context.Background(), &o)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println(s.ID())
	select {}
}

// gone waits until the engine has no such container.
func gone(t *testing.T, e *engine, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	res := e.api.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-res.Result:
	case err := <-res.Error:
		if err != nil && !notFound(err) {
			t.Fatal(err)
		}
	}
	if _, err := e.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); !notFound(err) {
		t.Errorf("the container is still there: %v", err)
	}
}

// TestOwnerKilled leaves nothing behind, with and without a helper.
func TestOwnerKilled(t *testing.T) {
	e := testEngine(t)
	for _, way := range []string{"helper", "plain"} {
		t.Run(way, func(t *testing.T) {
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), "HUTCH_TEST_OWNER="+way)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			id := strings.TrimSpace(line)
			if len(id) != 64 {
				t.Fatal(line)
			}
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			gone(t, e, id)
		})
	}
}

// TestDetach leaves the container to whoever attaches, who finds the files and
// what was started is dead.
func TestDetach(t *testing.T) {
	e := testEngine(t)
	ctx := t.Context()
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%v", plain), func(t *testing.T) {
			s := openTest(t, &Options{Plain: plain})
			if _, err := hutch.WriteFile(ctx, s, "a/b", []byte("kept"), nil); err != nil {
				t.Fatal(err)
			}
			if err := s.Detach(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Stat(ctx, "."); !errors.Is(err, hutch.ErrClosed) {
				t.Errorf("after Detach: %v", err)
			}
			again, err := Attach(ctx, s.ID(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := hutch.ReadFile(ctx, again, "a/b"); string(b) != "kept" {
				t.Errorf("read %q, %v", b, err)
			}
			if out, code := sh(t, again, "cat a/b"); out != "kept" || code != 0 {
				t.Errorf("a command says %q, %d", out, code)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
			gone(t, e, s.ID())
		})
	}
}

// TestTwoOwners work on the same files.
func TestTwoOwners(t *testing.T) {
	s := openTest(t, nil)
	other, err := Attach(t.Context(), s.ID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hutch.WriteFile(t.Context(), other, "x", []byte("1"), nil); err != nil {
		t.Fatal(err)
	}
	if b, err := hutch.ReadFile(t.Context(), s, "x"); string(b) != "1" {
		t.Errorf("%q, %v", b, err)
	}
	if err := other.Detach(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := s.Stat(t.Context(), "x"); err != nil {
		t.Errorf("the first owner after the second has left: %v", err)
	}
}

// TestNamed takes over a container of the same options, and no other.
func TestNamed(t *testing.T) {
	testEngine(t)
	ctx := t.Context()
	o := Options{Image: testImage, Name: "hutch-test-" + random(4), Idle: -1}
	s := openTest(t, &o)
	if _, err := hutch.WriteFile(ctx, s, "x", []byte("1"), nil); err != nil {
		t.Fatal(err)
	}
	other := o
	other.Memory = 64 << 20
	if _, err := Open(ctx, &other); !errors.Is(err, fs.ErrExist) {
		t.Errorf("other options: %v", err)
	}
	if err := s.Detach(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.e.api.ContainerKill(ctx, s.ID(), client.ContainerKillOptions{}); err != nil {
		t.Fatal(err)
	}
	again := openTest(t, &o) // it was kept, and is started again
	if again.ID() != s.ID() {
		t.Error("another container of the same name")
	}
	if b, err := hutch.ReadFile(ctx, again, "x"); string(b) != "1" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestAttachStrangers(t *testing.T) {
	e := testEngine(t)
	if _, err := Attach(t.Context(), "hutch-no-such", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no container: %v", err)
	}
	if _, err := Attach(t.Context(), "../x", nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no name: %v", err)
	}
	made, err := e.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{Image: testImage, Cmd: []string{"/bin/true"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.remove(context.Background(), made.ID)
	if _, err := Attach(t.Context(), made.ID, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a stranger's container: %v", err)
	}
}

// TestContainerDies gives an error to whoever waits for a command or reads a
// file, never a status.
func TestContainerDies(t *testing.T) {
	for _, plain := range []bool{false, true} {
		t.Run(fmt.Sprintf("plain=%v", plain), func(t *testing.T) {
			s := openTest(t, &Options{Plain: plain})
			ended := make(chan error, 1)
			started := make(chan struct{})
			cmd := hutch.Shell("echo up; sleep 60")
			cmd.Stdout = &signalWriter{c: started}
			go func() {
				_, err := s.Exec(context.Background(), cmd)
				ended <- err
			}()
			<-started
			if _, err := s.e.api.ContainerKill(t.Context(), s.ID(), client.ContainerKillOptions{}); err != nil {
				t.Fatal(err)
			}
			select {
			case err := <-ended:
				if !errors.Is(err, ErrLost) {
					t.Errorf("error %v", err)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("Exec hangs")
			}
			if _, err := s.Stat(t.Context(), "."); err == nil {
				t.Error("there are files in a dead container")
			}
		})
	}
}

// signalWriter says when it is first written to.
type signalWriter struct {
	c    chan struct{}
	once bool
}

func (w *signalWriter) Write(p []byte) (int, error) {
	if !w.once {
		w.once = true
		close(w.c)
	}
	return len(p), nil
}

// TestSweep removes what has ended and leaves what has not.
func TestSweep(t *testing.T) {
	e := testEngine(t)
	now := time.Now()
	old := now.Add(-time.Hour).Unix()
	o := Options{}
	o.complete(1)
	i := newIdentity(&o, "img")
	ours := i.labels(&o)
	o.Idle = -1
	kept := newIdentity(&o, "img")
	keptLabels := kept.labels(&o)
	for _, c := range []struct {
		what string
		c    container.Summary
		want bool
	}{
		{"ended", container.Summary{Labels: ours, State: container.StateExited, Created: old}, true},
		{"running", container.Summary{Labels: ours, State: container.StateRunning, Created: old}, false},
		{"being started", container.Summary{Labels: ours, State: container.StateCreated, Created: now.Unix()}, false},
		{"never started", container.Summary{Labels: ours, State: container.StateCreated, Created: old}, true},
		{"kept, ended", container.Summary{Labels: keptLabels, State: container.StateExited, Created: old}, false},
		{"a stranger's", container.Summary{State: container.StateExited, Created: old}, false},
		{"placing, old", container.Summary{Labels: map[string]string{labelPrefix + "placing": "x"}, State: container.StateCreated, Created: old}, true},
	} {
		if got := leftover(c.c, now); got != c.want {
			t.Errorf("%s: leftover is %v", c.what, got)
		}
	}
	left, err := e.api.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config:     &container.Config{Image: testImage, Labels: ours, Cmd: []string{"/bin/true"}},
		HostConfig: &container.HostConfig{NetworkMode: "none"},
	})
	if err == nil {
		_, err = e.api.ContainerStart(t.Context(), left.ID, client.ContainerStartOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
	wait := e.api.ContainerWait(t.Context(), left.ID, client.ContainerWaitOptions{})
	select {
	case <-wait.Result:
	case err := <-wait.Error:
		t.Fatal(err)
	}
	s := openTest(t, nil) // opening sweeps as well: the leftover may be gone already
	if _, err := Sweep(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	gone(t, e, left.ID)
	if _, err := s.Stat(t.Context(), "."); err != nil {
		t.Errorf("an open sandbox after a sweep: %v", err)
	}
}

// TestDoorway lets the one in who knows the key, and nobody else, however many
// others there are.
func TestDoorway(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	d := newDoorway("unix:///x", "id")
	if d == nil {
		need.Lacking(t, "docker", "no socket can be made here")
	}
	defer d.close()
	socket := doorwayOf("id") + "/" + doorwayFile
	var others []net.Conn
	for i := range 20 {
		c, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		others = append(others, c)
		if i%2 == 0 {
			_ = helper.WriteLine(c, helper.Hello{Key: "wrong"})
		}
	}
	go func() {
		c, err := net.Dial("unix", socket)
		if err == nil {
			_ = helper.WriteLine(c, helper.Hello{Key: "right"})
			_, _ = c.Write([]byte("x"))
		}
	}()
	conn, err := d.accept(t.Context(), "right")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var one [1]byte
	if _, err := io.ReadFull(conn, one[:]); err != nil || one[0] != 'x' {
		t.Errorf("%q, %v", one, err)
	}
	for i, c := range others {
		if _, err := c.Read(one[:]); err == nil {
			t.Errorf("stranger %d was answered", i)
		}
	}
	if _, err := net.Dial("unix", socket); err == nil {
		t.Error("the socket is still open")
	}
}
