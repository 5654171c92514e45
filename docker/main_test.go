package docker

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/need"
)

// testImage is a small system with a shell. It is made by whoever runs the
// tests: "debootstrap" and "docker import" in .ci/run.
var testImage = first(os.Getenv("HUTCH_TEST_IMAGE"), "hutch-base")

// TestMain makes the helper where the test itself is not a static program, and
// plays the owner that gets killed.
func TestMain(m *testing.M) {
	if name := os.Getenv("HUTCH_TEST_OWNER"); name != "" {
		ownerMain(name)
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	if _, err := examine("/proc/self/exe", runtime.GOARCH); err != nil && os.Getenv(EnvHelper) == "" {
		dir, err := os.MkdirTemp("", "hutch-helper-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		prog := filepath.Join(dir, "hutch-linux-"+runtime.GOARCH)
		build := exec.Command("go", "build", "-o", prog, "../cmd/hutch")
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		os.Setenv(EnvHelper, prog)
	}
	status := m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, _ = Sweep(ctx, "")
	return status
}

// testEngine is the engine of the tests, with the test image on it.
func testEngine(t testing.TB) *engine {
	t.Helper()
	e, err := dial(context.Background(), "")
	if err != nil {
		need.Lacking(t, "docker", err)
	}
	t.Cleanup(e.close)
	if _, err := e.imageID(context.Background(), testImage); err != nil {
		need.Lacking(t, "docker", fmt.Sprintf("the engine has no image %s: %v", testImage, err))
	}
	return e
}

func openTest(t testing.TB, o *Options) *Sandbox {
	t.Helper()
	testEngine(t)
	own := Options{Image: testImage}
	if o != nil {
		own = *o
		if own.Image == "" && own.Runtime == nil {
			own.Image = testImage
		}
	}
	s, err := Open(context.Background(), &own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sh runs a script and returns what it printed and its status.
func sh(t testing.TB, s hutch.Execer, script string) (string, int) {
	t.Helper()
	cmd := hutch.Shell(script)
	var out hutch.Capture
	cmd.Stdout, cmd.Stderr = &out, &out
	res, err := s.Exec(context.Background(), cmd)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return strings.TrimSpace(out.String()), res.ExitCode
}
