package tool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// mistake is an error that the model can mend; its text says how.
type mistake struct{ text string }

func (m *mistake) Error() string { return m.text }

func mistakef(format string, args ...any) error {
	return &mistake{fmt.Sprintf(format, args...)}
}

// mend is the one place that tells the two levels of error apart: what the model
// can mend becomes a Result that failed, anything else stays an error.
func (c *console) mend(ctx context.Context, err error) (Result, error) {
	if ctx.Err() != nil {
		return Result{}, err
	}
	text, ok := c.sentence(err)
	if !ok {
		return Result{}, err
	}
	return Result{Text: text, Failed: true}, nil
}

// sentence is an error as the model reads it, if the model can mend it: one that
// is not known here cannot be mended. The sentence of a refusal stands as it is.
func (c *console) sentence(err error) (string, bool) {
	var refusal *guard.Refusal
	if errors.As(err, &refusal) {
		return refusal.Text, true
	}
	var m *mistake
	if errors.As(err, &m) {
		return "Error: " + m.text, true
	}
	what := "the path"
	var pe *fs.PathError
	if errors.As(err, &pe) {
		what = "'" + c.typed(pe.Path) + "'"
	}
	text := c.plain(what, pe, err)
	return "Error: " + text, text != ""
}

func (c *console) plain(what string, pe *fs.PathError, err error) string {
	switch {
	case errors.Is(err, hutch.ErrConflict):
		return what + " changed meanwhile. Read it again, then try again."
	case errors.Is(err, fs.ErrNotExist):
		return what + " not found. Check the path with ls or glob."
	case errors.Is(err, hutch.ErrIsDir):
		return what + " is a directory."
	case errors.Is(err, hutch.ErrNotDir):
		return what + " cannot be there: a part of the path is a file, not a directory."
	case errors.Is(err, hutch.ErrTooLarge), errors.Is(err, fs.ErrInvalid), errors.Is(err, errors.ErrUnsupported):
		return what + ": " + cause(pe, err) + "."
	case errors.Is(err, fs.ErrPermission):
		if why := cause(pe, err); why != fs.ErrPermission.Error() {
			return "Permission denied for " + what + ": " + why + "."
		}
		return "Permission denied for " + what + "."
	case errors.Is(err, fs.ErrExist):
		return what + " exists already."
	}
	return ""
}

// cause is the text of an error without the operation and the name.
func cause(pe *fs.PathError, err error) string {
	if pe != nil {
		err = pe.Err
	}
	return strings.TrimSuffix(err.Error(), ".")
}

// typed is a name from an error as the model knows it. The errors of Resolve
// hold what was typed, which stays.
func (c *console) typed(name string) string {
	if !fs.ValidPath(name) || len(name) > hutch.MaxName {
		return printable(cut(name, 200))
	}
	return printable(hutch.PathOf(c.b, name))
}
