package eino

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/cloudwego/eino/compose"
	"github.com/cloudwego/eino/schema"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// failure is an error of the workspace, as Mend knows it.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// failed is err with the path that was asked for.
func (e *Backend) failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &failure{&fs.PathError{Op: op, Path: path, Err: err}}
}

// Mend is a middleware for tools of Eino that work on a [Backend] or a [Shell]:
// an error of the workspace that a model can mend, a file that is not there or a
// text that occurs twice, becomes the result of the tool, as do arguments that
// are no JSON. All other errors end the run as before: that ctx has ended, that
// the workspace is closed, and those of other tools.
func Mend() compose.ToolMiddleware {
	return compose.ToolMiddleware{
		Invokable: func(next compose.InvokableToolEndpoint) compose.InvokableToolEndpoint {
			return func(ctx context.Context, in *compose.ToolInput) (*compose.ToolOutput, error) {
				out, err := next(ctx, in)
				if text, ok := sentence(ctx, in, err); ok {
					return &compose.ToolOutput{Result: text}, nil
				}
				return out, err
			}
		},
		Streamable: func(next compose.StreamableToolEndpoint) compose.StreamableToolEndpoint {
			return func(ctx context.Context, in *compose.ToolInput) (*compose.StreamToolOutput, error) {
				out, err := next(ctx, in)
				if text, ok := sentence(ctx, in, err); ok {
					return &compose.StreamToolOutput{Result: schema.StreamReaderFromArray([]string{text})}, nil
				}
				return out, err
			}
		},
		EnhancedInvokable: func(next compose.EnhancedInvokableToolEndpoint) compose.EnhancedInvokableToolEndpoint {
			return func(ctx context.Context, in *compose.ToolInput) (*compose.EnhancedInvokableToolOutput, error) {
				out, err := next(ctx, in)
				if text, ok := sentence(ctx, in, err); ok {
					part := schema.ToolOutputPart{Type: schema.ToolPartTypeText, Text: text}
					return &compose.EnhancedInvokableToolOutput{Result: &schema.ToolResult{Parts: []schema.ToolOutputPart{part}}}, nil
				}
				return out, err
			}
		},
	}
}

// mendable are the errors that are about what was asked for.
var mendable = []error{
	fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported,
	hutch.ErrConflict, hutch.ErrIsDir, hutch.ErrNotDir, hutch.ErrTooLarge,
}

// sentence is an error as the model reads it, if the model can mend it.
func sentence(ctx context.Context, in *compose.ToolInput, err error) (string, bool) {
	if err == nil || ctx.Err() != nil {
		return "", false
	}
	if !json.Valid([]byte(in.Arguments)) {
		return "Error: the arguments of " + in.Name + " are no valid JSON. Call it again with a JSON object.", true
	}
	var f *failure
	if !errors.As(err, &f) || !isMendable(f) {
		return "", false
	}
	var refusal *guard.Refusal
	if errors.As(f, &refusal) {
		return refusal.Text, true
	}
	var pe *fs.PathError
	if errors.As(f, &pe) && pe.Path != "" {
		return "Error: '" + pe.Path + "': " + strings.TrimSuffix(pe.Err.Error(), ".") + ".", true
	}
	return "Error: " + f.Error(), true
}

func isMendable(err error) bool {
	for _, m := range mendable {
		if errors.Is(err, m) {
			return true
		}
	}
	return false
}
