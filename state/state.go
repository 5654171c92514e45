// Package state is a backend in memory, with snapshots and forks that cost
// nothing and a JSON document for the time between two processes.
//
// It runs no commands, has no links and holds no empty directories: a directory
// is there as long as a file is in it. What is written is copied, and nobody
// else changes the files, so every promise of [hutch.Backend] holds without
// exception.
//
// # Revisions
//
// Every write makes a revision that no other write in any backend, fork or
// process makes, also of the same bytes. Renaming a file keeps its revision,
// forks and snapshots share those of the files they share, and loading a
// document gives each file a revision that depends on its content alone, the
// same at every load.
package state

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"iter"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hutch-dev/hutch"
)

// Backend holds files in memory. The zero value is an empty backend without
// limits, ready for use; it must not be copied, [Backend.Fork] does that. It is
// safe for concurrent use, and readers and writers never wait for each other.
//
// It has the speeds [hutch.Walker] and [hutch.Renamer] and the power
// [hutch.Linker]; renaming a directory is one step whatever it holds. The files
// that Open returns are also an [io.ReaderAt], an [io.Seeker] and an [io.WriterTo].
type Backend struct {
	limits Options
	now    atomic.Pointer[version] // nil as long as nothing was ever written
}

// Options bounds a Backend. A zero field is no bound. What goes beyond a bound
// is [hutch.ErrTooLarge] and changes nothing.
type Options struct {
	MaxBytes     int64 // the content of all files together
	MaxFiles     int   // the number of files
	MaxFileBytes int64 // the content of each file
}

// New makes an empty backend. opts may be nil.
func New(opts *Options) *Backend {
	b := &Backend{}
	if opts != nil {
		b.limits = *opts
	}
	return b
}

// version is the whole content at one moment. It never changes.
type version struct {
	top   *node
	files int
	bytes int64
}

var empty version

func (b *Backend) load() *version {
	if v := b.now.Load(); v != nil {
		return v
	}
	return &empty
}

// update replaces the content by what f makes of it, which it may have to make
// several times.
func (b *Backend) update(ctx context.Context, f func(version) (version, error)) error {
	for {
		old := b.now.Load()
		v := empty
		if old != nil {
			v = *old
		}
		v, err := f(v)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if b.now.CompareAndSwap(old, &v) {
			return nil
		}
	}
}

// fits returns an error if v is over the limits on the whole.
func (o *Options) fits(v version) error {
	if o.MaxFiles > 0 && v.files > o.MaxFiles {
		return fmt.Errorf("%w: more than %d files", hutch.ErrTooLarge, o.MaxFiles)
	}
	if o.MaxBytes > 0 && v.bytes > o.MaxBytes {
		return fmt.Errorf("%w: more than %d bytes in all", hutch.ErrTooLarge, o.MaxBytes)
	}
	return nil
}

// fitsFile returns an error if a file of size is over the limits by itself.
func (o *Options) fitsFile(size int64) error {
	if o.MaxFileBytes > 0 && size > o.MaxFileBytes {
		return fmt.Errorf("%w: more than %d bytes in a file", hutch.ErrTooLarge, o.MaxFileBytes)
	}
	if o.MaxBytes > 0 && size > o.MaxBytes {
		return fmt.Errorf("%w: more than %d bytes in all", hutch.ErrTooLarge, o.MaxBytes)
	}
	return nil
}

// Revisions are numbered within the process; the random word keeps apart the
// numbers of two processes that one document went through.
var (
	process  = strings.ToLower(rand.Text()[:13])
	revision atomic.Uint64
)

func newRev() string { return process + "." + strconv.FormatUint(revision.Add(1), 36) }

// Open implements [hutch.Backend].
func (b *Backend) Open(ctx context.Context, name string) (hutch.File, error) {
	e, err := b.get(ctx, "open", name)
	if err != nil {
		return nil, err
	}
	if e.isDir() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: hutch.ErrIsDir}
	}
	return newReader(name, e.file), nil
}

// Stat implements [hutch.Backend]. A directory has no modification time.
func (b *Backend) Stat(ctx context.Context, name string) (hutch.Info, error) {
	e, err := b.get(ctx, "stat", name)
	if err != nil {
		return hutch.Info{}, err
	}
	return e.info(name), nil
}

func (b *Backend) get(ctx context.Context, op, name string) (entry, error) {
	if err := hutch.CheckName(op, name); err != nil {
		return entry{}, err
	}
	if err := ctx.Err(); err != nil {
		return entry{}, err
	}
	e, err := b.load().top.get(name)
	if err != nil {
		return entry{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

func (e entry) info(name string) hutch.Info {
	if e.isDir() {
		return hutch.Info{Name: name, Mode: fs.ModeDir | 0o755}
	}
	return e.file.info(name)
}

func (f *file) info(name string) hutch.Info {
	return hutch.Info{Name: name, Size: int64(len(f.data)), Mode: f.mode, ModTime: f.mtime, Rev: f.rev}
}

// List implements [hutch.Backend]. What it yields is one version of the
// directory, that of the moment when the iteration begins.
func (b *Backend) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		b.in(ctx, "list", dir, yield, func(kids *node, each func(string, entry) bool) bool {
			return kids.each(func(n *node) bool { return each(join(dir, n.segment), n.entry) })
		})
	}
}

// Walk implements [hutch.Walker]. What it yields is one version of the whole
// tree, that of the moment when the iteration begins.
func (b *Backend) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return func(yield func(hutch.Info, error) bool) {
		b.in(ctx, "walk", dir, yield, func(kids *node, each func(string, entry) bool) bool {
			return kids.walk(dir, func(name string, f *file) bool { return each(name, entry{file: f}) })
		})
	}
}

// in yields what run finds in the directory dir.
func (b *Backend) in(ctx context.Context, op, dir string, yield func(hutch.Info, error) bool,
	run func(kids *node, each func(string, entry) bool) bool) {
	e, err := b.get(ctx, op, dir)
	if err == nil && !e.isDir() {
		err = &fs.PathError{Op: op, Path: dir, Err: hutch.ErrNotDir}
	}
	if err != nil {
		yield(hutch.Info{}, err)
		return
	}
	run(e.kids, func(name string, e entry) bool {
		if err := ctx.Err(); err != nil {
			yield(hutch.Info{}, err)
			return false
		}
		return yield(e.info(name), nil)
	})
}
