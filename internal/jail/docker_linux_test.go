//go:build amd64 || arm64

package jail

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDocker runs the tests of this package again in an ordinary container, where there are no user namespaces to be had, as
// root and as another user.
func TestDocker(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	host := engine0(t)
	docker := func(stdin []byte, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, "docker", append([]string{"-H", host}, args...)...)
		cmd.Stdin = bytes.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := docker(emptyImage(t), "import", "-", "jail-test"); err != nil {
		lacking(t, "docker", out)
	}
	dir := t.TempDir()
	copyBinary(t, filepath.Join(dir, "test"))
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"0:0", "65534:65534"} {
		t.Run(user, func(t *testing.T) {
			out, err := docker(nil, "run", "--rm", "--network", "none", "--user", user, "--volume", "/usr:/usr:ro", "--volume", dir+":/t:ro",
				"--workdir", "/tmp", "jail-test", "/t/test", "-test.v", "-test.short", "-test.skip", "AsUser|Docker")
			if err != nil || !strings.Contains(out, "--- PASS: TestAttacks/restricted") || !strings.Contains(out, "Level:restricted") {
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
			lacking(t, "docker", err)
		}
	}
	if os.Geteuid() != 0 {
		lacking(t, "docker", "an engine needs root")
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
		lacking(t, "docker", err)
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
			lacking(t, "docker", log.String())
		default:
		}
	}
	lacking(t, "docker", "the engine does not answer")
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
