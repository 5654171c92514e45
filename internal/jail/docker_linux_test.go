//go:build amd64 || arm64

package jail

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hutch-dev/hutch/internal/need"
)

// TestDocker runs the tests of this package again in an ordinary container, where there are no user namespaces to be had, as
// root and as another user.
func TestDocker(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	host := engine0(t)
	docker := func(stdin []byte, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "docker", append([]string{"-H", host}, args...)...)
		cmd.Stdin = bytes.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := docker(emptyImage(t), "import", "-", "jail-test"); err != nil {
		need.Lacking(t, "docker", out)
	}
	dir := t.TempDir()
	copyBinary(t, filepath.Join(dir, "test"))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	common := []string{"run", "--rm", "--network", "none", "--volume", "/usr:/usr:ro", "--volume", dir + ":/t:ro", "--workdir", "/tmp"}
	for _, user := range []string{"0:0", "65534:65534"} {
		t.Run(user, func(t *testing.T) {
			out, err := docker(nil, append(slices.Clone(common), "--user", user, "jail-test", "/t/test", "-test.v", "-test.short",
				"-test.skip", "AsUser|Docker|Contained")...)
			if err != nil || !strings.Contains(out, "--- PASS: TestAttacks/restricted") || !strings.Contains(out, "Level:restricted") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	testContainers(t, docker, common)
}

// containers are those that run the tests of contained processes, by the flags that make them.
var containers = map[string][]string{
	"plain root":    {"--user", "0:0"},
	"plain user":    {"--user", "65534:65534"},
	"hardened root": {"--user", "0:0", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp:exec,mode=1777"},
	"hardened user": {"--user", "65534:65534", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--read-only", "--tmpfs", "/tmp:exec,mode=1777"},
	"tracing root":  {"--user", "0:0", "--cap-add", "SYS_PTRACE"},
}

func testContainers(t *testing.T, docker func(stdin []byte, args ...string) (string, error), common []string) {
	for name, flags := range containers {
		t.Run(name, func(t *testing.T) {
			tests := onlyInside
			if strings.HasPrefix(name, "hardened") {
				tests = insideTests
			}
			args := slices.Concat(common, flags, []string{"--env", "CONTAINED=1", "jail-test", "/t/test", "-test.v", "-test.short", "-test.run", tests})
			out, err := docker(nil, args...)
			if err != nil || !strings.Contains(out, "--- PASS: TestContainAttacks") || !strings.Contains(out, "\nPASS") {
				t.Errorf("%v\n%s", err, out)
			}
			args = slices.Concat(common, flags, []string{"--env", "CONTAINED=1", "--env", "MEMORY=1", "--env", "PIDS=1", "--memory", "64m", "--pids-limit", "100",
				"jail-test", "/t/test", "-test.v", "-test.run", "^TestContain(Memory|Bombs)$"})
			out, err = docker(nil, args...)
			if err != nil || strings.Count(out, "--- PASS: ") != 2 {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// engine0 starts a container engine for this test alone, and returns its address.
func engine0(t *testing.T) string {
	t.Helper()
	for _, prog := range []string{"dockerd", "docker"} {
		if _, err := exec.LookPath(prog); err != nil {
			need.Lacking(t, "docker", err)
		}
	}
	if os.Geteuid() != 0 {
		need.Lacking(t, "docker", "an engine needs root")
	}
	dir, err := os.MkdirTemp("", "hd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	host := "unix://" + dir + "/s"
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
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if exec.Command("docker", "-H", host, "version").Run() == nil {
			return host
		}
		select {
		case <-ended:
			need.Lacking(t, "docker", log.String())
		default:
		}
	}
	need.Lacking(t, "docker", "the engine does not answer")
	return ""
}

// emptyImage is a root with nothing in it but links into /usr, which comes from the host.
func emptyImage(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, text string) {
		h.Size = int64(len(text))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(text))
	}
	for _, dir := range []string{"usr", "etc", "proc", "sys", "dev", "root", "var"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, "")
	}
	add(tar.Header{Typeflag: tar.TypeDir, Name: "tmp", Mode: 0o1777}, "")
	for _, link := range []string{"bin", "sbin", "lib", "lib32", "lib64"} {
		add(tar.Header{Typeflag: tar.TypeSymlink, Name: link, Linkname: "usr/" + link}, "")
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/passwd", Mode: 0o644}, "root:x:0:0::/:/bin/sh\n")
	add(tar.Header{Typeflag: tar.TypeReg, Name: "etc/shadow", Mode: 0o600}, "root:*:1::::::\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
