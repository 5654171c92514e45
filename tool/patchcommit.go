package tool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

// rollbackTime is how long taking back may last after ctx has ended.
const rollbackTime = 30 * time.Second

// commit writes a plan: all of it or none. No backend has transactions, so it
// writes one file after the other, each only if it is still the version that was
// read, and takes back what it has written if a later one fails. A version that
// somebody else has written meanwhile is never replaced: the error then says
// which files could not be taken back. Others can see the files of a patch
// one by one; directories that were made for files stay.
//
// Remove takes no revision, so a file is looked at just before it is removed.
func (p *plan) commit(ctx context.Context) error {
	todo := p.order()
	if len(todo) == 0 {
		return mistakef("The patch changes nothing: the files are already as it would make them.")
	}
	for i, s := range todo {
		if err := p.write(ctx, s); err != nil {
			return p.rollback(ctx, todo[:i], s, err)
		}
	}
	for _, s := range todo {
		if s.exists {
			p.c.seen.wrote(s.name, s.newRev, 1)
		} else {
			p.c.seen.gone(s.name)
		}
	}
	return nil
}

// order is what to write, by name, and what to remove after that; but what is in
// the way of a file that is written, or below it, is removed before.
func (p *plan) order() []*staged {
	var all, written []*staged
	for _, s := range p.files {
		if s.changed() {
			all = append(all, s)
		}
		if s.changed() && s.exists {
			written = append(written, s)
		}
	}
	step := func(s *staged) int {
		switch {
		case s.exists:
			return 1
		case slices.ContainsFunc(written, func(w *staged) bool { return below(w.name, s.name) || below(s.name, w.name) }):
			return 0
		}
		return 2
	}
	slices.SortFunc(all, func(a, b *staged) int {
		return cmp.Or(step(a)-step(b), strings.Compare(a.name, b.name))
	})
	return all
}

func below(name, dir string) bool { return strings.HasPrefix(name, dir+"/") }

func (p *plan) write(ctx context.Context, s *staged) error {
	switch {
	case !s.exists:
		return p.removeIf(ctx, s.name, s.rev)
	case !s.existed:
		return s.wrote(hutch.WriteFile(ctx, p.c.b, s.name, s.after, &hutch.WriteOptions{IfRev: hutch.Absent, Mode: s.newMode}))
	case s.newMode != 0 && s.newMode != s.mode:
		return s.wrote(hutch.WriteFile(ctx, p.c.b, s.name, s.after, &hutch.WriteOptions{IfRev: s.rev, Mode: s.newMode}))
	}
	return s.wrote(p.replaceIf(ctx, s.name, s.rev, s.after))
}

func (s *staged) wrote(i hutch.Info, err error) error {
	if err == nil {
		s.newRev = i.Rev
	}
	return err
}

// replaceIf is an edit, as rules call it, of one version.
func (p *plan) replaceIf(ctx context.Context, name, rev string, content []byte) (hutch.Info, error) {
	res, err := hutch.UpdateFile(ctx, p.c.b, name, func(_ []byte, i hutch.Info) ([]byte, error) {
		if i.Rev != rev {
			return nil, hutch.ErrConflict
		}
		return content, nil
	})
	return res.Info, err
}

func (p *plan) removeIf(ctx context.Context, name, rev string) error {
	i, err := p.c.b.Stat(ctx, name)
	if err != nil {
		return err
	}
	if i.Rev != rev {
		return &fs.PathError{Op: "remove", Path: name, Err: hutch.ErrConflict}
	}
	return p.c.b.Remove(ctx, name)
}

// rollback takes back what was done before s could not be written, and says what
// came of it.
func (p *plan) rollback(ctx context.Context, done []*staged, s *staged, cause error) error {
	undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
	defer cancel()
	var stuck []string
	for _, d := range slices.Backward(done) {
		if err := p.takeBack(undo, d); err != nil {
			stuck = append(stuck, fmt.Sprintf("'%s' (%s)", p.c.path(d.name), p.why(err)))
		}
	}
	text := "Nothing was changed"
	if len(done) > 0 {
		text = "Nothing is changed, what was written was taken back"
	}
	if len(stuck) > 0 {
		text = "The patch is applied in part: these files are changed and could not be taken back: " + strings.Join(stuck, ", ")
	}
	if _, mendable := p.c.sentence(cause); !mendable || ctx.Err() != nil {
		return fmt.Errorf("%s: at '%s': %w", text, p.c.path(s.name), cause)
	}
	return mistakef("%s. '%s' could not be written: %s", text, p.c.path(s.name), p.why(cause))
}

func (p *plan) takeBack(ctx context.Context, s *staged) error {
	var info hutch.Info
	var err error
	switch {
	case !s.existed:
		err = p.removeIf(ctx, s.name, s.newRev)
	case !s.exists:
		info, err = hutch.WriteFile(ctx, p.c.b, s.name, s.before, &hutch.WriteOptions{IfRev: hutch.Absent, Mode: s.mode})
	case s.newMode != 0 && s.newMode != s.mode:
		info, err = hutch.WriteFile(ctx, p.c.b, s.name, s.before, &hutch.WriteOptions{IfRev: s.newRev, Mode: s.mode})
	default:
		info, err = p.replaceIf(ctx, s.name, s.newRev, s.before)
	}
	if rev, _ := p.c.seen.at(s.name); err == nil && s.existed && rev != "" {
		p.c.seen.wrote(s.name, info.Rev, 0)
	}
	return err
}

// why is an error in words, without a name that is said already.
func (p *plan) why(err error) string {
	if errors.Is(err, hutch.ErrConflict) {
		return "somebody else changed it meanwhile. Read it again."
	}
	text, ok := p.c.sentence(err)
	if !ok {
		return "the workspace does not answer"
	}
	return strings.TrimPrefix(text, "Error: ")
}
