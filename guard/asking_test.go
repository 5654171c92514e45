package guard_test

import (
	"context"
	"testing"

	"github.com/hutch-dev/hutch/guard"
)

func TestUnasked(t *testing.T) {
	ctx := t.Context()
	if !guard.MayAsk(ctx) || guard.MayAsk(guard.Unasked(ctx)) || guard.MayAsk(context.WithoutCancel(guard.Unasked(ctx))) {
		t.Error("MayAsk")
	}
}
