package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/hutch-dev/hutch"
)

// Backend is a backend of which only what a [Check] allows is there. It is safe
// for concurrent use, and does not close what it guards.
//
// Every operation first follows the links in its name and asks the Check about
// the name that comes of it; where somebody exchanges links meanwhile it is
// refused rather than done elsewhere. Infos and errors carry the caller's name.
//
//   - Open is a Read. A [hutch.UpdateFile] is a Read and an Edit.
//   - Stat is answered for what is Visible to List, and for the root; for all
//     else it is a Read.
//   - List and Walk are a List, Glob is a Glob, Grep is a Grep of the directory.
//     Each leaves out what is not Visible to it, name by name, and Grep reads
//     nothing else. A Grep of one file is a Grep and a Read of it. What is no
//     directory and would not be Visible if it were there is a Read too, there or
//     not, so that trying names tells nobody what there is.
//   - Write is a Write. Remove is a Write of the name itself, link or not.
//   - Rename is a Write of both names and a Read of the old one; for a directory
//     also of all names below it, up to MaxTree. Nothing comes below it meanwhile
//     through this Backend. Where the Confinement protects anything, a link, or a
//     directory with one in it, is refused: what it leads to would be there under
//     names that no rule was asked about.
//
// The rules of a .gitignore that may not be read do not count.
//
// It has the speeds [hutch.Walker], [hutch.Scanner], [hutch.Globber] and
// [hutch.Grepper], [hutch.Renamer] where the guarded backend has it, and
// [hutch.Updater], the powers [hutch.Linker] and [Foreseer], and where commands
// may be run [hutch.Execer] and, if the guarded backend has them, [hutch.Rooted],
// [hutch.Signaler] and [hutch.Confiner]. All else stays hidden.
type Backend struct {
	c     Check
	b     hutch.Backend // what is guarded, without links
	links hutch.Linker  // nil: no link is followed

	exec     hutch.Execer   // nil: no commands
	rooted   hutch.Rooted   // may be nil
	signaler hutch.Signaler // may be nil
	confiner hutch.Confiner // may be nil
	inner    Foreseer       // of what is guarded, may be nil

	protects bool // some names must not be written
	traffic  *traffic
}

// Options qualifies New. The zero value accepts nothing.
type Options struct {
	// Accept names what commands may do although the rules forbid it to file
	// operations, where the sandbox cannot keep them from it: with Read they
	// can read what is hidden, with Write they can change what is protected.
	// No other Op is valid here.
	Accept []Op
}

// New guards b, which must be a [hutch.Linker]: without one, rules about names
// do not hold, and the error matches errors.ErrUnsupported. Where commands may
// be run, they are confined as c wants it, for as long as the sandbox is open;
// what the sandbox cannot keep them from and opts does not accept is an error
// that matches errors.ErrUnsupported and says what commands could do.
func New(ctx context.Context, b hutch.Backend, c Check, opts *Options) (*Backend, error) {
	var o Options
	if opts != nil {
		o = Options{slices.Clone(opts.Accept)}
	}
	for _, op := range o.Accept {
		if op != Read && op != Write {
			return nil, fmt.Errorf("guard: %w: only read and write can be accepted, not %q", fs.ErrInvalid, op)
		}
	}
	if b == nil || c == nil {
		return nil, fmt.Errorf("guard: %w: the backend or the check is nil", fs.ErrInvalid)
	}
	links, ok := hutch.As[hutch.Linker](b)
	if !ok {
		return nil, fmt.Errorf("guard: %w: the backend does not say where links lead, and without that no rule about names holds", errors.ErrUnsupported)
	}
	g := &Backend{c: c, b: links.Unlinked(), links: links, traffic: newTraffic()}
	g.inner = power[Foreseer](b)
	confinement := c.Confinement()
	g.protects = len(confinement.Protect) > 0
	if err := g.addCommands(ctx, b, confinement, &o); err != nil {
		return nil, err
	}
	return g, nil
}

// As offers the speeds and those of the powers that can be had.
func (g *Backend) As(target any) (ok bool) {
	switch t := target.(type) {
	case *hutch.Walker:
		*t, ok = g, true
	case *hutch.Scanner:
		*t, ok = g, true
	case *hutch.Globber:
		*t, ok = g, true
	case *hutch.Grepper:
		*t, ok = g, true
	case *hutch.Updater:
		*t, ok = g, true
	case *Foreseer:
		*t, ok = g, true
	case *hutch.Linker:
		*t, ok = linker{g}, g.links != nil
	case *hutch.Renamer:
		r, has := hutch.As[hutch.Renamer](g.b)
		*t, ok = renamer{g, r}, has
	case *hutch.Execer:
		*t, ok = execer{g}, g.runs()
	case *hutch.Rooted:
		*t, ok = rooted{g}, g.runs() && g.rooted != nil
	case *hutch.Signaler:
		*t, ok = signaler{g}, g.runs() && g.signaler != nil
	case *hutch.Confiner:
		*t, ok = confiner{g}, g.runs() && g.confiner != nil
	}
	return ok
}

// Outlook implements [Foreseer]. Of guards one on the other the strictest decides.
func (g *Backend) Outlook(op Op) Outlook {
	if op == Execute && g.exec == nil {
		return Denied
	}
	o := g.c.Outlook(op)
	if g.inner != nil {
		o = min(o, g.inner.Outlook(op))
	}
	return o
}

type linker struct{ g *Backend }

// Real tells no more than List does: where a link leads is told if the name that
// it leads to is visible.
func (l linker) Real(ctx context.Context, name string) (string, error) {
	if err := begin(ctx, "real", name); err != nil {
		return "", err
	}
	real, err := l.g.links.Real(ctx, name)
	if err == nil && real != name && real != "." && !l.g.c.Visible(List, real) {
		return "", &fs.PathError{Op: "real", Path: name, Err: errHidden}
	}
	return real, err
}

func (l linker) Unlinked() hutch.Backend {
	g := *l.g
	g.links, g.exec, g.rooted, g.confiner = nil, nil, nil, nil
	return &g
}

var errHidden = fmt.Errorf("%w: the link leads to what may not be seen", fs.ErrPermission)
