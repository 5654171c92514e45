package composite_test

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

// confined notes what it was told.
type confined struct {
	sandbox
	told *hutch.Confinement
	err  error
}

func (c confined) Confine(_ context.Context, what hutch.Confinement) error {
	*c.told = what
	return c.err
}

func TestConfine(t *testing.T) {
	said := hutch.Confinement{
		Hide:    []string{"!**/x", "**/.env", "Project/key", "other/**", "project/src/*.pem"},
		Protect: []string{"**", "project"},
	}
	for at, want := range map[string]hutch.Confinement{
		"": said,
		"project": {
			Hide:    []string{"!**/x", "**/.env", "key", "src/*.pem"},
			Protect: []string{"**", ".", "."},
		},
		"project/src": {
			Hide:    []string{"!**/x", "**/.env", "*.pem"},
			Protect: []string{"**", ".", ".", "."},
		},
	} {
		box := confined{fake(), &hutch.Confinement{}, nil}
		c := mountedAt(t, box, at)
		f, ok := hutch.As[hutch.Confiner](c)
		if !ok {
			t.Fatalf("at %q: no Confiner", at)
		}
		if err := f.Confine(ctx, said); err != nil {
			t.Errorf("at %q: %v", at, err)
		}
		if !reflect.DeepEqual(*box.told, want) {
			t.Errorf("at %q: told %q, want %q", at, *box.told, want)
		}
	}
}

// mountedAt is a composite with a sandbox at one place.
func mountedAt(t *testing.T, box hutch.Backend, at string) *composite.Backend {
	t.Helper()
	def, routes := hutch.Backend(state.New(nil)), composite.Routes{at: box}
	if at == "" {
		def, routes = box, composite.Routes{"other": state.New(nil)}
	}
	c, err := composite.New(def, routes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfineRefused(t *testing.T) {
	box := confined{fake(), &hutch.Confinement{}, &fs.PathError{Op: "confine", Path: "a", Err: errors.ErrUnsupported}}
	f, _ := hutch.As[hutch.Confiner](mountedAt(t, box, "project"))
	var pe *fs.PathError
	if err := f.Confine(ctx, hutch.Confinement{Hide: []string{"x"}}); !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &pe) || pe.Path != "project/a" {
		t.Errorf("%v", err)
	}
	*box.told = hutch.Confinement{}
	if err := f.Confine(ctx, hutch.Confinement{Hide: []string{"ok"}, Protect: []string{"{project/a,b}"}}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("braces: %v", err)
	}
	if err := f.Confine(ctx, hutch.Confinement{Protect: []string{"["}}); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a bad pattern: %v", err)
	}
	if box.told.Hide != nil {
		t.Error("half of it was handed on")
	}
	for _, b := range []hutch.Backend{mountedAt(t, fake(), "project"), mountedAt(t, state.New(nil), "project")} {
		if _, ok := hutch.As[hutch.Confiner](b); ok {
			t.Error("a Confiner without one inside")
		}
	}
}
