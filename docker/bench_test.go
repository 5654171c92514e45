package docker

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/hutch-dev/hutch"
)

// cli runs the docker program, which is what is compared with.
func cli(b *testing.B, stdin io.Reader, args ...string) {
	b.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Stdin = stdin
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("docker %v: %v\n%s", args, err, out)
	}
}

// versus runs mine and other as benchmarks side by side.
func versus(b *testing.B, mine func() error, against string, other func(b *testing.B)) {
	b.Run("hutch", func(b *testing.B) {
		for b.Loop() {
			if err := mine(); err != nil {
				b.Fatal(err)
			}
		}
	})
	if _, err := exec.LookPath("docker"); err != nil {
		b.Skip(err)
	}
	b.Run(against, func(b *testing.B) {
		for b.Loop() {
			other(b)
		}
	})
}

func trueIn(b testing.TB, s *Sandbox) error {
	res, err := s.Exec(b.Context(), &hutch.Cmd{Args: []string{"true"}})
	if err == nil && res.ExitCode != 0 {
		err = fmt.Errorf("status %d", res.ExitCode)
	}
	return err
}

func BenchmarkTrue(b *testing.B) {
	s := openTest(b, nil)
	versus(b, func() error { return trueIn(b, s) }, "docker-exec", func(b *testing.B) { cli(b, nil, "exec", s.ID(), "true") })
}

func BenchmarkRead4K(b *testing.B) {
	s := openTest(b, nil)
	if _, err := hutch.WriteFile(b.Context(), s, "f", make([]byte, 4<<10), nil); err != nil {
		b.Fatal(err)
	}
	versus(b, func() error { _, err := hutch.ReadFile(b.Context(), s, "f"); return err },
		"docker-exec-cat", func(b *testing.B) { cli(b, nil, "exec", s.ID(), "cat", "/workspace/f") })
}

func BenchmarkOpen(b *testing.B) {
	testEngine(b)
	versus(b, func() error {
		s, err := Open(b.Context(), &Options{Image: testImage})
		if err != nil {
			return err
		}
		defer func() {
			b.StopTimer()
			s.Close()
			b.StartTimer()
		}()
		return trueIn(b, s)
	}, "docker-run", func(b *testing.B) { cli(b, nil, "run", "--rm", "--network", "none", testImage, "true") })
}

func BenchmarkPool(b *testing.B) {
	testEngine(b)
	p := &Pool{Options: Options{Image: testImage}}
	if err := p.Start(); err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	versus(b, func() error {
		b.StopTimer()
		if err := p.Wait(b.Context()); err != nil {
			return err
		}
		b.StartTimer()
		s, err := p.Take(b.Context())
		if err != nil {
			return err
		}
		defer func() {
			b.StopTimer()
			s.Close()
			b.StartTimer()
		}()
		return trueIn(b, s)
	}, "docker-run", func(b *testing.B) { cli(b, nil, "run", "--rm", "--network", "none", testImage, "true") })
}

func BenchmarkCopy100M(b *testing.B) {
	s := openTest(b, nil)
	data := bytes.Repeat([]byte("0123456789abcdef"), 100<<20/16)
	file := filepath.Join(b.TempDir(), "f")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		b.Fatal(err)
	}
	b.Run("in", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		versus(b, func() error {
			f, err := os.Open(file)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = s.Write(b.Context(), "big", f, nil)
			return err
		}, "docker-cp", func(b *testing.B) { cli(b, nil, "cp", file, s.ID()+":/workspace/big2") })
	})
	b.Run("out", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		versus(b, func() error {
			f, err := s.Open(b.Context(), "big")
			if err != nil {
				return err
			}
			defer f.Close()
			to, err := os.Create(file)
			if err != nil {
				return err
			}
			defer to.Close()
			_, err = io.Copy(to, f)
			return err
		}, "docker-cp", func(b *testing.B) { cli(b, nil, "cp", s.ID()+":/workspace/big2", file) })
	})
}

func BenchmarkGrep(b *testing.B) {
	s := openTest(b, nil)
	if out, code := sh(b, s, `for d in $(seq 100); do mkdir d$d; for f in $(seq 100); do echo "line one
some text that is longer, number $d-$f
	return needle$d
" > d$d/f$f.txt; done; done`); code != 0 {
		b.Fatal(out)
	}
	versus(b, func() error {
		n := 0
		for _, err := range hutch.Grep(b.Context(), s, hutch.Query{Pattern: "needle7", Literal: true}) {
			if err != nil {
				return err
			}
			n++
		}
		if n != 1100 {
			return fmt.Errorf("%d matches", n)
		}
		return nil
	}, "docker-exec-grep", func(b *testing.B) { cli(b, nil, "exec", s.ID(), "grep", "-rnF", "needle7", "/workspace") })
}
