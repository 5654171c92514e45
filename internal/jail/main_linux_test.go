//go:build amd64 || arm64

package jail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/need"
)

// The test binary plays other parts too, each chosen by an environment variable: the attacker inside a jail, and the owner
// of a jail who gets killed.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("ENTER") != "":
		enterMain()
	case os.Getenv("ATTACK") != "":
		attackMain(os.Getenv("ATTACK"))
	case os.Getenv("OWNER") != "":
		ownerMain(os.Getenv("OWNER"))
	default:
		os.Exit(m.Run())
	}
}

// openJail opens a jail of exactly the level Least for one test.
func openJail(t testing.TB, c *Config) *Jail {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	if inside {
		return openContained(t, c)
	}
	if c.Ceiling == nil {
		c.Ceiling = &c.Least
	}
	j, err := Start(context.Background(), c)
	if err != nil && c.Least == Capped && os.Geteuid() != 0 {
		t.Skip(err) // few machines give a user control groups
	}
	if err != nil {
		need.Lacking(t, "jail", err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

type outcome struct {
	Status
	out, errs string
	err       error
}

func (o outcome) String() string {
	return fmt.Sprintf("status %+v error %v\nstdout: %s\nstderr: %s", o.Status, o.err, o.out, o.errs)
}

func runCommand(j *Jail, c *Command) outcome {
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	st, err := j.Run(ctx, c)
	return outcome{st, out.String(), errs.String(), err}
}

// run runs a command that must work, and returns what it printed.
func run(t testing.TB, j *Jail, args ...string) string {
	t.Helper()
	o := runCommand(j, &Command{Args: args})
	if o.err != nil || o.ExitCode != 0 {
		t.Fatalf("%q: %s", args, o)
	}
	return o.out
}

func shell(t testing.TB, j *Jail, script string) string {
	t.Helper()
	return run(t, j, "sh", "-c", script)
}

// copyBinary copies the test binary to where commands can reach it.
func copyBinary(t testing.TB, dst string) {
	t.Helper()
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// statusField reads a number of /proc/PID/status.
func statusField(t testing.TB, pid int, field string) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), field)
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// processesNamed lists the processes of this machine that have marker among their arguments.
func processesNamed(marker string) (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte(marker)) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			if pid != os.Getpid() {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("still not: %s", what)
}

// forLevels runs a test at every level, or once in a contained process.
func forLevels(t *testing.T, test func(t *testing.T, level Level), levels ...Level) {
	if inside {
		test(t, Unconfined)
		return
	}
	if levels == nil {
		levels = []Level{Capped, Isolated, Restricted, Unconfined}
	}
	for _, level := range levels {
		t.Run(level.String(), func(t *testing.T) { test(t, level) })
	}
}

// TestAsUser runs the tests of this package again as a user without privileges.
func TestAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is a user already")
	}
	const uid = 65534
	dir, err := os.MkdirTemp("", "hutch-user-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "test")
	copyBinary(t, bin)
	for _, p := range []string{dir, bin} {
		if err := os.Chown(p, uid, uid); err != nil {
			need.Lacking(t, "jail", err)
		}
	}
	args := []string{"-test.short", "-test.skip", "Speed|Benchmark|Docker"}
	if testing.Verbose() {
		args = append(args, "-test.v")
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
