package guard

import (
	"io/fs"

	"github.com/hutch-dev/hutch/internal/rename"
)

// outward is an error about real with the names that the caller knows.
func outward(err error, real, name string) error {
	if err == nil || real == name {
		return err
	}
	return rename.Error(err, func(inside string) string { return outside(inside, real, name) })
}

// named is an error of following name, as one of verb.
func named(err error, verb, name string) error {
	pe, ok := err.(*fs.PathError)
	if !ok {
		return rename.Error(err, func(string) string { return name })
	}
	return &fs.PathError{Op: verb, Path: name, Err: rename.Error(pe.Err, func(string) string { return name })}
}
