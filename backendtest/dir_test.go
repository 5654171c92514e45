//go:build unix

package backendtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/hutch-dev/hutch"
)

// dirBackend is a directory as a backend: slow, simple, and good enough to try
// the law of sandboxes on. Its revisions are hashes, its readers hold copies.
type dirBackend struct {
	at    string // an absolute path without links
	mu    sync.RWMutex
	wrong map[string]bool // what a mutant does wrong
}

// find follows the links of a name inside the backend.
func (d *dirBackend) find(op, name string, follow bool) (string, error) {
	if err := hutch.CheckName(op, name); err != nil {
		return "", err
	}
	at, links := "", 0
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		s := rest[0]
		rest = rest[1:]
		switch {
		case s == "." || s == "":
			continue
		case s == ".." && at == "" && !d.wrong["follows links out"]:
			return "", fail(op, name, fs.ErrPermission)
		}
		next := path.Join(at, s)
		info, err := os.Lstat(d.host(next))
		if err == nil && info.Mode().Type() == fs.ModeSymlink && d.wrong["knows no links"] {
			return "", fail(op, name, fs.ErrNotExist)
		}
		if len(rest) > 0 && (errors.Is(err, syscall.ENOENT) || op == "real" && err == nil && info.Mode().IsRegular()) {
			return path.Join(next, path.Join(rest...)), nil // made by Write, missing for others
		}
		if err == nil && info.Mode().Type() == fs.ModeSymlink && (follow || len(rest) > 0) {
			to, err := os.Readlink(d.host(next))
			if err != nil { // it is another by now
				rest = append([]string{s}, rest...)
				continue
			}
			if path.IsAbs(to) && d.wrong["takes absolute links for others"] {
				at, to = "", "e"
			}
			if links++; links > 20 {
				return "", fail(op, name, fs.ErrInvalid)
			}
			if path.IsAbs(to) && !d.wrong["follows links out"] {
				return "", fail(op, name, fs.ErrPermission)
			}
			if path.IsAbs(to) {
				at = strings.Repeat("../", 40)
			}
			rest = append(strings.Split(to, "/"), rest...)
			continue
		}
		if err == nil && len(rest) > 0 && !info.IsDir() {
			return "", fail(op, name, hutch.ErrNotDir)
		}
		if at = next; at == "." {
			at = ""
		}
	}
	return path.Join(".", at), nil
}

func (d *dirBackend) host(name string) string { return filepath.Join(d.at, name) }

func fail(op, name string, err error) error { return &fs.PathError{Op: op, Path: name, Err: err} }

// stat describes what is at a place, under the caller's name.
func (d *dirBackend) stat(op, name, place string, follow bool) (hutch.Info, []byte, error) {
	get := os.Lstat
	if follow {
		get = os.Stat
	}
	fi, err := get(d.host(place))
	if err != nil {
		if d.wrong["takes a link to nothing for a refusal"] && op != "write" {
			return hutch.Info{}, nil, fail(op, name, fs.ErrPermission)
		}
		if errors.Is(err, syscall.ENOTDIR) {
			return hutch.Info{}, nil, fail(op, name, hutch.ErrNotDir)
		}
		return hutch.Info{}, nil, fail(op, name, fs.ErrNotExist)
	}
	info := hutch.Info{Name: name, Mode: fi.Mode().Type() | fi.Mode().Perm(), ModTime: fi.ModTime()}
	if !fi.Mode().IsRegular() {
		if !fi.IsDir() {
			info.Rev = "node"
		}
		return info, nil, nil
	}
	data, err := os.ReadFile(d.host(place))
	if err != nil {
		return info, nil, fail(op, name, fs.ErrNotExist)
	}
	info.Size, info.Rev = int64(len(data)), fmt.Sprintf("%x", sha256.Sum256(data))
	if d.wrong["revision by time and size"] {
		info.Rev = fmt.Sprint(fi.ModTime().Unix(), len(data))
	}
	return info, data, nil
}

type dirFile struct {
	*bytes.Reader
	info hutch.Info
}

func (f dirFile) Info() hutch.Info { return f.info }
func (f dirFile) Close() error     { return nil }

func (d *dirBackend) Open(ctx context.Context, name string) (hutch.File, error) {
	info, data, err := d.look(ctx, "open", name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fail("open", name, hutch.ErrIsDir)
	case !info.Mode.IsRegular():
		if d.wrong["opens pipes"] {
			os.ReadFile(d.host(name))
		}
		return nil, fail("open", name, errors.ErrUnsupported)
	}
	if d.wrong["reads in place"] {
		f, err := os.Open(d.host(name))
		return osFile{f, info}, err
	}
	return dirFile{bytes.NewReader(data), info}, nil
}

type osFile struct {
	*os.File
	info hutch.Info
}

func (f osFile) Info() hutch.Info { return f.info }

func (d *dirBackend) look(ctx context.Context, op, name string) (hutch.Info, []byte, error) {
	if err := hutch.CheckName(op, name); err != nil {
		return hutch.Info{}, nil, err
	}
	if err := ctx.Err(); err != nil {
		return hutch.Info{}, nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	place, err := d.find(op, name, true)
	if err != nil {
		return hutch.Info{}, nil, err
	}
	return d.stat(op, name, place, true)
}

func (d *dirBackend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	info, _, err := d.look(ctx, "stat", name)
	return info, err
}

func (d *dirBackend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		all, err := d.list(ctx, dir)
		for _, i := range all {
			if ctx.Err() != nil {
				break
			}
			if !yield(i, nil) {
				return
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(hutch.Info{}, err)
		}
	}
}

func (d *dirBackend) list(ctx context.Context, dir string) ([]hutch.Info, error) {
	if info, _, err := d.look(ctx, "list", dir); err != nil || !info.IsDir() {
		if err == nil {
			err = fail("list", dir, hutch.ErrNotDir)
		}
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	place, err := d.find("list", dir, true)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(d.host(place))
	if err != nil {
		return nil, fail("list", dir, fs.ErrNotExist)
	}
	var all []hutch.Info
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if hutch.CheckName("list", name) != nil && !d.wrong["lists bad names"] {
			continue
		}
		info, _, err := d.stat("list", name, path.Join(place, e.Name()), d.wrong["lists through links"])
		if err == nil && !(info.IsDir() && d.wrong["hides empty directories"] && d.isEmpty(place, e.Name())) {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b hutch.Info) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (d *dirBackend) isEmpty(dir, name string) bool {
	entries, _ := os.ReadDir(d.host(path.Join(dir, name)))
	return len(entries) == 0
}

func (d *dirBackend) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (hutch.Info, error) {
	if err := hutch.CheckName("write", name); err != nil {
		return hutch.Info{}, err
	}
	var data bytes.Buffer
	buf := make([]byte, 32<<10)
	for err := error(nil); err == nil; {
		if err := ctx.Err(); err != nil {
			return hutch.Info{}, err
		}
		var n int
		n, err = r.Read(buf)
		data.Write(buf[:n])
		if err != nil && err != io.EOF {
			return hutch.Info{}, fail("write", name, err)
		}
	}
	if err := ctx.Err(); err != nil {
		return hutch.Info{}, err
	}
	if opts == nil {
		opts = &hutch.WriteOptions{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.store(name, data.Bytes(), *opts)
}

func (d *dirBackend) store(name string, data []byte, opts hutch.WriteOptions) (hutch.Info, error) {
	place, err := d.find("write", name, !d.wrong["replaces links"])
	if err != nil {
		return hutch.Info{}, err
	}
	if strings.HasPrefix(place+"/", "../") {
		return hutch.Info{}, nil // a mutant that pretends to have written outside
	}
	old, _, err := d.stat("write", name, place, false)
	mode := hutch.DefaultMode
	switch {
	case err == nil && old.IsDir():
		return hutch.Info{}, fail("write", name, hutch.ErrIsDir)
	case err == nil && opts.IfRev == hutch.Absent:
		return hutch.Info{}, fail("write", name, errors.Join(hutch.ErrConflict, fs.ErrExist))
	case opts.IfRev != "" && opts.IfRev != hutch.Absent && (err != nil || opts.IfRev != old.Rev):
		return hutch.Info{}, fail("write", name, hutch.ErrConflict)
	case err == nil:
		mode = old.Mode.Perm()
	}
	if opts.Mode.Perm() != 0 {
		mode = opts.Mode.Perm()
	}
	if err := os.MkdirAll(filepath.Dir(d.host(place)), 0o755); err != nil {
		return hutch.Info{}, fail("write", name, hutch.ErrNotDir)
	}
	if err := replace(d.host(place), d.at+".tmp", data, mode, !d.wrong["writes without mode"]); err != nil {
		return hutch.Info{}, err
	}
	info, _, err := d.stat("write", name, place, true)
	return info, err
}

func replace(to, by string, data []byte, mode fs.FileMode, chmod bool) error {
	os.Remove(by)
	if err := os.WriteFile(by, data, 0o600); err != nil {
		return err
	}
	if chmod {
		os.Chmod(by, mode)
	}
	return os.Rename(by, to)
}

func (d *dirBackend) Remove(ctx context.Context, name string) error {
	if err := hutch.CheckName("remove", name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	place, err := d.find("remove", name, d.wrong["removes through links"])
	if err != nil {
		return err
	}
	if strings.HasPrefix(place+"/", "../") {
		return nil // as in store
	}
	info, _, err := d.stat("remove", name, place, false)
	if err != nil {
		return err
	}
	if name == "." || info.IsDir() && !d.isEmpty("", place) {
		return fail("remove", name, hutch.ErrIsDir)
	}
	return os.Remove(d.host(place))
}
