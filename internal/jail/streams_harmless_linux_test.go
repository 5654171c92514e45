//go:build amd64 || arm64

package jail

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCallersFiles: a command gets a file of the caller itself only where it can do no more with it than is meant.
func TestCallersFiles(t *testing.T) {
	forLevels(t, func(t *testing.T, level Level) {
		j := openJail(t, &Config{Least: level})
		log := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(log, []byte("what was there\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(log, os.O_RDWR|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		const attack = `readlink /proc/self/fd/1; cat <&1; truncate -s 0 /proc/self/fd/1; python3 -c 'import os; os.ftruncate(1, 0); os.lseek(1, 0, 0); os.write(1, b"X")'; true`
		if _, err := j.Run(t.Context(), &Command{Args: []string{"sh", "-c", attack}, Stdout: f}); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(log)
		if err != nil || !strings.HasPrefix(string(got), "what was there\npipe:") || strings.Count(string(got), "what was there") != 1 {
			t.Errorf("the log holds %q, %v", got, err)
		}
		if stdin, err := os.Open(log); err != nil {
			t.Error(err)
		} else if o := runCommand(j, &Command{Args: []string{"head", "-n", "1"}, Stdin: stdin}); o.out != "what was there\n" {
			t.Errorf("%s", o)
		}
	}, Capped, Isolated, Restricted)
}
