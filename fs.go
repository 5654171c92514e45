package hutch

import (
	"context"
	"io"
	"io/fs"
	"path"
	"time"
)

// FS is b as an [fs.FS], with ctx for all that is done through it. It has the
// methods of [fs.ReadDirFS], [fs.StatFS] and [fs.ReadFileFS].
func FS(ctx context.Context, b Backend) fs.FS { return fsys{ctx, b} }

type fsys struct {
	ctx context.Context
	b   Backend
}

func (f fsys) Open(name string) (fs.File, error) {
	info, err := f.b.Stat(f.ctx, name)
	if err != nil {
		return nil, asOp("open", err)
	}
	if info.IsDir() {
		return &fsDir{fsys: f, info: info}, nil
	}
	file, err := f.b.Open(f.ctx, name)
	if err != nil {
		return nil, err
	}
	return fsFile{file}, nil
}

func (f fsys) Stat(name string) (fs.FileInfo, error) {
	info, err := f.b.Stat(f.ctx, name)
	if err != nil {
		return nil, err
	}
	return fsInfo{info}, nil
}

func (f fsys) ReadFile(name string) ([]byte, error) { return ReadFile(f.ctx, f.b, name) }

func (f fsys) ReadDir(name string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	for info, err := range f.b.List(f.ctx, name) {
		if err != nil {
			return all, asOp("readdir", err)
		}
		all = append(all, fs.FileInfoToDirEntry(fsInfo{info}))
	}
	return all, nil
}

// asOp names the operation of io/fs in an error of a backend.
func asOp(op string, err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: op, Path: pe.Path, Err: pe.Err}
	}
	return err
}

type fsFile struct{ File }

func (f fsFile) Stat() (fs.FileInfo, error) { return fsInfo{f.Info()}, nil }

// fsDir is an open directory; it is listed when it is first read.
type fsDir struct {
	fsys
	info   Info
	rest   []fs.DirEntry
	listed bool
}

func (d *fsDir) Stat() (fs.FileInfo, error) { return fsInfo{d.info}, nil }
func (d *fsDir) Close() error               { return nil }
func (d *fsDir) Read([]byte) (int, error)   { return 0, pathError("read", d.info.Name, ErrIsDir) }

func (d *fsDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if !d.listed {
		var err error
		if d.rest, err = d.fsys.ReadDir(d.info.Name); err != nil {
			return nil, err
		}
		d.listed = true
	}
	if n <= 0 {
		n = len(d.rest)
	} else if len(d.rest) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.rest))
	some := d.rest[:n:n]
	d.rest = d.rest[n:]
	return some, nil
}

// fsInfo is an Info as an fs.FileInfo.
type fsInfo struct{ i Info }

func (f fsInfo) Name() string       { return path.Base(f.i.Name) }
func (f fsInfo) Size() int64        { return f.i.Size }
func (f fsInfo) Mode() fs.FileMode  { return f.i.Mode }
func (f fsInfo) ModTime() time.Time { return f.i.ModTime }
func (f fsInfo) IsDir() bool        { return f.i.IsDir() }

// Sys returns the [Info].
func (f fsInfo) Sys() any { return f.i }

// ctxReader is a reader that ends with its context.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
