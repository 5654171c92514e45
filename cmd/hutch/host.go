package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/iofs"
)

// bring copies from the host into the backend.
func (c *cli) bring(ctx context.Context, from, to string, deep bool) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err == nil && info.IsDir() && !deep {
		err = fmt.Errorf("%w; copy it with -r", hutch.ErrIsDir)
	}
	if err != nil {
		return hostError(from, err)
	}
	target, err := targetOf(ctx, w.b, to, filepath.Base(filepath.Clean(from)))
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = bringTree(ctx, w.b, from, target)
	} else {
		err = bringFile(ctx, w.b, from, target)
	}
	if err != nil {
		return err
	}
	return c.moved(w, "host:"+from, target)
}

func bringFile(ctx context.Context, b hutch.Backend, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return hostError(from, err)
	}
	defer f.Close()
	opts := &hutch.WriteOptions{}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		opts.Mode = info.Mode().Perm()
	}
	_, err = b.Write(ctx, to, f, opts)
	return err
}

// bringTree copies a directory. The root keeps links from leading out of it.
func bringTree(ctx context.Context, b hutch.Backend, from, to string) error {
	root, err := os.OpenRoot(from)
	if err != nil {
		return hostError(from, err)
	}
	defer root.Close()
	return hutch.Copy(ctx, b, to, iofs.New(root.FS()), ".")
}

// take copies from the backend to the host.
func (c *cli) take(ctx context.Context, from, to string, deep bool) error {
	w, err := c.open(nil)
	if err != nil {
		return err
	}
	name, err := hutch.Resolve(w.b, ".", from)
	if err != nil {
		return err
	}
	if err := fileUnless(ctx, w.b, name, deep); err != nil {
		return err
	}
	target := to
	there, err := os.Stat(to)
	if err == nil && there.IsDir() || strings.HasSuffix(to, "/") {
		target = filepath.Join(to, path.Base(name))
	}
	info, err := w.b.Stat(ctx, name)
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = takeTree(ctx, w.b, name, target)
	} else {
		err = takeFile(ctx, w.b, name, target)
	}
	if err != nil {
		return err
	}
	return c.moved(w, name, "host:"+target)
}

func takeFile(ctx context.Context, b hutch.Backend, name, to string) error {
	f, err := b.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if there, err := os.Stat(to); err == nil && !there.Mode().IsRegular() {
		return hostError(to, errors.New("not a regular file"))
	}
	if err := replaceFile(to, f, f.Info().Mode.Perm()); err != nil {
		return hostError(to, err)
	}
	return nil
}

// takeTree copies a directory to a place where nothing is yet. Whatever the
// names in it are, the root keeps the files below to.
func takeTree(ctx context.Context, b hutch.Backend, name, to string) error {
	if err := os.Mkdir(to, 0o777); err != nil {
		return hostError(to, err)
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return hostError(to, err)
	}
	defer root.Close()
	for info, err := range hutch.Walk(ctx, b, name) {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(info.Name, name+"/")
		err := takeInto(ctx, b, info.Name, root, filepath.FromSlash(rel))
		link := info.Mode&fs.ModeSymlink != 0
		if link && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, hutch.ErrIsDir)) {
			continue // it leads to no file in here
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func takeInto(ctx context.Context, b hutch.Backend, name string, root *os.Root, to string) error {
	f, err := b.Open(ctx, name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := root.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return hostError(to, err)
	}
	out, err := root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Info().Mode.Perm())
	if err != nil {
		return hostError(to, err)
	}
	_, err = io.Copy(out, f)
	if err := errors.Join(err, out.Close()); err != nil {
		return hostError(to, err)
	}
	return nil
}

// hostError is an error about a path of the host.
func hostError(path string, err error) error {
	return fmt.Errorf("host:%s: %w", path, bare(err))
}
