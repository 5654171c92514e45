//go:build amd64 || arm64

package jail

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestContainMemory needs a container that has little memory.
func TestContainMemory(t *testing.T) {
	needInside(t)
	if os.Getenv("MEMORY") == "" {
		t.Skip("it runs in TestDocker")
	}
	j := openJail(t, &Config{})
	for range 3 {
		o := runCommand(j, &Command{Args: []string{"sh", "-c", "head -c 500M /dev/zero | tail -c 500M | wc -c"}})
		if o.err != nil || strings.TrimSpace(o.out) == "524288000" {
			t.Errorf("half a gigabyte: %s", o)
		}
		o = runCommand(j, &Command{Args: []string{"sh", "-c", "for i in 1 2 3 4 5 6 7 8; do head -c 30M /dev/zero | tail -c 30M | (sleep 1; wc -c) & done; wait"}})
		if o.err != nil {
			t.Errorf("many at once: %s", o)
		}
		run(t, j, "true")
	}
}

// TestContainBombs needs a container with a limit of processes.
func TestContainBombs(t *testing.T) {
	needInside(t)
	if os.Getenv("PIDS") == "" {
		t.Skip("it runs in TestDocker")
	}
	j := openJail(t, &Config{})
	for _, bomb := range forkBombs {
		o := runCommand(j, &Command{Args: []string{"sh", "-c", bomb}, Timeout: time.Second})
		if o.err != nil || o.Duration > 15*time.Second {
			t.Errorf("%s", o)
		}
		if all, _ := children(); all != 0 {
			t.Errorf("%d children are left", all)
		}
	}
	run(t, j, "true")
}

func TestContainRSS(t *testing.T) {
	needInside(t)
	j := openJail(t, &Config{})
	for range 50 {
		run(t, j, "/bin/true")
	}
	t.Logf("resident memory: %d KiB", statusField(t, os.Getpid(), "VmRSS:"))
}
