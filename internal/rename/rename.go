// Package rename gives errors the names that who gets them knows.
package rename

import (
	"errors"
	"io/fs"
)

// Error is err with every name in it replaced. Errors that several were joined to
// are taken apart; one that wraps a name in a text of its own loses the text and
// keeps what it matches.
func Error(err error, name func(string) string) error {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err
	}
	switch e := err.(type) {
	case *fs.PathError:
		return &fs.PathError{Op: e.Op, Path: name(e.Path), Err: Error(e.Err, name)}
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, Error(one, name))
		}
		return errors.Join(all...)
	}
	return &fs.PathError{Op: pe.Op, Path: name(pe.Path), Err: meaning{Error(pe.Err, name), err}}
}

// meaning shows one error and matches what another matches, but for its names.
type meaning struct {
	shown error
	whole error
}

func (m meaning) Error() string        { return m.shown.Error() }
func (m meaning) Unwrap() error        { return m.shown }
func (m meaning) Is(target error) bool { return errors.Is(m.whole, target) }
func (m meaning) As(target any) bool {
	if _, ok := target.(**fs.PathError); ok {
		return false
	}
	return errors.As(m.whole, target)
}
