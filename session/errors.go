package session

import (
	"errors"
	"fmt"
	"io/fs"
)

// The errors of sessions, next to fs.ErrInvalid, fs.ErrExist, fs.ErrNotExist and
// hutch.ErrClosed. They come in an [*fs.PathError] that carries the ID.
var (
	// ErrFull: there may not be more. The error is also a [*FullError].
	ErrFull = errors.New("no room for another session")
	// ErrStart: the provider could not open the workspace. What it said is in the
	// error.
	ErrStart = errors.New("the workspace cannot be opened")
	// ErrGone: the workspace of the session is not there any more, or its end has
	// begun and failed. All that is left to do with the session is to end it.
	ErrGone = errors.New("the workspace is gone")
	// ErrBusy: the session is in use.
	ErrBusy = errors.New("the session is in use")
)

// The limits that a [FullError] names.
const (
	LimitSessions = "sessions" // Options.MaxSessions
	LimitOpen     = "open"     // Options.MaxOpen, and all are in use
	LimitTenant   = "tenant"   // Options.MaxPerTenant
)

// FullError is the limit that was reached. It matches [ErrFull].
type FullError struct {
	Limit string // LimitSessions, LimitOpen or LimitTenant
	Max   int    // the limit
}

func (e *FullError) Error() string {
	switch e.Limit {
	case LimitOpen:
		return fmt.Sprintf("%d sessions are in use, and no more can be: wait until one is not, or end one", e.Max)
	case LimitTenant:
		return fmt.Sprintf("the tenant has %d sessions, and can have no more: end one of them", e.Max)
	}
	return fmt.Sprintf("there are %d sessions, and there can be no more: end one, or wait until one ends", e.Max)
}

// Is reports whether target is ErrFull.
func (e *FullError) Is(target error) bool { return target == ErrFull }

// sessionError is err with the ID, once.
func sessionError(op, id string, err error) error {
	if pe, ok := err.(*fs.PathError); ok && pe.Path == id {
		return err
	}
	return &fs.PathError{Op: op, Path: id, Err: err}
}
