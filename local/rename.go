package local

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
)

func (v view) Rename(ctx context.Context, from, to string) error {
	s := v.s
	if err := hutch.CheckName("rename", to); err != nil {
		return err
	}
	if err := s.begin(ctx, "rename", from); err != nil {
		return err
	}
	defer s.end()
	switch {
	case from == ".":
		return fail("rename", from, &mappedText{"the root has no other name", fs.ErrInvalid})
	case to == ".":
		return fail("rename", to, hutch.ErrIsDir)
	}
	realFrom, realTo := from, to
	for try := 0; ; try++ {
		culprit, err := s.rename(ctx, realFrom, realTo)
		if err == nil {
			return nil
		}
		if errors.Is(err, errLink) && !v.unlinked && try < maxLinks {
			if realFrom, err = s.realName(from, false); err != nil {
				return fail("rename", from, err)
			}
			if realTo, err = s.realName(to, false); err != nil {
				return fail("rename", to, err)
			}
			continue
		}
		if culprit == realTo && culprit != realFrom {
			return fail("rename", to, err)
		}
		return fail("rename", from, err)
	}
}

// rename works on names without links on the way; with an error it says which
// of the two names is to blame.
func (s *Sandbox) rename(ctx context.Context, from, to string) (culprit string, err error) {
	for _, name := range []string{from, to} {
		if err := s.guard.check(name); err != nil {
			return name, err
		}
	}
	unlock, err := s.locks.lock(ctx, from, to)
	if err != nil {
		return from, err
	}
	defer unlock()
	n, err := s.lstat(from)
	if err != nil || from == to {
		return from, err
	}
	if strings.HasPrefix(to, from+"/") {
		if !n.mode.IsDir() {
			return to, hutch.ErrNotDir
		}
		return to, &mappedText{"a directory does not fit into itself", fs.ErrInvalid}
	}
	old, err := s.lstat(to)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return to, err
	case err == nil && n.mode.IsDir():
		return to, fs.ErrExist
	case err == nil && old.mode.IsDir():
		return to, hutch.ErrIsDir
	}
	err = s.place(from, to, n.mode.IsDir())
	if err == errPresent {
		err = fs.ErrExist
	}
	return to, err
}
