package hutch

import (
	"errors"
	"io/fs"
)

// The errors of backends, next to fs.ErrNotExist, fs.ErrExist,
// fs.ErrPermission, fs.ErrInvalid and errors.ErrUnsupported. They survive
// wrappers and the wire: test for them with errors.Is. The text of an error
// never holds a path of the host, a token or a secret.
var (
	// ErrConflict: the file is not the version that was asked for.
	ErrConflict = errors.New("file has changed")
	// ErrIsDir: a file was wanted and the name is a directory.
	ErrIsDir = errors.New("is a directory")
	// ErrNotDir: a directory was wanted and the name, or a parent of it, is a file.
	ErrNotDir = errors.New("not a directory")
	// ErrTooLarge: the content or the number of files is over a limit.
	ErrTooLarge = errors.New("too large")
	// ErrClosed: the backend was closed.
	ErrClosed = errors.New("backend is closed")
)

// pathError wraps err with the operation and the caller's name. An error that
// carries both already stays as it is.
func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == name {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}
