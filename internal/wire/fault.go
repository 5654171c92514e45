package wire

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
)

// meanings are the errors that callers tell apart, by their names on the wire.
var meanings = []struct {
	name string
	err  error
}{
	{"not_exist", fs.ErrNotExist}, {"exist", fs.ErrExist}, {"permission", fs.ErrPermission}, {"invalid", fs.ErrInvalid},
	{"unsupported", errors.ErrUnsupported}, {"conflict", hutch.ErrConflict}, {"is_dir", hutch.ErrIsDir},
	{"not_dir", hutch.ErrNotDir}, {"too_large", hutch.ErrTooLarge}, {"closed", hutch.ErrClosed},
	{"canceled", context.Canceled}, {"deadline", context.DeadlineExceeded},
}

// fault is an error on the wire. Texts and paths need not be UTF-8. A meaning
// that is not known is ignored: the text says it all the same.
type fault struct {
	Is   []string `json:"is,omitempty"`
	At   bool     `json:"at,omitempty"` // Op and Path are those of an fs.PathError
	Op   string   `json:"op,omitempty"`
	Path []byte   `json:"path,omitempty"`
	Text []byte   `json:"text"`           // of what is in the PathError, or of the whole
	Full []byte   `json:"full,omitempty"` // the text of the whole, where there is more around the PathError
}

// maxText bounds the texts of an error, in bytes.
const maxText = 32 << 10

func shorten(s string) []byte {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return []byte(s)
}

func encodeFault(err error) []byte {
	f := fault{Text: shorten(err.Error())}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			f.Is = append(f.Is, m.name)
		}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Err != nil && len(pe.Path) <= maxText && len(pe.Op) <= 64 {
		f.At, f.Op, f.Path, f.Text = true, pe.Op, []byte(pe.Path), shorten(pe.Err.Error())
		if whole := err.Error(); whole != pe.Error() {
			f.Full = shorten(whole)
		}
	}
	b, jerr := json.Marshal(f)
	if jerr != nil { // cannot be: the fields are plain
		return []byte(`{"text":"ZXJyb3I="}`)
	}
	return b
}

// decodeFault is the error that the far side has sent.
func decodeFault(b []byte) error {
	var f fault
	if err := json.Unmarshal(b, &f); err != nil {
		return broken("no error")
	}
	far := &farError{text: string(f.Text)}
	for _, m := range meanings {
		for _, name := range f.Is {
			if name == m.name {
				far.is = append(far.is, m.err)
			}
		}
	}
	var err error = far
	if len(far.is) == 1 && far.text == far.is[0].Error() {
		err = far.is[0]
	}
	if f.At {
		err = &fs.PathError{Op: strings.ToValidUTF8(f.Op, "?"), Path: string(f.Path), Err: err}
	}
	if len(f.Full) > 0 {
		err = &farError{text: string(f.Full), is: []error{err}}
	}
	return err
}

// farError is an error of the far side: its text, and what it is.
type farError struct {
	text string
	is   []error
}

func (e *farError) Error() string   { return e.text }
func (e *farError) Unwrap() []error { return e.is }
