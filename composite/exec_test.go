package composite_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/state"
)

// sandbox runs nothing and notes where it would have.
type sandbox struct {
	hutch.Backend
	dirs *[]string
}

func fake() sandbox { return sandbox{state.New(nil), &[]string{}} }

func (s sandbox) Exec(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
	*s.dirs = append(*s.dirs, cmd.Dir)
	switch cmd.Args[0] {
	case "no-program":
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: "no-program", Err: fs.ErrNotExist}
	case "no-dir":
		return hutch.Result{}, &fs.PathError{Op: "exec", Path: cmd.Dir, Err: fs.ErrNotExist}
	}
	return hutch.Result{ExitCode: 7}, nil
}

// rooted is a sandbox that says where its files are.
type rooted struct {
	sandbox
	root string
}

func (r rooted) Root() string { return r.root }

func run(c hutch.Backend, dir, program string) error {
	x, ok := hutch.As[hutch.Execer](c)
	if !ok {
		return errors.New("no power to run commands")
	}
	cmd := &hutch.Cmd{Args: []string{program}, Dir: dir}
	res, err := x.Exec(ctx, cmd)
	if err == nil && res.ExitCode != 7 || cmd.Dir != dir {
		return errors.New("another result, or the command was changed")
	}
	return err
}

func TestExec(t *testing.T) {
	def, one := fake(), fake()
	for what, test := range map[string]struct {
		c    *composite.Backend
		ran  *[]string
		dirs map[string]string // where commands run, and where that is inside
		not  map[string]string // where they do not, and what the error says
	}{
		"in the default": {
			compose(t, def, composite.Routes{"p": one, "q/r": state.New(nil)}), def.dirs,
			map[string]string{"": ".", ".": ".", "d/e": "d/e", "pp": "pp", "q": "q"},
			map[string]string{"p": `"p"`, "p/d": `"p"`, "q/r": `"q/r"`},
		},
		"in the only one": {
			compose(t, state.New(nil), composite.Routes{"p/s": one, "p/s/t": state.New(nil), "q": state.New(nil)}), one.dirs,
			map[string]string{"p/s": ".", "p/s/d": "d"},
			map[string]string{"": `"p/s"`, ".": `"p/s"`, "p": `"p/s"`, "q": `"p/s"`, "p/s/t": `"p/s"`, "p/s/t/u": `"p/s/t"`},
		},
	} {
		for dir, inside := range test.dirs {
			*test.ran = nil
			if err := run(test.c, dir, "true"); err != nil {
				t.Errorf("%s, %q: %v", what, dir, err)
			}
			want(t, what+", "+dir, *test.ran, inside)
		}
		*test.ran = nil
		for dir, says := range test.not {
			err := run(test.c, dir, "true")
			var pe *fs.PathError
			if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &pe) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s, %q: %v", what, dir, err)
			}
		}
		want(t, what+", elsewhere", *test.ran)
		if err := run(test.c, "../x", "true"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	c := compose(t, state.New(nil), composite.Routes{"p": one})
	for program, name := range map[string]string{"no-program": "no-program", "no-dir": "p/d"} {
		err := run(c, "p/d", program)
		if pe, ok := err.(*fs.PathError); !ok || pe.Path != name || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", program, err)
		}
	}
}

func TestPowers(t *testing.T) {
	plain := state.New(nil)
	at := func(root string) hutch.Backend { return rooted{fake(), root} }
	for what, test := range map[string]struct {
		c    *composite.Backend
		exec bool
		root string
	}{
		"none":                {compose(t, plain, composite.Routes{"p": plain}), false, ""},
		"default":             {compose(t, at("/w"), composite.Routes{"p": at("/x/p")}), true, "/w"},
		"default without one": {compose(t, fake(), composite.Routes{"p": at("/x/p")}), true, ""},
		"one":                 {compose(t, plain, composite.Routes{"p": at("/w")}), true, ""},
		"one that fits":       {compose(t, plain, composite.Routes{"a/p": at("/w/a/p")}), true, "/w"},
		"one that ends alike": {compose(t, plain, composite.Routes{"p": at("/w/ap")}), true, ""},
		"one at the top":      {compose(t, plain, composite.Routes{"p": at("/p")}), true, ""},
		"two":                 {compose(t, plain, composite.Routes{"p": at("/w/p"), "q": at("/w/q")}), false, ""},
		"three":               {compose(t, plain, composite.Routes{"p": fake(), "q": fake(), "r": fake()}), false, ""},
		"read-only":           {compose(t, plain, composite.Routes{"p": composite.ReadOnly(at("/w/p"))}), false, ""},
		"one of two writable": {compose(t, plain, composite.Routes{"p": composite.ReadOnly(at("/w/p")), "q": at("/w/q")}), true, "/w"},
	} {
		if _, ok := hutch.As[hutch.Execer](test.c); ok != test.exec {
			t.Errorf("%s: runs commands: %v", what, ok)
		}
		r, ok := hutch.As[hutch.Rooted](test.c)
		if ok != (test.root != "") || ok && r.Root() != test.root {
			t.Errorf("%s: root %v, %v", what, r, ok)
		}
	}
	// A path means one file to a tool and to a command.
	c := compose(t, plain, composite.Routes{"p": at("/w/p")})
	if p := hutch.PathOf(c, "p/x"); p != "/w/p/x" {
		t.Errorf("path %s", p)
	}
	if n, err := hutch.Resolve(c, ".", "/w/p/x"); n != "p/x" || err != nil {
		t.Errorf("name %s, %v", n, err)
	}
}

func TestExecNothing(t *testing.T) {
	x, ok := hutch.As[hutch.Execer](hutch.Backend(compose(t, fake(), nil)))
	if !ok {
		t.Fatal("no power to run commands")
	}
	if _, err := x.Exec(ctx, nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("no command: %v", err)
	}
}
