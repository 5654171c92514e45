package tool

import (
	"context"
	"errors"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Func makes a tool of a function, for who adds tools of his own. t has its name,
// description and marks; Input and Call are made here. In is a struct whose fields
// are the arguments: a name in the tag `json`, with "omitempty" for one that is
// optional, a description in `jsonschema`, and in `default`, `min`, `max` and
// `enum` what they say. Func panics for a type that has no schema.
//
// do is only called with arguments that fit. What it returns is for the model, and
// so is its error, as a Result that failed; but where ctx has ended or the
// workspace is closed the error ends the call.
func Func[In any](t Tool, do func(ctx context.Context, in In) (string, error)) Tool {
	t.Input = schemaOf[In]().raw
	t.Call = func(ctx context.Context, call Call) (Result, error) {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		var args In
		if err := decode(call.Input, DefaultMaxInput, &args); err != nil {
			return Result{Text: "Error: " + err.Error(), Failed: true}, nil
		}
		text, err := do(ctx, args)
		if err != nil && (ctx.Err() != nil || errors.Is(err, hutch.ErrClosed)) {
			return Result{}, err
		}
		var refusal *guard.Refusal
		switch {
		case errors.As(err, &refusal):
			return Result{Text: refusal.Text, Failed: true}, nil
		case err != nil:
			return Result{Text: "Error: " + err.Error(), Failed: true}, nil
		}
		return Result{Text: text}, nil
	}
	return t
}
