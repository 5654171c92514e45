package rename

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

type special struct{ error }

func (s special) Unwrap() error { return s.error }

// TestError: no name from inside is left, and what matched matches still.
func TestError(t *testing.T) {
	inner := &fs.PathError{Op: "open", Path: "inside/a", Err: fs.ErrNotExist}
	nested := &fs.PathError{Op: "copy", Path: "inside/b", Err: inner}
	odd := special{fmt.Errorf("while at inside/a: %w: %w", inner, context.Canceled)}
	for _, err := range []error{inner, nested, errors.Join(inner, nested), odd, fmt.Errorf("inside: %w", odd), &fs.PathError{Op: "x", Path: "inside", Err: odd}} {
		got := Error(err, func(s string) string { return strings.Replace(s, "inside", "out", 1) })
		var pe *fs.PathError
		if strings.Contains(fmt.Sprintf("%v", got), "inside") || !errors.Is(got, fs.ErrNotExist) || !errors.As(got, &pe) || !strings.HasPrefix(pe.Path, "out") {
			t.Errorf("%v\nbecomes %v", err, got)
		}
		for e := error(pe); e != nil; e = errors.Unwrap(e) {
			var deeper *fs.PathError
			if strings.Contains(e.Error(), "inside") || errors.As(e, &deeper) && strings.Contains(deeper.Path, "inside") {
				t.Errorf("%v\nhas in it %v", err, e)
			}
		}
		if errors.Is(err, context.Canceled) != errors.Is(got, context.Canceled) || errors.As(err, new(special)) != errors.As(got, new(special)) {
			t.Errorf("%v\nbecomes %v, which matches something else", err, got)
		}
	}
	if err := Error(fs.ErrClosed, nil); err != fs.ErrClosed {
		t.Errorf("without a name it becomes %v", err)
	}
	if err := Error(nil, nil); err != nil {
		t.Error(err)
	}
}
