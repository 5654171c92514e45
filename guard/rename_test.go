package guard_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/state"
)

// A directory with more names than rules are asked about keeps its name.
func TestMaxTree(t *testing.T) {
	b := state.New(nil)
	for i := range guard.MaxTree - 1 { // and d/s
		if _, err := hutch.WriteFile(ctx, b, fmt.Sprintf("d/s/%d", i), nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	g := guarded(t, b, &rules{})
	if err := hutch.Move(ctx, g, "d", "e"); err != nil {
		t.Error(err)
	}
	put(t, b, "e/more")
	if err := hutch.Move(ctx, g, "e", "d"); !errors.Is(err, hutch.ErrTooLarge) {
		t.Error(err)
	}
	if err := hutch.Move(ctx, g, "e/s", "d"); err != nil {
		t.Error(err)
	}
}
