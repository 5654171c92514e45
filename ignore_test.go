package hutch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// TestHugeIgnore: rules without end are refused, not read into memory.
func TestHugeIgnore(t *testing.T) {
	ctx := context.Background()
	b := state.New(nil)
	for name, size := range map[string]int{"d/.gitignore": 5 << 20, "d/f": 1} {
		if _, err := hutch.WriteFile(ctx, b, name, make([]byte, size), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := hutch.Collect(hutch.Grep(ctx, b, hutch.Query{Pattern: "x", Gitignore: true})); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("grep: %v", err)
	}
	if _, err := hutch.Collect(hutch.Glob(ctx, b, "**", &hutch.GlobOptions{Gitignore: true, Dir: "d"})); !errors.Is(err, hutch.ErrTooLarge) {
		t.Errorf("glob: %v", err)
	}
	if _, err := hutch.Collect(hutch.Grep(ctx, b, hutch.Query{Pattern: "x"})); err != nil {
		t.Errorf("where nobody asked: %v", err)
	}
}
