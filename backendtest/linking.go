package backendtest

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/hutch-dev/hutch"
)

func linkerReadChecks() []check {
	return []check{
		{"Linker/Names", "a name with no link in it leads to itself, whether something is there or not", nodes, linkerNames},
		{"Linker/Checked", "Real checks the name before the context, and the context before anything else", nodes, linkerChecked},
		{"Linker/Same", "Unlinked shows all that is there, with the speeds of the backend", generated, linkerSame},
	}
}

func linkerWriteChecks() []check {
	return []check{
		{"Linker/Writes", "what is written, moved and removed in Unlinked is so in the backend, and the other way round", nil, linkerWrites},
	}
}

// linker is the power that the checks here are about: without it there is
// nothing to check, and they end.
func (t *env) linker() (l hutch.Linker, unlinked hutch.Backend, ok bool) {
	t.Helper()
	l, ok = hutch.As[hutch.Linker](t.b)
	if !ok {
		return nil, nil, false
	}
	if unlinked = l.Unlinked(); unlinked == nil {
		t.Fatal("Unlinked is nil")
	}
	return l, unlinked, true
}

// leads fails unless name leads to want.
func (t *env) leads(l hutch.Linker, name, want string) {
	t.Helper()
	if got, err := l.Real(t.ctx, name); err != nil || got != want {
		t.Errorf("Real(%s) = %s, %v; want %s", short(name), short(got), err, short(want))
	}
}

func linkerNames(t *env) {
	l, _, ok := t.linker()
	if !ok {
		return
	}
	for _, name := range []string{".", "f", "dir", "dir/inner", "dir/sub/x", "nothing", "nothing/at/all", "dir/nothing", "f/x", "f/x/y", "...", "dir/..x"} {
		t.leads(l, name, name)
	}
	for _, name := range oddNames() {
		t.leads(l, name, name)
	}
}

func linkerChecked(t *env) {
	l, _, ok := t.linker()
	if !ok {
		return
	}
	for _, ctx := range []context.Context{t.ctx, t.over()} {
		for _, name := range badNames() {
			_, err := l.Real(ctx, name)
			t.wantErr("Real", err, name, fs.ErrInvalid)
		}
	}
	for _, name := range []string{"f", "nothing"} {
		if got, err := l.Real(t.over(), name); !errors.Is(err, context.Canceled) {
			t.Errorf("Real(%s) when the context has ended is %s, %v", name, got, err)
		}
	}
}

func linkerSame(t *env) {
	_, u, ok := t.linker()
	if !ok {
		return
	}
	for _, dir := range []string{".", "a", "nothing", ".gitignore"} {
		got, gotErr := hutch.Collect(hutch.Walk(t.ctx, u, dir))
		want, wantErr := hutch.Collect(hutch.Walk(t.ctx, t.b, dir))
		if !slices.EqualFunc(got, want, sameInfo) {
			t.Errorf("Walk(%s) in Unlinked shows %q, else %q", dir, names(got), names(want))
		}
		t.sameError("Walk("+dir+")", gotErr, wantErr)
		t.sameError("Stat("+dir+")", doStat(t, t.ctx, u, dir), doStat(t, t.ctx, t.b, dir))
		t.sameError("Open("+dir+")", doOpen(t, t.ctx, u, dir), doOpen(t, t.ctx, t.b, dir))
		got, gotErr = hutch.Collect(u.List(t.ctx, dir))
		want, wantErr = hutch.Collect(t.b.List(t.ctx, dir))
		if !slices.EqualFunc(got, want, sameInfo) {
			t.Errorf("List(%s) in Unlinked shows %q, else %q", dir, names(got), names(want))
		}
		t.sameError("List("+dir+")", gotErr, wantErr)
	}
	q := hutch.Query{Pattern: "needle", Hidden: true, Before: 1}
	if got, want := collect(t, "Grep", t.do.grep(t.ctx, u, q)), t.grep(q); !slices.Equal(got, want) {
		t.Errorf("Grep in Unlinked finds %+v, else %+v", got, want)
	}
	sameSpeed[hutch.Walker](t, u)
	sameSpeed[hutch.Scanner](t, u)
	sameSpeed[hutch.Globber](t, u)
	sameSpeed[hutch.Grepper](t, u)
	sameSpeed[hutch.Renamer](t, u)
}

func sameSpeed[T any](t *env, u hutch.Backend) {
	t.Helper()
	_, is := hutch.As[T](u)
	if _, want := hutch.As[T](t.b); is != want {
		t.Errorf("Unlinked has the speed %T: %v, the backend: %v", (*T)(nil), is, want)
	}
}

func linkerWrites(t *env) {
	_, u, ok := t.linker()
	if !ok {
		return
	}
	linked := t.b
	info := t.write("d/f", "one")
	t.b = u
	t.wantContent("d/f", "one")
	t.conflict("d/f", hutch.Absent)
	if i := t.writeWith("d/f", "two", hutch.WriteOptions{IfRev: info.Rev}); i.Name != "d/f" || i.Rev == info.Rev {
		t.Errorf("Write in Unlinked returns %+v", i)
	}
	t.conflict("d/f", info.Rev)
	t.write("new/deep/g", "three")
	if _, err := t.do.edit(t.ctx, u, "new/deep/g", one("three", "four")); err != nil {
		t.Errorf("editing in Unlinked: %v", err)
	}
	t.move("new/deep", "moved")
	t.b = linked
	t.wantContent("d/f", "two")
	t.wantContent("moved/g", "four")
	t.remove("d/f")
	t.b = u
	t.wantAbsent("d/f")
	t.remove("moved/g")
	t.b = linked
	t.wantAbsent("moved/g")
}
