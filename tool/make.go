package tool

import (
	"context"

	"github.com/hutch-dev/hutch/guard"
)

// spec is what a tool is, apart from what it does.
type spec struct {
	name, title string
	op          guard.Op

	readOnly, destructive, idempotent, openWorld bool

	defaults map[string]string // of arguments, as JSON, where options decide
}

// answer is a Result whose Data has a type.
type answer[Out any] struct {
	text   string
	data   *Out // nil: nothing to say beside the text
	media  []Media
	kept   []Kept
	failed bool // with text and data: it was done, and what was done failed
}

// none is the Out of a tool whose results are text alone.
type none struct{}

// newTool makes a Tool of a function. In is a struct that says with its tags
// what the arguments are (see [schemaOf]); do is only called with arguments that
// fit. Its error becomes a Result where the model can mend it ([console.mend])
// and ends the call as an error where it cannot.
func newTool[In, Out any](c *console, s spec, do func(ctx context.Context, call Call, in In) (answer[Out], error)) Tool {
	text := c.text(s.name)
	in := schemaOf[In]()
	t := Tool{
		Name: s.name, Title: orElse(text.Title, s.title), Description: text.Description,
		Input: in.with(text.Args, s.defaults).raw, Op: s.op,
		ReadOnly: s.readOnly, Destructive: s.destructive, Idempotent: s.idempotent, OpenWorld: s.openWorld,
	}
	if _, is := any((*Out)(nil)).(*none); !is {
		t.Output = schemaOf[Out]().raw
	}
	limit := c.o.MaxInput
	t.Call = func(ctx context.Context, call Call) (Result, error) {
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
		var args In
		if err := decode(call.Input, limit, &args); err != nil {
			return c.mend(ctx, err)
		}
		a, err := do(ctx, call, args)
		if err != nil {
			return c.mend(ctx, err)
		}
		return a.result(), nil
	}
	return t
}

func (a answer[Out]) result() Result {
	r := Result{Text: a.text, Media: a.media, Kept: a.kept, Failed: a.failed}
	if a.data != nil {
		r.Data = a.data
	}
	return r
}
