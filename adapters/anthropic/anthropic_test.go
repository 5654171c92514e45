package anthropic_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/adapters/anthropic"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// answering is a tool that answers with these.
func answering(res tool.Result, err error) sdk.BetaTool {
	t := tool.Func(tool.Tool{Name: "t"}, func(context.Context, struct{}) (string, error) { return "", nil })
	t.Call = func(context.Context, tool.Call) (tool.Result, error) { return res, err }
	return anthropic.Wrap(t)
}

func TestErrors(t *testing.T) {
	gone := &fs.PathError{Op: "open", Path: "a", Err: hutch.ErrClosed}
	var failure *anthropic.Failure
	if _, err := answering(tool.Result{}, gone).Execute(t.Context(), nil); !errors.Is(err, hutch.ErrClosed) || errors.As(err, &failure) {
		t.Errorf("the workspace is gone: %v", err)
	}
	_, err := answering(tool.Result{Text: "Error: no \xff", Failed: true}, nil).Execute(t.Context(), nil)
	if !errors.As(err, &failure) || failure.Text != "Error: no \ufffd" || err.Error() != "no \ufffd" {
		t.Errorf("a result that failed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ls := anthropic.Tools(state.New(nil), nil)[0]
	if _, err := ls.Execute(ctx, json.RawMessage(`{}`)); !errors.Is(err, context.Canceled) || errors.As(err, &failure) {
		t.Errorf("ctx has ended: %v", err)
	}
}

// An answer with broken arguments is the model's to mend.
func TestBrokenArguments(t *testing.T) {
	ls := anthropic.Tools(state.New(nil), nil)[0]
	for _, input := range []string{`{"path": "a"`, `[]`, `{"path": "a", "path": "b"}`, `{"nothing": 1}`} {
		var failure *anthropic.Failure
		if _, err := ls.Execute(t.Context(), json.RawMessage(input)); !errors.As(err, &failure) {
			t.Errorf("%s: %v", input, err)
		}
	}
}

func TestContent(t *testing.T) {
	blocks, err := answering(tool.Result{}, nil).Execute(t.Context(), nil)
	if err != nil || len(blocks) != 0 {
		t.Errorf("an empty text: %+v, %v", blocks, err)
	}
	res := tool.Result{Text: "\xff", Media: []tool.Media{{Type: "audio/mpeg", Path: "a.mp3", Data: []byte("abc")}}}
	blocks, err = answering(res, nil).Execute(t.Context(), nil)
	if err != nil || len(blocks) != 2 || blocks[0].OfText.Text != "\ufffd" || !strings.Contains(blocks[1].OfText.Text, "a.mp3: 3 bytes of audio/mpeg") {
		t.Errorf("%+v, %v", blocks, err)
	}
}

func TestNoSchema(t *testing.T) {
	for _, schema := range []string{``, `{}`, `{"type": "string"}`, `{"type": "object", "required": 1}`} {
		func() {
			defer func() {
				if p := recover(); p == nil || !strings.Contains(fmt.Sprint(p), `"t"`) {
					t.Errorf("%s: %v", schema, p)
				}
			}()
			anthropic.Wrap(tool.Tool{Name: "t", Input: json.RawMessage(schema)})
		}()
	}
}
