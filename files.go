package hutch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"path"
)

// ReadFile returns the content of a file.
func ReadFile(ctx context.Context, b Backend, name string) ([]byte, error) {
	f, err := b.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(ctx, name, f)
}

func readAll(ctx context.Context, name string, f File) ([]byte, error) {
	// One byte more than the size lets the first Read see the end of the file.
	buf := make([]byte, 0, max(512, int(min(sizeOf(f), 1<<30))+1))
	for {
		n, err := f.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, pathError("read", name, err)
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// sizeOf asks for no more than the size where a file lets it.
func sizeOf(f File) int64 {
	if s, ok := f.(interface{ Size() int64 }); ok {
		return s.Size()
	}
	return f.Info().Size
}

// WriteFile stores data under name; see [Backend].Write.
func WriteFile(ctx context.Context, b Backend, name string, data []byte, opts *WriteOptions) (Info, error) {
	return b.Write(ctx, name, bytes.NewReader(data), opts)
}

// RemoveAll removes name and, where it is a directory, all that is below it,
// links as links. Nothing under that name is no error; "." empties the backend.
// What was removed before an error stays removed.
func RemoveAll(ctx context.Context, b Backend, name string) error {
	if err := CheckName("remove", name); err != nil {
		return err
	}
	if name != "." {
		err := b.Remove(ctx, name)
		if !errors.Is(err, ErrIsDir) {
			return ignoreAbsent(err)
		}
	}
	entries, err := Collect(b.List(ctx, name))
	if err != nil {
		return ignoreAbsent(err)
	}
	for _, e := range entries {
		if err := RemoveAll(ctx, b, e.Name); err != nil {
			return err
		}
	}
	if name == "." {
		return nil
	}
	return ignoreAbsent(b.Remove(ctx, name))
}

func ignoreAbsent(err error) error {
	if gone(err) {
		return nil
	}
	return err
}

// Collect gathers what a sequence yields before its first error.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for v, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// join puts a name below a directory.
func join(dir, name string) string {
	if dir == "." || dir == "" {
		return name
	}
	if name == "." {
		return dir
	}
	return dir + "/" + name
}

// within reports whether name is dir or below it.
func within(dir, name string) bool {
	return dir == "." || name == dir || len(name) > len(dir) && name[len(dir)] == '/' && name[:len(dir)] == dir
}

// relative is name as seen from dir, which holds it.
func relative(dir, name string) string {
	switch {
	case dir == "." || dir == "":
		return name
	case name == dir:
		return "."
	}
	return name[len(dir)+1:]
}

// hidden reports whether the last segment of name begins with a dot.
func hidden(name string) bool {
	base := path.Base(name)
	return base[0] == '.' && base != "."
}
