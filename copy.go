package hutch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
)

// Copy copies the file or directory from of src to the name to of dst, which
// may be the same backend. A file replaces a file; a directory is copied with
// all files below it to a name where nothing is yet. A link is copied as the
// file it leads to, and left out inside a directory if it leads elsewhere.
// Content and mode are copied; what was copied before an error stays.
//
// Copying onto a directory is ErrIsDir, a directory onto anything fs.ErrExist,
// a directory into itself fs.ErrInvalid.
func Copy(ctx context.Context, dst Backend, to string, src Backend, from string) error {
	for _, name := range []string{from, to} {
		if err := CheckName("copy", name); err != nil {
			return err
		}
	}
	info, err := src.Stat(ctx, from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(ctx, dst, to, src, from)
	}
	if same(dst, src) && within(from, to) {
		return pathError("copy", to, fmt.Errorf("%w: a directory does not fit into itself", fs.ErrInvalid))
	}
	if err := vacant(ctx, dst, to); err != nil {
		return err
	}
	for f, err := range Walk(ctx, src, from) {
		if err != nil {
			return err
		}
		err = copyFile(ctx, dst, join(to, relative(from, f.Name)), src, f.Name)
		if err != nil && !(f.Mode.Type() == fs.ModeSymlink && notAFile(err)) {
			return err
		}
	}
	return nil
}

// same reports whether two backends are one, as far as they can be compared.
func same(a, b Backend) bool {
	return reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// vacant is nil where a directory may come to be: nothing there, or an empty root.
func vacant(ctx context.Context, b Backend, name string) error {
	if _, err := b.Stat(ctx, name); err != nil {
		return ignoreAbsent(err)
	}
	if name == "." {
		for _, err := range b.List(ctx, ".") {
			if err != nil {
				return err
			}
			return pathError("copy", name, fmt.Errorf("%w: not empty", fs.ErrExist))
		}
		return nil
	}
	return pathError("copy", name, fs.ErrExist)
}

// notAFile reports whether err says that a link leads to no file in here.
func notAFile(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, ErrIsDir) || errors.Is(err, errors.ErrUnsupported)
}

func copyFile(ctx context.Context, dst Backend, to string, src Backend, from string) error {
	f, err := src.Open(ctx, from)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = dst.Write(ctx, to, f, &WriteOptions{Mode: f.Info().Mode.Perm()})
	return err
}

// Move gives the file or directory from the name to, replacing a file but not a
// directory. Where the backend is a [Renamer] it happens in one step; elsewhere
// it is a copy of each file followed by its removal, and what changed or came
// meanwhile is ErrConflict and stays; a link is moved as the file it leads to.
func Move(ctx context.Context, b Backend, from, to string) error {
	if r, ok := As[Renamer](b); ok {
		return r.Rename(ctx, from, to)
	}
	for _, name := range []string{from, to} {
		if err := CheckName("rename", name); err != nil {
			return err
		}
	}
	info, err := b.Stat(ctx, from)
	if err != nil || from == to {
		return err
	}
	if within(from, to) {
		return pathError("rename", to, fmt.Errorf("%w: a directory does not fit into itself", fs.ErrInvalid))
	}
	if !info.IsDir() {
		return moveFile(ctx, b, from, to)
	}
	if err := vacant(ctx, b, to); err != nil {
		return err
	}
	for f, err := range Walk(ctx, b, from) {
		if err == nil {
			err = moveFile(ctx, b, f.Name, join(to, relative(from, f.Name)))
		}
		if err != nil {
			return err
		}
	}
	return removeEmpty(ctx, b, from)
}

func moveFile(ctx context.Context, b Backend, from, to string) error {
	before, err := b.Stat(ctx, from)
	if err != nil {
		return err
	}
	if err := copyFile(ctx, b, to, b, from); err != nil {
		return err
	}
	now, err := b.Stat(ctx, from)
	if err != nil {
		return err
	}
	if now.Rev != before.Rev {
		return pathError("rename", from, ErrConflict)
	}
	return b.Remove(ctx, from)
}

// removeEmpty removes a directory in which nothing is but directories.
func removeEmpty(ctx context.Context, b Backend, dir string) error {
	entries, err := Collect(b.List(ctx, dir))
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			return pathError("rename", e.Name, ErrConflict)
		}
		if err := removeEmpty(ctx, b, e.Name); err != nil {
			return err
		}
	}
	return ignoreAbsent(b.Remove(ctx, dir))
}
