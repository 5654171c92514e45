package tool_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/tool"
)

func ExampleFunc() {
	type in struct {
		City string `json:"city" jsonschema:"Where."`
		Days int    `json:"days,omitempty" default:"1" min:"1" max:"7" jsonschema:"For how long."`
	}
	weather := tool.Func(tool.Tool{Name: "weather", Description: "Tells the weather.", ReadOnly: true},
		func(_ context.Context, in in) (string, error) {
			return fmt.Sprintf("%s: rain for %d days", in.City, in.Days), nil
		})
	call([]tool.Tool{weather}, "weather", `{"city": "Hamburg", "days": 7}`)
	call([]tool.Tool{weather}, "weather", `{"city": "Hamburg"}`)
	call([]tool.Tool{weather}, "weather", `{"days": 8}`)
	// Output:
	// Hamburg: rain for 7 days
	// Hamburg: rain for 1 days
	// Error: Wrong arguments: `city` is missing: it must be a string; `days` must be an integer of 1 to 7, not a number 8.
}

func TestFuncErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, c := range []struct {
		err    error
		text   string // of a result that failed
		cancel bool
	}{
		{err: errors.New("no such city"), text: "Error: no such city"},
		{err: fmt.Errorf("x: %w", &guard.Refusal{Text: "Permission denied."}), text: "Permission denied."},
		{err: fmt.Errorf("x: %w", hutch.ErrClosed)},
		{err: errors.New("whatever"), cancel: true},
	} {
		f := tool.Func(tool.Tool{Name: "x"}, func(context.Context, struct{}) (string, error) {
			if c.cancel {
				cancel()
			}
			return "", c.err
		})
		res, err := f.Call(ctx, tool.Call{})
		if c.text == "" && !errors.Is(err, c.err) || c.text != "" && (err != nil || res.Text != c.text || !res.Failed) {
			t.Errorf("%v: %+v, %v", c.err, res, err)
		}
	}
	f := tool.Func(tool.Tool{Name: "x"}, func(context.Context, struct{}) (string, error) {
		t.Error("called after the end")
		return "", nil
	})
	if _, err := f.Call(ctx, tool.Call{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
