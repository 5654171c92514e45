package wire

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

func BenchmarkRead4K(b *testing.B) {
	sb := unconfined(b)
	c := far(b, sb)
	if _, err := hutch.WriteFile(b.Context(), c, "f", make([]byte, 4<<10), nil); err != nil {
		b.Fatal(err)
	}
	for name, in := range map[string]hutch.Backend{"wire": c, "local": sb} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if data, err := hutch.ReadFile(b.Context(), in, "f"); err != nil || len(data) != 4<<10 {
					b.Fatal(len(data), err)
				}
			}
		})
	}
}

func BenchmarkList(b *testing.B) {
	s := state.New(nil)
	for i := range 10_000 {
		if _, err := hutch.WriteFile(b.Context(), s, fmt.Sprintf("many/f%05d", i), nil, nil); err != nil {
			b.Fatal(err)
		}
	}
	for name, in := range map[string]hutch.Backend{"wire": far(b, s), "state": s} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if all, err := hutch.Collect(in.List(b.Context(), "many")); err != nil || len(all) != 10_000 {
					b.Fatal(len(all), err)
				}
			}
		})
	}
}

func BenchmarkExecTrue(b *testing.B) {
	sb := unconfined(b)
	for name, x := range map[string]hutch.Execer{"wire": far(b, sb), "local": sb} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if res, err := x.Exec(b.Context(), &hutch.Cmd{Args: []string{"/bin/true"}}); err != nil || res.ExitCode != 0 {
					b.Fatal(res, err)
				}
			}
		})
	}
}

func BenchmarkThroughput(b *testing.B) {
	const size = 64 << 20
	sb := unconfined(b)
	c := far(b, sb)
	zeros := func() io.Reader { return io.LimitReader(endless{}, size) }
	if _, err := c.Write(b.Context(), "f", zeros(), nil); err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := c.Open(b.Context(), "f")
			if err != nil {
				b.Fatal(err)
			}
			if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 256<<10)); err != nil || n != size {
				b.Fatal(n, err)
			}
			f.Close()
		}
	})
	b.Run("write", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if _, err := c.Write(b.Context(), "f", zeros(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("exec", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			cmd := &hutch.Cmd{Args: []string{"cat", "f"}, Stdout: io.Discard}
			if res, err := c.Exec(b.Context(), cmd); err != nil || res.ExitCode != 0 {
				b.Fatal(res, err)
			}
		}
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// BenchmarkIdle tells what a served connection keeps when nothing is under way.
func BenchmarkIdle(b *testing.B) {
	sb := unconfined(b)
	c := far(b, sb)
	for b.Loop() {
		if _, err := hutch.WriteFile(b.Context(), c, "f", make([]byte, 8<<20), nil); err != nil {
			b.Fatal(err)
		}
		if _, err := hutch.ReadFile(b.Context(), c, "f"); err != nil {
			b.Fatal(err)
		}
	}
	debug.FreeOSMemory()
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if name, value, ok := strings.Cut(line, ":"); ok && name == "VmRSS" {
			var kb float64
			fmt.Sscan(value, &kb)
			b.ReportMetric(kb/1024, "MiB-rss")
		}
	}
}
