package jail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/hutch-dev/hutch/internal/search"
)

// Confinement is what commands are kept from, as two lists of [search.NameList].
type Confinement struct {
	// Hide is what they cannot read. In the place of a hidden file or folder they see an empty one that they may neither open
	// nor remove. A link is not hidden, what it leads to is, if its own name says so. Other names of a hidden file, as hard
	// links, are hidden too.
	Hide []string
	// Protect is what they cannot write, remove, rename or replace. A name without wildcards holds also for what does not exist,
	// as in Config.Protect. A folder in which everything new would be protected is read-only as a whole.
	Protect []string
}

// Confine keeps the commands that start from now on from what c says, in addition to what was said before. It takes Isolated;
// at lesser levels the error matches errors.ErrUnsupported and nothing has changed. What appears while commands run, and what the
// host replaces, is masked a moment later.
//
// If ctx ends first, the confinement may come into force nevertheless.
func (j *Jail) Confine(ctx context.Context, c *Confinement) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	protect, err := c.check()
	if err != nil || len(c.Hide)+len(c.Protect) == 0 {
		return err
	}
	if j.closed.Load() {
		return ErrClosed
	}
	if j.level < Isolated {
		return &unconfinable{j.level}
	}
	if err := j.engine.keepFrom(ctx, c, protect.Literals()); err != nil {
		if j.closed.Load() && errors.Is(err, ErrGone) {
			err = ErrClosed
		}
		return err
	}
	j.confined.Add(int64(len(c.Hide) + len(c.Protect)))
	return nil
}

// Protected are the names that commands are kept from making, by placeholders where nothing exists: those of Config.Protect, those
// of Confine without wildcards, and the names that they lead to.
func (j *Jail) Protected() []string { return j.engine.protected() }

// unconfinable says that a jail has no means to keep commands from names.
type unconfinable struct{ level Level }

func (e *unconfinable) Error() string {
	return "commands cannot be kept from single files at level " + e.level.String() + "; it takes isolated"
}
func (e *unconfinable) Unwrap() error { return errors.ErrUnsupported }

// Check returns an error that matches fs.ErrInvalid for a pattern that cannot be read.
func (c *Confinement) Check() error {
	_, err := c.check()
	return err
}

func (c *Confinement) check() (protect *search.NameList, err error) {
	if _, err = search.CompileNameList(c.Hide); err == nil {
		protect, err = search.CompileNameList(c.Protect)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrInvalid, err)
	}
	return protect, nil
}

// confinedLayer tells of what Confine has been asked for, or can be.
func (j *Jail) confinedLayer() Layer {
	l := Layer{Name: "confined names", OK: true, Detail: "none was asked for"}
	switch n := j.confined.Load(); {
	case j.level < Isolated:
		l.OK, l.Detail, l.Missing, l.Remedy = false, "patterns of hidden and protected names are refused", "mounts of its own", "level isolated"
	case n > 0:
		l.Detail = fmt.Sprintf("%d patterns by mounts; what appears while commands run, a moment later", n)
	}
	return l
}
