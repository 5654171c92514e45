//go:build amd64 || arm64

package jail

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The benchmarks come in pairs: what a jail costs, and what the same costs without one.

func BenchmarkTrue(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command("/bin/true").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, level := range []Level{Capped, Isolated, Restricted, Unconfined} {
		b.Run(level.String(), func(b *testing.B) {
			j, err := Start(context.Background(), &Config{Dir: b.TempDir(), Least: level, Ceiling: &level})
			if err != nil {
				b.Skip(err)
			}
			defer j.Close()
			for b.Loop() {
				if st, err := j.Run(context.Background(), &Command{Args: []string{"/bin/true"}}); err != nil || st.ExitCode != 0 {
					b.Fatal(st, err)
				}
			}
		})
	}
}

func BenchmarkStart(b *testing.B) {
	bwrap, err := exec.LookPath("bwrap")
	if err == nil {
		b.Run("bwrap", func(b *testing.B) {
			for b.Loop() {
				if err := exec.Command(bwrap, "--ro-bind", "/", "/", "--unshare-all", "true").Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, level := range []Level{Capped, Isolated, Restricted} {
		b.Run(level.String(), func(b *testing.B) {
			dir := b.TempDir()
			for b.Loop() {
				j, err := Start(context.Background(), &Config{Dir: dir, Least: level, Ceiling: &level})
				if err != nil {
					b.Skip(err)
				}
				if st, err := j.Run(context.Background(), &Command{Args: []string{"/bin/true"}}); err != nil || st.ExitCode != 0 {
					b.Fatal(st, err)
				}
				b.StopTimer()
				j.Close()
				b.StartTimer()
			}
		})
	}
}

func TestHelperMemory(t *testing.T) {
	j := openJail(t, &Config{Least: Isolated})
	for range 50 {
		run(t, j, "/bin/true")
	}
	rss := statusField(t, j.engine.(*link).proc.Pid, "VmRSS:")
	t.Logf("resident memory of the helper: %d KiB", rss)
	if rss > 12<<10 && !raceEnabled {
		t.Errorf("%d KiB, want at most 12 MiB", rss)
	}
}

// BenchmarkConfined is what confinements add to a command: none, names without wildcards, and patterns over 10 000 files in 1 000
// folders, with the kernel telling of changes and without.
func BenchmarkConfined(b *testing.B) {
	dir := b.TempDir()
	for i := range 1000 {
		sub := filepath.Join(dir, fmt.Sprintf("a%d/b%d/c%d", i%10, i/10%10, i/100))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for k := range 10 {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("file%d.txt", k)), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	names := Confinement{Hide: []string{"a1/b1/secret"}, Protect: []string{"a2/b2/config", ".vscode"}}
	patterns := Confinement{Hide: []string{"!**/.env.example", "**/.env", "**/.env.*", "**/*.pem", "**/*.key", "**/.ssh/**", "**/.aws/**",
		"**/id_rsa", "**/.netrc"}, Protect: []string{"**/.npmrc", "**/.vscode/**", "**/*.lock"}}
	for _, c := range []struct {
		name string
		c    Confinement
		poll bool
	}{{"none", Confinement{}, false}, {"names", names, false}, {"patterns", patterns, false}, {"patternsPolled", patterns, true}} {
		b.Run(c.name, func(b *testing.B) {
			pollFolders = c.poll
			defer func() { pollFolders = false }()
			j := openJail(b, &Config{Dir: dir})
			began := time.Now()
			confineJail(b, j, c.c)
			b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "ms-to-confine")
			for b.Loop() {
				if st, err := j.Run(context.Background(), &Command{Args: []string{"/bin/true"}}); err != nil || st.ExitCode != 0 {
					b.Fatal(st, err)
				}
			}
		})
	}
}
