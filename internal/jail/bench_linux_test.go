//go:build amd64 || arm64

package jail

import (
	"context"
	"os/exec"
	"testing"
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
