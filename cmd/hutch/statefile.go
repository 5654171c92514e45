package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
)

// stateFile is a workspace in a JSON document. It is read when it is opened. The
// first change takes the lock of the document and reads it again where somebody
// has stored it meanwhile; commit stores all changes and lets go of the lock, so
// that of two processes none loses what the other wrote.
type stateFile struct {
	file string

	mu      sync.Mutex
	b       *state.Backend
	loaded  []byte // the document that b was read from
	changed bool
	unlock  func()
	stored  map[string]string // of the revisions written here, those that last
}

// openStateFile opens a document. One that does not exist yet is empty.
func openStateFile(file string) (*stateFile, error) {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target // the link stays, what it leads to is replaced
	}
	s := &stateFile{file: file, stored: map[string]string{}}
	if err := s.load(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stateFile) load() error {
	data, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(s.file))
	}
	if err != nil {
		return fmt.Errorf("state:%s: %w", s.file, bare(err))
	}
	if s.b != nil && bytes.Equal(data, s.loaded) {
		return nil
	}
	b := state.New(nil)
	if len(data) > 0 {
		if err := b.UnmarshalJSON(data); err != nil {
			return fmt.Errorf("state:%s: %w", s.file, err)
		}
	}
	s.b, s.loaded = b, data
	return nil
}

// now is the content to read from.
func (s *stateFile) now() *state.Backend {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b
}

func (s *stateFile) Open(ctx context.Context, name string) (hutch.File, error) {
	return s.now().Open(ctx, name)
}

func (s *stateFile) Stat(ctx context.Context, name string) (hutch.Info, error) {
	return s.now().Stat(ctx, name)
}

func (s *stateFile) List(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return s.now().List(ctx, dir)
}

// Walk is the speed of hutch.Walk.
func (s *stateFile) Walk(ctx context.Context, dir string) iter.Seq2[hutch.Info, error] {
	return s.now().Walk(ctx, dir)
}

// Real and Unlinked are the power hutch.Linker: there are no links.
func (s *stateFile) Real(ctx context.Context, name string) (string, error) {
	return s.now().Real(ctx, name)
}

func (s *stateFile) Unlinked() hutch.Backend { return s }

// Write reads all of r before it takes the lock, which must not wait for r.
func (s *stateFile) Write(ctx context.Context, name string, r io.Reader, opts *hutch.WriteOptions) (info hutch.Info, err error) {
	if err := hutch.CheckName("write", name); err != nil {
		return info, err
	}
	data, err := io.ReadAll(untilDone{ctx, r})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return info, &fs.PathError{Op: "write", Path: name, Err: err}
	}
	err = s.change(ctx, func(b *state.Backend) (err error) {
		if info, err = b.Write(ctx, name, bytes.NewReader(data), opts); err == nil {
			s.stored[info.Rev], err = storedRev(ctx, data)
		}
		return err
	})
	return info, err
}

// untilDone is a reader that ends with its context.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// storedRev is the revision that a file has once its document was loaded, which
// is the only one that lasts longer than this process.
func storedRev(ctx context.Context, data []byte) (string, error) {
	one := state.New(nil)
	if _, err := one.Write(ctx, "f", bytes.NewReader(data), nil); err != nil {
		return "", err
	}
	doc, err := one.MarshalJSON()
	if err != nil {
		return "", err
	}
	again := state.New(nil)
	if err := again.UnmarshalJSON(doc); err != nil {
		return "", err
	}
	info, err := again.Stat(ctx, "f")
	return info.Rev, err
}

func (s *stateFile) Remove(ctx context.Context, name string) error {
	return s.change(ctx, func(b *state.Backend) error { return b.Remove(ctx, name) })
}

// Rename is the speed of hutch.Move.
func (s *stateFile) Rename(ctx context.Context, from, to string) error {
	return s.change(ctx, func(b *state.Backend) error { return b.Rename(ctx, from, to) })
}

// change makes a change on what the document holds now, under its lock.
func (s *stateFile) change(ctx context.Context, do func(*state.Backend) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unlock == nil {
		unlock, err := lock(ctx, s.file+".lock")
		if err != nil {
			return fmt.Errorf("lock of state:%s: %w", s.file, bare(err))
		}
		s.unlock = unlock
		if err := s.load(); err != nil {
			return err
		}
	}
	err := do(s.b)
	if err == nil {
		s.changed = true
	}
	return err
}

// commit stores the document if it was changed, and lets go of its lock.
func (s *stateFile) commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed {
		data, err := s.b.MarshalJSON()
		if err == nil {
			err = replaceFile(s.file, bytes.NewReader(data), 0o666)
		}
		if err != nil {
			return fmt.Errorf("state:%s: %w", s.file, bare(err))
		}
		s.loaded, s.changed = data, false
	}
	s.release()
	return nil
}

func (s *stateFile) release() {
	if s.unlock != nil {
		s.unlock()
		s.unlock = nil
	}
}

// close forgets what was not committed.
func (s *stateFile) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}
