package shell

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch"
)

// means is a sentence that means one of our errors.
type means struct {
	text string
	is   error
}

func (m *means) Error() string { return m.text }
func (m *means) Unwrap() error { return m.is }

var (
	errPresent   = fmt.Errorf("%w: %w", hutch.ErrConflict, fs.ErrExist)
	errGone      = errors.New("a shell in the sandbox has ended, or cannot be reached")
	errGarbled   = errors.New("a shell in the sandbox gives no proper answer")
	errStuck     = errors.New("processes of the command cannot be ended")
	errProcesses = &means{"processes of root cannot be limited by a shell", errors.ErrUnsupported}
)

// words are what a shell answers with where something is wrong.
var words = map[string]error{
	"noent":     fs.ErrNotExist,
	"hidden":    fs.ErrNotExist,
	"notdir":    hutch.ErrNotDir,
	"isdir":     hutch.ErrIsDir,
	"exist":     fs.ErrExist,
	"present":   errPresent,
	"conflict":  hutch.ErrConflict,
	"denied":    &means{"permission denied", fs.ErrPermission},
	"reserved":  &means{"name is reserved", fs.ErrPermission},
	"escape":    &means{"link leaves the workspace", fs.ErrPermission},
	"link":      &means{"link on the way", fs.ErrPermission},
	"nameless":  &means{"link leads to what has no name", fs.ErrPermission},
	"loop":      &means{"too many links", fs.ErrInvalid},
	"invalid":   &means{"the file system refuses the name", fs.ErrInvalid},
	"itself":    &means{"a directory does not fit into itself", fs.ErrInvalid},
	"irregular": &means{"not a regular file", errors.ErrUnsupported},
	"full":      &means{"no space left, or file too large", hutch.ErrTooLarge},
	"cut":       errors.New("what was written did not arrive whole"),
	"gone":      errors.New("the root of the workspace is gone"),
}

// err is what an answer other than "ok" means.
func (a *answer) err() error {
	if err, ok := words[a.word]; ok {
		return err
	}
	if a.word == "fail" && a.rest != "" {
		return errors.New("the sandbox says: " + a.rest)
	}
	return errors.New("the operation failed in the sandbox")
}
