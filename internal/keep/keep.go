// Package keep stores output that is too large to show in files of the
// workspace, where tools and commands find it, and sweeps what is old.
package keep

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hutch-dev/hutch"
)

// The defaults of Options.
const (
	DefaultDir   = ".hutch/out"
	DefaultFiles = 512
	DefaultSize  = 256 << 20
	DefaultAge   = 7 * 24 * time.Hour
)

// Options bounds what a Store keeps. A zero field is its default.
type Options struct {
	Dir   string        // the name of the directory
	Files int           // at most so many files
	Size  int64         // in bytes, of all files together
	Age   time.Duration // since the file was written
}

// Store keeps output in one directory of a backend. It is safe for concurrent
// use, also beside other stores of the same directory.
type Store struct {
	b hutch.Backend
	o Options

	mu     sync.Mutex
	swept  bool
	files  int   // at least what is there, since the last sweep
	bytes  int64 // the same
	marked bool  // the directory has been shown to git as one to ignore
}

// New makes a store and touches nothing. o may be nil. Where b has links none of
// them is followed: a command may have put one in the way.
func New(b hutch.Backend, o *Options) *Store {
	s := &Store{b: b}
	if l, ok := hutch.As[hutch.Linker](b); ok {
		s.b = l.Unlinked()
	}
	if o != nil {
		s.o = *o
	}
	if s.o.Dir == "" {
		s.o.Dir = DefaultDir
	}
	if s.o.Files <= 0 {
		s.o.Files = DefaultFiles
	}
	if s.o.Size <= 0 {
		s.o.Size = DefaultSize
	}
	if s.o.Age <= 0 {
		s.o.Age = DefaultAge
	}
	return s
}

// Write keeps what r gives in a new file and returns it. The name begins with
// label, lower-case letters, digits and "_"; nobody can guess the rest of it.
//
// Old files make room: those over the age, then the oldest while there are too
// many or they are too large together. Only files that a Store has named are
// ever removed. Where no room can be made the error matches hutch.ErrTooLarge.
func (s *Store) Write(ctx context.Context, label string, r io.Reader) (hutch.Info, error) {
	base := label + "-" + unguessable() + ".log"
	if !named().MatchString(base) {
		return hutch.Info{}, &fs.PathError{Op: "write", Path: base, Err: fs.ErrInvalid}
	}
	name := path.Join(s.o.Dir, base)
	if err := s.makeRoom(ctx); err != nil {
		return hutch.Info{}, err
	}
	info, err := s.b.Write(ctx, name, r, &hutch.WriteOptions{IfRev: hutch.Absent, Mode: 0o600})
	if err != nil {
		return hutch.Info{}, err
	}
	s.mark(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files++
	s.bytes += info.Size
	return info, nil
}

// Open opens a kept file.
func (s *Store) Open(ctx context.Context, name string) (hutch.File, error) {
	return s.b.Open(ctx, name)
}

// Remove removes a file that Write has made.
func (s *Store) Remove(ctx context.Context, name string) error {
	if path.Dir(name) != path.Clean(s.o.Dir) || !named().MatchString(path.Base(name)) {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrInvalid}
	}
	return s.b.Remove(ctx, name)
}

// named is what the names of kept files look like, and no others.
var named = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9_]{1,64}-[a-z2-7]{20}\.log$`) })

func unguessable() string { return strings.ToLower(rand.Text()[:20]) }

// mark keeps kept output out of commits, once. Nothing depends on it.
func (s *Store) mark(ctx context.Context) {
	s.mu.Lock()
	done := s.marked
	s.marked = true
	s.mu.Unlock()
	if done {
		return
	}
	_, _ = hutch.WriteFile(ctx, s.b, path.Join(s.o.Dir, ".gitignore"), []byte("*\n"), &hutch.WriteOptions{IfRev: hutch.Absent})
}

// makeRoom sweeps now and then, and fails while there is no room.
func (s *Store) makeRoom(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.swept && s.files < s.o.Files && s.bytes < s.o.Size {
		return nil
	}
	files, bytes, err := s.sweep(ctx)
	if err != nil {
		return err
	}
	s.swept, s.files, s.bytes = true, files, bytes
	if files >= s.o.Files || bytes >= s.o.Size {
		return &fs.PathError{Op: "write", Path: s.o.Dir, Err: fmt.Errorf("%w: %d files of %d bytes are kept and cannot be removed", hutch.ErrTooLarge, files, bytes)}
	}
	return nil
}

// sweep removes what is old, and a little more than has to go, so that it need
// not be done at every write. It returns what is left.
func (s *Store) sweep(ctx context.Context) (files int, bytes int64, err error) {
	kept, err := s.list(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, i := range kept {
		bytes += i.Size
	}
	files = len(kept)
	mostFiles, mostBytes := s.o.Files-1-s.o.Files/8, s.o.Size-s.o.Size/8
	for _, i := range kept {
		old := !i.ModTime.IsZero() && time.Since(i.ModTime) > s.o.Age
		if !old && files <= mostFiles && bytes < mostBytes {
			break // the rest is younger
		}
		if err := s.b.Remove(ctx, i.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		files--
		bytes -= i.Size
	}
	return files, bytes, ctx.Err()
}

// list is what is kept, the oldest first.
func (s *Store) list(ctx context.Context) ([]hutch.Info, error) {
	all, err := hutch.Collect(s.b.List(ctx, s.o.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(all, func(i hutch.Info) bool {
		return !i.Mode.IsRegular() || !named().MatchString(path.Base(i.Name))
	})
	slices.SortFunc(kept, func(a, b hutch.Info) int { return a.ModTime.Compare(b.ModTime) })
	return kept, nil
}
