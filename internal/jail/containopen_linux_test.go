//go:build amd64 || arm64

package jail

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestContainRefuses(t *testing.T) {
	needInside(t)
	dir := t.TempDir()
	for name, c := range map[string]*Config{
		"nil": nil, "level": {Dir: dir, Least: Restricted}, "ceiling": {Dir: dir, Ceiling: new(Level)}, "mount": {Dir: dir, Mount: "/w"},
		"visible": {Dir: dir, Visible: []string{}}, "network": {Dir: dir, Network: true}, "protect": {Dir: dir, Protect: []string{"a"}},
		"hide": {Dir: dir, Hide: []string{"a"}}, "no folder": {}, "missing": {Dir: dir + "/missing"}, "env": {Dir: dir, Env: []string{"x"}},
	} {
		if j, err := Contain(context.Background(), c); err == nil || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
			j.Close()
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Contain(ctx, &Config{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	j := openJail(t, &Config{Dir: dir})
	if _, err := Contain(context.Background(), &Config{Dir: dir}); err == nil {
		t.Error("two at a time")
	}
	if j.Root() != dir || j.Level() != Unconfined {
		t.Errorf("root %q level %s", j.Root(), j.Level())
	}
	for _, l := range j.Layers() {
		if l.Name == "" || l.Detail == "" || l.OK != (l.Missing == "") {
			t.Errorf("%+v", l)
		}
	}
	if l := layer(t, j, "signals"); l.OK != (os.Getenv("LANDLOCK") == "" && landlockVersion() >= scopingLandlock) {
		t.Errorf("%+v", l)
	}
}

func TestContainEnvironment(t *testing.T) {
	needInside(t)
	t.Setenv("SECRET_TOKEN", "hunter2")
	j := openJail(t, &Config{Env: []string{"A=1", "B=1"}})
	o := runCommand(j, &Command{Args: []string{"env"}, Env: []string{"B=2"}})
	if want := "A=1\nB=2\nPATH=" + strings.Join(programDirs, ":") + "\nPWD=" + j.Root() + "\n"; o.out != want {
		t.Errorf("%s, want %s", o, want)
	}
	j.Close()
	j = openJail(t, &Config{Env: []string{"PATH=/bin"}})
	if got := run(t, j, "env"); got != "PATH=/bin\nPWD="+j.Root()+"\n" {
		t.Errorf("%q", got)
	}
}

// TestContainLeavesNothing opens and closes: goroutines, descriptors and the limit that carries the tag are as before.
func TestContainLeavesNothing(t *testing.T) {
	needInside(t)
	dir := t.TempDir()
	descriptors := func() int { l, _ := os.ReadDir("/proc/self/fd"); return len(l) }
	openJail(t, &Config{Dir: dir}).Close() // what is made once
	goroutines, fds, tag := runtime.NumGoroutine(), descriptors(), tagOf(0)
	for range 3 {
		j := openJail(t, &Config{Dir: dir, Limits: Limits{Processes: 500}})
		m := marker()
		ended := make(chan outcome)
		go func() {
			ended <- runCommand(j, &Command{Args: []string{"sh", "-c", "setsid sleep " + m + " & touch up; sleep " + m}})
		}()
		eventually(t, "it runs", func() bool { _, err := os.Stat(dir + "/up"); return err == nil })
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		if left := processesNamed(m); left != nil {
			t.Errorf("%v live on", left)
		}
		if o := <-ended; !errors.Is(o.err, ErrClosed) {
			t.Errorf("%s", o)
		}
		_ = os.Remove(dir + "/up")
	}
	eventually(t, "goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	if n := descriptors(); n != fds {
		t.Errorf("%d descriptors, %d before", n, fds)
	}
	if tagOf(0) != tag {
		t.Errorf("the tag is %d, it was %d", tagOf(0), tag)
	}
}

func TestContainDescriptors(t *testing.T) {
	needInside(t)
	fd, err := unix.Open("/dev/null", unix.O_RDWR, 0) // without O_CLOEXEC, as somebody has left it
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	j := openJail(t, &Config{})
	if got := run(t, j, "ls", "/proc/self/fd"); got != "0\n1\n2\n3\n" { // ls has one of its own
		t.Errorf("descriptors %q", got)
	}
}

// TestContainProcesses: the limit does not bind root, whose processes are counted.
func TestContainProcesses(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{Limits: Limits{Processes: 60}})
	if got := shell(t, j, "sleep 0.3; ulimit -p"); got != "60\n" {
		t.Errorf("%q", got)
	}
	root := os.Geteuid() == 0
	if l := layer(t, j, "process limit"); l.OK == root {
		t.Errorf("%+v", l)
	}
	if !root {
		return
	}
	o := runCommand(j, &Command{Args: []string{"sh", "-c", "i=0; while [ $i -lt 400 ]; do sleep 20 & i=$((i+1)); done; wait"}})
	if o.Signal != "SIGKILL" {
		t.Errorf("%s", o)
	}
	run(t, j, "true")
}
