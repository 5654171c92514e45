package guard

import (
	"errors"
	"io/fs"
)

// outward is an error about real with the names that the caller knows.
func outward(err error, real, name string) error {
	if err == nil || real == name {
		return err
	}
	return renamed(err, func(inside string) string { return outside(inside, real, name) })
}

// named is an error of following name, as one of verb.
func named(err error, verb, name string) error {
	pe, ok := err.(*fs.PathError)
	if !ok {
		return renamed(err, func(string) string { return name })
	}
	return &fs.PathError{Op: verb, Path: name, Err: renamed(pe.Err, func(string) string { return name })}
}

// renamed is err with every name in it replaced. Errors that several were joined
// to are taken apart; one that wraps a name in a text of its own loses the text
// and keeps what it matches.
func renamed(err error, name func(string) string) error {
	var pe *fs.PathError
	if !errors.As(err, &pe) {
		return err
	}
	switch e := err.(type) {
	case *fs.PathError:
		return &fs.PathError{Op: e.Op, Path: name(e.Path), Err: renamed(e.Err, name)}
	case interface{ Unwrap() []error }:
		var all []error
		for _, one := range e.Unwrap() {
			all = append(all, renamed(one, name))
		}
		return errors.Join(all...)
	}
	return &fs.PathError{Op: pe.Op, Path: name(pe.Path), Err: meaning{renamed(pe.Err, name), err}}
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
