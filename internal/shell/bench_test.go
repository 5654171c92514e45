//go:build linux

package shell

import (
	"context"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
)

func BenchmarkOperations(b *testing.B) {
	ctx := context.Background()
	for i, f := range flavours {
		s := sandbox(b, i)
		content := []byte(strings.Repeat("x", 4096))
		if _, err := hutch.WriteFile(ctx, s, "d/f", content, nil); err != nil {
			b.Fatal(err)
		}
		for _, op := range []struct {
			name string
			do   func() error
		}{
			{"stat", func() error { _, err := s.Stat(ctx, "d/f"); return err }},
			{"read 4 KiB", func() error { _, err := hutch.ReadFile(ctx, s, "d/f"); return err }},
			{"write 4 KiB", func() error { _, err := hutch.WriteFile(ctx, s, "d/f", content, nil); return err }},
			{"list", func() error { _, err := hutch.Collect(s.List(ctx, "d")); return err }},
			{"exec true", func() error { _, err := s.Exec(ctx, &hutch.Cmd{Args: []string{"true"}}); return err }},
		} {
			b.Run(f.name+"/"+op.name, func(b *testing.B) {
				for b.Loop() {
					if err := op.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
