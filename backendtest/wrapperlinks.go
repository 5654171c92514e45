package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/hutch-dev/hutch"
)

// poweredLinker is a Linker whose names lead where a check wants them to.
type poweredLinker struct {
	l hutch.Linker
	r *rig
}

func (p poweredLinker) Real(ctx context.Context, name string) (string, error) {
	if p.r.real != nil {
		if to, ok := p.r.real(name); ok {
			return to, nil
		}
	}
	return p.l.Real(ctx, name)
}

// Unlinked is a backend of its own, which fails when the check wants it to.
func (p poweredLinker) Unlinked() hutch.Backend {
	return Faulty(p.l.Unlinked(), func(string, string) error {
		if err := p.r.links.Load(); err != nil {
			return *err
		}
		return nil
	})
}

// wrapLinks has nothing to check where the wrapper lets no Linker through, or
// keeps names so that none but its own rules can tell where they lead.
func wrapLinks(t *env, r *rig) {
	l, ok := hutch.As[hutch.Linker](t.b)
	if !ok {
		return
	}
	for _, name := range []string{"f", "dir/inner", "nothing/x", "."} {
		t.leads(l, name, name)
	}
	r.real = func(name string) (string, bool) {
		dir, found := strings.CutSuffix(name, "link")
		return path.Join(dir, "dir/sub"), found
	}
	t.leads(l, "link", "dir/sub")
	t.leads(l, "dir/link", "dir/dir/sub")
	r.real = nil
	for _, m := range []error{fs.ErrPermission, fs.ErrInvalid, hutch.ErrClosed} {
		c := &cause{m}
		var got string
		var err error
		if !r.failing("real", 1, c, func() { got, err = l.Real(t.ctx, "dir/inner") }) {
			continue
		}
		if !errors.Is(err, c) || got != "" {
			t.Errorf("the inner error %q of Real comes out as %s, %v", c, got, err)
			continue
		}
		t.wantErr("Real", err, "dir/inner", m)
	}
}

func wrapUnlinked(t *env, r *rig) {
	_, u, ok := t.linker()
	if !ok {
		return
	}
	if _, ok := hutch.As[secret](u); ok {
		t.Error("Unlinked answers for a power that the wrapper cannot know")
	}
	var c error = &cause{fs.ErrPermission}
	t.files = t.contents(t.b)
	for _, o := range []struct {
		name string
		do   func(*env, context.Context, hutch.Backend, string) error
	}{
		{"Open", doOpen}, {"Stat", doStat}, {"List", doList}, {"Walk", doWalk}, {"Glob", doGlob}, {"Grep", doGrep},
		{"Write", doWrite}, {"Remove", doRemove}, {"Move to", doMoveTo},
	} {
		name := "dir/inner"
		if o.name == "List" || o.name == "Walk" || o.name == "Glob" || o.name == "Grep" {
			name = "dir"
		}
		r.links.Store(&c)
		if err := o.do(t, t.ctx, u, name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s(%s) in Unlinked of the wrapper, where Unlinked of the inner backend fails: %v", o.name, name, err)
		}
		r.links.Store(nil) // a wrapper may do everything by way of it
		t.wantUntouched("an operation of Unlinked that was refused")
	}
	if err := doReadFile(t, t.ctx, u, "dir/inner"); err != nil {
		t.Errorf("reading in Unlinked of the wrapper: %v", err)
	}
}
