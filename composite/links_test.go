package composite_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/composite"
	"github.com/hutch-dev/hutch/iofs"
	"github.com/hutch-dev/hutch/state"
)

// withLinks is a backend of files that hold their names, and links.
func withLinks(links map[string]string, files ...string) hutch.Backend {
	m := fstest.MapFS{}
	for _, name := range files {
		m[name] = &fstest.MapFile{Data: []byte("in " + name)}
	}
	for name, target := range links {
		m[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
	}
	return iofs.New(m)
}

func linkerOf(t testing.TB, b hutch.Backend) hutch.Linker {
	t.Helper()
	l, ok := hutch.As[hutch.Linker](b)
	if !ok {
		t.Fatal("no Linker")
	}
	return l
}

func TestLinks(t *testing.T) {
	def := withLinks(map[string]string{
		"link": "d/f", "hidden": "m/x", "point": "m", "into": "m/deep/x", "above": "a", "a/l": "../d", "root": ".", "x": "d",
	}, "d/f", "m/x", "a/g")
	in := withLinks(map[string]string{"up": "../d/f", "here": "d", "top": "."}, "d/f")
	c := compose(t, def, composite.Routes{"m": in, "a/b": state.New(nil), "x/b": state.New(nil)})
	l := linkerOf(t, c)
	for name, want := range map[string]string{
		".": ".", "link": "d/f", "m": "m", "m/here": "m/d", "m/here/f": "m/d/f", "m/top/here": "m/d", "m/none/x": "m/none/x",
		"a": "a", "a/b": "a/b", "a/b/x/y": "a/b/x/y", "a/l/f": "d/f", "a/g": "a/g", "above": "a", "above/g": "a/g", "root": ".", "root/link": "d/f", "x": "x", "x/f": "d/f",
	} {
		if got, err := l.Real(ctx, name); got != want || err != nil {
			t.Errorf("Real(%s) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"hidden", "point", "point/x", "into", "m/up", "above/b", "root/m/x"} {
		got, err := l.Real(ctx, name)
		var pe *fs.PathError
		if got != "" || !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("Real(%s) = %q, %v; want a refusal", name, got, err)
		}
	}
	u := l.Unlinked()
	for _, name := range []string{"link", "m/here", "m/here/f", "a/l/f", "root/d/f"} {
		_, err := u.Stat(ctx, name)
		var pe *fs.PathError
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("Stat(%s) in Unlinked: %v", name, err)
		}
	}
	shown, err := hutch.Collect(hutch.Walk(ctx, u, "."))
	if !errors.Is(err, fs.ErrPermission) || len(shown) != len(walked(t, c, "."))-1 {
		t.Errorf("Unlinked shows %v, %v; want all but what is behind the link", shown, err)
	}
	if _, ok := hutch.As[hutch.Execer](u); ok {
		t.Error("Unlinked runs commands")
	}
}

func TestLinkerOfAll(t *testing.T) {
	unknown := hidden{state.New(nil)}
	for name, c := range map[string]*composite.Backend{
		"default": compose(t, unknown, composite.Routes{"m": state.New(nil)}),
		"mount":   compose(t, state.New(nil), composite.Routes{"m": unknown}),
	} {
		if _, ok := hutch.As[hutch.Linker](c); ok {
			t.Errorf("Linker although the %s has none", name)
		}
	}
	if _, ok := hutch.As[hutch.Linker](composite.ReadOnly(unknown)); ok {
		t.Error("Linker of a read-only backend that has none")
	}
	twice := relinked{backend(t, "d/f")}
	u := linkerOf(t, compose(t, state.New(nil), composite.Routes{"a": twice, "b": twice})).Unlinked()
	if err := hutch.Move(ctx, u, "a/d", "b/d/e"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a directory moved into itself in Unlinked of a backend that is mounted twice: %v", err)
	}
}

// relinked makes a new Unlinked each time it is asked.
type relinked struct{ *state.Backend }

func (r relinked) As(target any) bool {
	t, ok := target.(*hutch.Linker)
	if ok {
		*t = relinker(r)
	}
	return ok
}

type relinker struct{ *state.Backend }

func (r relinker) Unlinked() hutch.Backend { return &hidden{r.Backend} }

// hidden hides speeds and powers.
type hidden struct{ hutch.Backend }

func (hidden) As(any) bool { return false }

func TestReadOnlyUnlinked(t *testing.T) {
	in := backend(t, "f")
	u := linkerOf(t, composite.ReadOnly(in)).Unlinked()
	if _, err := hutch.WriteFile(ctx, u, "f", nil, nil); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("written: %v", err)
	}
	if err := u.Remove(ctx, "f"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("removed: %v", err)
	}
	if _, ok := hutch.As[hutch.Renamer](u); ok {
		t.Error("Unlinked renames")
	}
	if data, err := hutch.ReadFile(ctx, u, "f"); string(data) != "in f\n" || err != nil {
		t.Errorf("%q, %v", data, err)
	}
	l := linkerOf(t, composite.ReadOnly(withLinks(map[string]string{"l": "f"}, "f")))
	if got, err := l.Real(ctx, "l"); got != "f" || err != nil {
		t.Errorf("Real: %q, %v", got, err)
	}
	if _, err := l.Unlinked().Open(ctx, "l"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open of a link in Unlinked: %v", err)
	}
}

// TestSubLinks is about hutch.Sub, here because it needs a backend with links.
func TestSubLinks(t *testing.T) {
	b := withLinks(map[string]string{"sub/l": "d/f", "sub/up": "../other", "sub/back": "../sub/d", "sub/sub": "..", "to": "sub", "subx": "other"}, "sub/d/f", "other", "sub2/f")
	sub, err := hutch.Sub(b, "sub")
	if err != nil {
		t.Fatal(err)
	}
	l := linkerOf(t, sub)
	for name, want := range map[string]string{".": ".", "l": "d/f", "back": "d", "back/f": "d/f", "none/x": "none/x", "sub/sub/l": "d/f"} {
		if got, err := l.Real(ctx, name); got != want || err != nil {
			t.Errorf("Real(%s) = %q, %v; want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"up", "sub", "sub/sub2", "sub/other"} {
		got, err := l.Real(ctx, name)
		var pe *fs.PathError
		if got != "" || !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("Real(%s) = %q, %v; want a refusal", name, got, err)
		}
	}
	for _, name := range []string{"l", "up", "back/f"} {
		_, err := l.Unlinked().Open(ctx, name)
		var pe *fs.PathError
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &pe) || pe.Path != name {
			t.Errorf("Open(%s) in Unlinked: %v", name, err)
		}
	}
	linked, err := hutch.Sub(b, "to")
	if err != nil {
		t.Fatal(err)
	}
	l = linkerOf(t, linked)
	if got, err := l.Real(ctx, "d/f"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Real below a link: %q, %v", got, err)
	}
	if _, err := l.Unlinked().Open(ctx, "d/f"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Open below a link: %v", err)
	}
}
