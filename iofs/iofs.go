// Package iofs shows any [fs.FS] as a backend that can only be read: embedded
// files, a zip archive, [os.Root.FS], a map in a test.
//
// Every write is refused with an error that matches errors.ErrUnsupported. Left
// out of lists are entries whose name [hutch.CheckName] refuses. Links are
// followed as [hutch.Backend] says where the fs.FS is an [fs.ReadLinkFS] (as
// those of package os and fstest.MapFS are): inside it, and no further. Where
// it is none, what is no directory and no regular file cannot be opened.
//
// New's backend has the speed [hutch.Scanner], and the power [hutch.Linker] where
// the fs.FS shows its links or cannot have any: where it is an fs.ReadLinkFS,
// embedded, or an archive of package zip. Any other may follow links without
// saying so, and what [fs.Sub] makes of such a one says that it shows them. An fs.FS opens by name: in a directory of the operating system in
// which somebody replaces directories by links while they are looked at, neither
// Open nor Unlinked notices it, and package local must be used in its place.
//
// # Revisions
//
// An fs.FS has no revisions, so they are made from the best that there is:
//
//   - Of embedded files and of archives of package zip, which never change, the
//     revision is computed from the content or its checksum.
//   - Of files of the operating system it is made of what the kernel says: size,
//     time of modification, time of change, inode. As long as the last change is
//     so recent that another one could bear the same time (two seconds), the
//     content is hashed too, which reads the whole file. It misses a change where
//     the clock of the file system is set back, or differs from this machine's by
//     more than that.
//   - Of all other files it is a hash of the content, whatever the time says:
//     each Stat, each Open and each entry of a List reads the file. Nothing
//     is remembered, because nothing tells when to forget it.
//
// Open reads a file whose content has to be hashed into memory as a whole, so
// that what is read is just what the revision stands for. Any other file of the
// operating system that is written to while it is read is [hutch.ErrConflict],
// as far as its size or time of modification show it.
package iofs

import (
	"archive/zip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// New makes a read-only backend of fsys, which must be safe for concurrent use,
// as those of the standard library are.
func New(fsys fs.FS) hutch.Backend {
	b := &backend{fsys: fsys, recent: recent}
	b.links, b.linker = fsys.(fs.ReadLinkFS)
	switch fsys.(type) {
	case embed.FS, *embed.FS:
		b.fixed, b.linker = &sync.Map{}, true
	case *zip.Reader, *zip.ReadCloser:
		b.linker = true
	}
	return b
}

type backend struct {
	fsys   fs.FS
	links  fs.ReadLinkFS // nil: it has none
	fixed  *sync.Map     // name to revision, where files never change; else nil
	recent time.Duration

	linker   bool // what links there are is known
	unlinked bool // links are refused
}

// recent is the age below which the times of a file do not yet tell all of its
// changes apart. File systems tick every few milliseconds, some every second or
// two.
const recent = 2 * time.Second

func (b *backend) Open(ctx context.Context, name string) (hutch.File, error) {
	if err := check(ctx, "open", name); err != nil {
		return nil, err
	}
	f, err := b.open(ctx, name)
	if err != nil {
		return nil, failure("open", name, err)
	}
	return f, nil
}

func (b *backend) open(ctx context.Context, name string) (hutch.File, error) {
	at, info, err := b.find(name)
	if err != nil {
		return nil, err
	}
	if err := readable(info); err != nil {
		return nil, err
	}
	f, err := b.fsys.Open(at)
	if err != nil {
		return nil, err
	}
	file, err := b.file(ctx, name, at, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	return file, nil
}

// readable decides whether what info describes can be opened as a file.
func readable(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return hutch.ErrIsDir
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: not a regular file", errors.ErrUnsupported)
	}
	return nil
}

func (b *backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	if err := check(ctx, "stat", name); err != nil {
		return hutch.Info{}, err
	}
	at, info, err := b.find(name)
	if err != nil {
		return hutch.Info{}, failure("stat", name, err)
	}
	i, err := b.info(ctx, name, at, info)
	if err != nil {
		return hutch.Info{}, failure("stat", name, err)
	}
	return i, nil
}

func (b *backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return b.entries(ctx, dir, func(name, at string, e fs.DirEntry) (hutch.Info, error) {
		info, err := e.Info()
		if err != nil {
			return hutch.Info{}, err
		}
		return b.info(ctx, name, at, info)
	})
}

// Scan implements [hutch.Scanner]: where revisions are hashes, List reads every
// file.
func (b *backend) Scan(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return b.entries(ctx, dir, func(name, _ string, e fs.DirEntry) (hutch.Info, error) {
		return hutch.Info{Name: name, Mode: e.Type()}, nil
	})
}

// describer makes an Info of an entry, which is name here and at in the fs.FS.
type describer func(name, at string, e fs.DirEntry) (hutch.Info, error)

func (b *backend) entries(ctx context.Context, dir string, describe describer) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		if err := check(ctx, "list", dir); err != nil {
			yield(hutch.Info{}, err)
			return
		}
		if err := b.list(ctx, dir, describe, func(i hutch.Info) bool { return yield(i, nil) }); err != nil {
			yield(hutch.Info{}, failure("list", dir, err))
		}
	}
}

func (b *backend) list(ctx context.Context, dir string, describe describer, yield func(hutch.Info) bool) error {
	at, info, err := b.find(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return hutch.ErrNotDir
	}
	entries, err := fs.ReadDir(b.fsys, at)
	if err != nil {
		return err
	}
	// Sorted already says fs.ReadDir, but not every fs.FS listens.
	slices.SortFunc(entries, func(x, y fs.DirEntry) int { return strings.Compare(x.Name(), y.Name()) })
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		if strings.Contains(e.Name(), "/") || hutch.CheckName("list", name) != nil {
			continue
		}
		i, err := describe(name, path.Join(at, e.Name()), e)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since the directory was read
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if !yield(i) {
			return nil
		}
	}
	return nil
}

func (b *backend) Write(_ context.Context, name string, _ io.Reader, _ *hutch.WriteOptions) (hutch.Info, error) {
	return hutch.Info{}, refuse("write", name)
}

func (b *backend) Remove(_ context.Context, name string) error { return refuse("remove", name) }

func refuse(op, name string) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	return &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("%w: this backend can only be read", errors.ErrUnsupported)}
}

func check(ctx context.Context, op, name string) error {
	if err := hutch.CheckName(op, name); err != nil {
		return err
	}
	return ctx.Err()
}
