package guard_test

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/backendtest"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/state"
)

var ctx = context.Background()

// rules is a Check made of functions; what is nil allows.
type rules struct {
	check   func(r *guard.Request) error
	visible func(op guard.Op, name string) bool
	outlook map[guard.Op]guard.Outlook
	confine hutch.Confinement
}

func (c *rules) Check(_ context.Context, r *guard.Request) error {
	if c.check == nil {
		return nil
	}
	return c.check(r)
}

func (c *rules) Visible(op guard.Op, name string) bool {
	return c.visible == nil || c.visible(op, name)
}

func (c *rules) Outlook(op guard.Op) guard.Outlook {
	if o, ok := c.outlook[op]; ok {
		return o
	}
	return guard.Allowed
}

func (c *rules) Confinement() hutch.Confinement { return c.confine }

// asking is rules under which somebody may be asked about everything.
func asking(check func(r *guard.Request) error) *rules {
	c := &rules{check: check, outlook: map[guard.Op]guard.Outlook{}}
	for _, op := range guard.Ops() {
		c.outlook[op] = guard.Asked
	}
	return c
}

// deny refuses ops on the names that begin with one of prefixes.
func deny(ops string, prefixes ...string) *rules {
	denied := func(op guard.Op, name string) bool {
		if !strings.Contains(" "+ops+" ", " "+string(op)+" ") {
			return false
		}
		for _, p := range prefixes {
			if name == p || strings.HasPrefix(name, p+"/") {
				return true
			}
		}
		return false
	}
	c := hutch.Confinement{Protect: prefixes}
	if !strings.Contains(ops, "write") {
		c.Protect = nil
	}
	return &rules{
		confine: c,
		check: func(r *guard.Request) error {
			if denied(r.Op, r.Name) {
				return &guard.Refusal{Text: string(r.Op) + " is not allowed here"}
			}
			return nil
		},
		visible: func(op guard.Op, name string) bool {
			return !denied(op, name) && (op != guard.Grep || !denied(guard.Read, name))
		},
	}
}

func guarded(t testing.TB, b hutch.Backend, c guard.Check, accept ...guard.Op) *guard.Backend {
	t.Helper()
	g, err := guard.New(ctx, b, c, &guard.Options{Accept: accept})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// straight is a backend whose names lead to themselves, with all it can do.
type straight struct{ hutch.Backend }

func (s straight) As(target any) bool {
	if l, ok := target.(*hutch.Linker); ok {
		*l = itself{s.Backend}
		return true
	}
	if a, ok := s.Backend.(interface{ As(any) bool }); ok {
		return a.As(target)
	}
	v, t := reflect.ValueOf(target).Elem(), reflect.TypeOf(s.Backend)
	if !t.Implements(v.Type()) {
		return false
	}
	v.Set(reflect.ValueOf(s.Backend))
	return true
}

type itself struct{ b hutch.Backend }

func (i itself) Real(_ context.Context, name string) (string, error) { return name, nil }
func (i itself) Unlinked() hutch.Backend                             { return i.b }

func TestBackend(t *testing.T) {
	plain := func(testing.TB) hutch.Backend { return state.New(nil) }
	links := func(testing.TB) hutch.Backend { return newLinked() }
	allow := func(t testing.TB, b hutch.Backend) hutch.Backend {
		if _, ok := hutch.As[hutch.Linker](b); !ok {
			b = straight{b}
		}
		return guarded(t, b, &rules{})
	}
	ask := func(t testing.TB, b hutch.Backend) hutch.Backend {
		if _, ok := hutch.As[hutch.Linker](b); !ok {
			b = straight{b}
		}
		return guarded(t, b, asking(nil))
	}
	t.Run("Allowed", func(t *testing.T) { backendtest.TestWrapper(t, plain, allow) })
	t.Run("Asked", func(t *testing.T) { backendtest.TestWrapper(t, plain, ask) })
	t.Run("Links", func(t *testing.T) { backendtest.TestWrapper(t, links, allow) })
	t.Run("Twice", func(t *testing.T) {
		backendtest.TestWrapper(t, links, func(t testing.TB, b hutch.Backend) hutch.Backend { return allow(t, ask(t, b)) })
	})
	t.Run("Unlinked", func(t *testing.T) {
		backendtest.TestWrapper(t, links, func(t testing.TB, b hutch.Backend) hutch.Backend {
			l, _ := hutch.As[hutch.Linker](allow(t, b))
			return l.Unlinked()
		})
	})
}

func put(t testing.TB, b hutch.Backend, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := hutch.WriteFile(ctx, b, name, []byte("in "+name+"\n"), nil); err != nil {
			t.Fatal(err)
		}
	}
}

func refused(t testing.TB, what string, err error, name string) {
	t.Helper()
	var pe *fs.PathError
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) {
		t.Errorf("%s: %v, want a refusal", what, err)
		return
	}
	if pe.Path != name && !strings.HasPrefix(pe.Path, name+"/") && name != path.Clean(".") {
		t.Errorf("%s: the refusal %q is about %q, want %q", what, err, pe.Path, name)
	}
}
