package local

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/internal/jail"
)

// Confine implements [hutch.Confiner], for commands only: file operations are as
// free as before. It starts the jail, and holds in every later one. It takes
// [Isolated]; where commands have less it matches errors.ErrUnsupported. A
// pattern that cannot be read matches fs.ErrInvalid.
//
// What is hidden is an empty file or directory to commands, which they may
// neither open nor remove; other names of a hidden file, as hard links, are
// hidden too. What appears while commands run, or is replaced by the host, they
// may see for a moment: until the kernel has told of it and it is masked, some
// milliseconds, and up to 50 where the kernel cannot tell (network file
// systems, or more directories than fs.inotify.max_user_watches). Directories
// on the way to protected files cannot be renamed by commands, nor those on the
// way to hidden ones, unless the pattern begins with "**/" and leaves them free.
// A directory that the owner of the jail cannot read is hidden whole where
// something in it might be.
//
// A command that began before, or has opened a file in that moment, can go on
// reading it, and pass it on.
func (s *Sandbox) Confine(ctx context.Context, c hutch.Confinement) error {
	if err := ctx.Err(); err != nil {
		return fail("confine", ".", err)
	}
	if len(c.Hide)+len(c.Protect) == 0 {
		return nil
	}
	c.Hide, c.Protect = slices.Clone(c.Hide), slices.Clone(c.Protect)
	s.cell.confining.Lock()
	defer s.cell.confining.Unlock()
	j, err := s.enter(ctx)
	if err == nil {
		err = s.confine(ctx, j, c)
	}
	if errors.Is(err, jail.ErrGone) {
		s.cell.gone(j)
	}
	if errors.Is(err, jail.ErrClosed) {
		err = hutch.ErrClosed
	}
	if err != nil {
		return fail("confine", ".", err)
	}
	s.cell.mu.Lock()
	defer s.cell.mu.Unlock()
	s.cell.confined = append(s.cell.confined, c)
	if s.cell.jail != j { // it died meanwhile, and another one may be there by now
		return s.cell.drop()
	}
	return nil
}

func (s *Sandbox) confine(ctx context.Context, j *jail.Jail, c hutch.Confinement) error {
	err := j.Confine(ctx, &jail.Confinement{Hide: c.Hide, Protect: c.Protect})
	s.guard.held.set(j.Protected())
	return err
}

// held are the names that commands are kept from making by something that stands
// in their place. For file operations it is not there, and makes way for them.
type held struct {
	mu    sync.RWMutex
	names []string
}

func (h *held) set(names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.names = names
}

func (h *held) all() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.names
}

// lstat describes what is there, and not what only stands for something.
func (s *Sandbox) lstat(name string) (node, error) {
	n, err := s.tree.lstat(name)
	if err == nil && s.guard.hides(name, &n) {
		return node{}, fs.ErrNotExist
	}
	return n, err
}

// absent reports whether something only stands in the place of name.
func (s *Sandbox) absent(name string) bool {
	if staged(name) || !s.guard.mayHide(name) {
		return false
	}
	n, err := s.tree.lstat(name)
	return err == nil && s.guard.hides(name, &n)
}

// makeWay takes away what stands in the place of name or of a directory above it.
func (s *Sandbox) makeWay(name string) {
	top, _, _ := strings.Cut(name, "/")
	for _, p := range s.guard.held.all() {
		if covers(top, p) {
			jail.Release(s.dir, p)
		}
	}
}
