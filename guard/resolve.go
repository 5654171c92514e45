package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
)

// maxTries bounds how often an operation begins again because somebody exchanges
// links or files.
const maxTries = 8

var errMoving = fmt.Errorf("%w: links on the way are being exchanged", fs.ErrPermission)

// begin is what every operation checks first.
func begin(ctx context.Context, verb, name string) error {
	if err := hutch.CheckName(verb, name); err != nil {
		return err
	}
	return ctx.Err()
}

// follow is a way from a name to that which an operation is about.
type follow func(ctx context.Context, name string) (string, error)

// real is where a name leads.
func (g *Backend) real(ctx context.Context, name string) (string, error) {
	if g.links == nil {
		return name, nil
	}
	return g.links.Real(ctx, name)
}

// place is where a name is, which may be that of a link.
func (g *Backend) place(ctx context.Context, name string) (string, error) {
	if name == "." {
		return name, nil
	}
	dir, err := g.real(ctx, path.Dir(name))
	return path.Join(dir, path.Base(name)), err
}

// asks reports whether a Check of one of ops may wait for somebody.
func (g *Backend) asks(ops ...Op) bool {
	for _, op := range ops {
		if g.c.Outlook(op) == Asked {
			return true
		}
	}
	return false
}

// through runs do, which checks and acts, on what name leads to by way.
//
// A name without links, which is most of them, leads to itself: unless asked is
// set, do is tried on it as it is, and links are looked for only where that is
// refused, by a rule or because there are links. With asked it is not: nobody
// shall be asked about a name that is not the real one.
func through[T any](ctx context.Context, g *Backend, verb, name string, way follow, asked bool, do func(real string) (T, error)) (T, error) {
	var none T
	if err := begin(ctx, verb, name); err != nil {
		return none, err
	}
	real := name
	if asked {
		var err error
		if real, err = way(ctx, name); err != nil {
			return none, named(err, verb, name)
		}
	}
	for range maxTries {
		v, err := do(real)
		if g.links == nil || !errors.Is(err, fs.ErrPermission) {
			return v, outward(err, real, name)
		}
		now, e := way(ctx, name)
		if e != nil {
			return none, named(e, verb, name)
		}
		if now == real {
			return v, outward(err, real, name)
		}
		real = now
	}
	return none, &fs.PathError{Op: verb, Path: name, Err: errMoving}
}

// check asks about one operation on a real name.
func (g *Backend) check(ctx context.Context, verb string, op Op, real string, ch *Change) error {
	err := g.c.Check(ctx, &Request{Op: op, Name: real, Path: g.path(real), Change: ch})
	return refused(ctx, verb, real, err)
}

// refused is the error of a Check as one of verb.
func refused(ctx context.Context, verb, name string, err error) error {
	if err == nil || err == ctx.Err() {
		return err
	}
	return &fs.PathError{Op: verb, Path: name, Err: err}
}

// path is how tools show a name.
func (g *Backend) path(name string) string {
	if g.rooted == nil || !g.runs() {
		return name
	}
	return path.Join(g.rooted.Root(), name)
}

// outside is a name at or below real as the caller, who said name, knows it.
func outside(inside, real, name string) string {
	switch {
	case inside == real:
		return name
	case real == ".":
		return join(name, inside)
	case strings.HasPrefix(inside, real+"/"):
		return join(name, inside[len(real)+1:])
	}
	return name // of something that the caller has not named
}

func join(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}
