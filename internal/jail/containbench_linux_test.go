//go:build amd64 || arm64

package jail

import (
	"context"
	"os/exec"
	"testing"
)

// BenchmarkContained comes after all others: the process is not the same afterwards.
func BenchmarkContained(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if err := exec.Command("/bin/true").Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("contained", func(b *testing.B) {
		j, err := Contain(context.Background(), &Config{Dir: b.TempDir()})
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
