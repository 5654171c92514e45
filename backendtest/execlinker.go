package backendtest

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/hutch-dev/hutch"
)

func linkerLinkChecks() []check {
	return []check{
		{"Linker/Real", "Real follows every link, in the middle and at the end, and leaves what is missing as it is", these("d/e/f", "x", "g", "y"), linkerReal},
		{"Linker/Absolute", "Real follows the absolute links that Open follows, and no other", these("d/f", "x"), linkerAbsolute},
		{"Linker/Leaving", "a link that leaves the backend is fs.ErrPermission for Real", these("d/f", "x"), linkerLeaving},
		{"Linker/Loop", "a link that leads in a circle is fs.ErrInvalid for Real", nil, linkerLoop},
		{"Linker/Refuses", "no operation of Unlinked goes through a link: fs.ErrPermission", these("d/f", "needle", "source", "source"), linkerRefuses},
		{"Linker/Itself", "Unlinked shows, removes, renames and replaces a link itself", these("d/f", "x"), linkerItself},
		{"Linker/Swapped", "what somebody replaces by a link while Unlinked works is not followed", these("d/f", "mine", "d/mine", "", "g", "mine", "secret/f", "hidden"), linkerSwapped},
	}
}

func linkerReal(t *env) {
	l, u, ok := t.linker()
	if !ok {
		return
	}
	t.sh(`ln -s d/e/f file; ln -s file second; ln -s second third; ln -s d dir; ln -s dir/e deep; ln -s ../d/e/f d/up; ln -s . here
		ln -s .. d/root; ln -s nothing nowhere; ln -s d/new/x missing; ln -s ./d//e/./f odd; ln -s g/x below; ln -s nowhere/y away`)
	for name, want := range map[string]string{
		"file": "d/e/f", "second": "d/e/f", "third": "d/e/f", "odd": "d/e/f", "d/up": "d/e/f", "dir/up": "d/e/f",
		"dir": "d", "deep": "d/e", "deep/f": "d/e/f", "dir/e": "d/e", "dir/e/f": "d/e/f", "here": ".", "here/here/dir/e": "d/e",
		"d/root": ".", "dir/root/dir/root/file": "d/e/f",
		"nowhere": "nothing", "nowhere/a/b": "nothing/a/b", "away": "nothing/y", "missing": "d/new/x", "dir/other/x": "d/other/x",
		"deep/none": "d/e/none", "below": "g/x", "below/y": "g/x/y", "d/e/f": "d/e/f", ".": ".",
	} {
		t.leads(l, name, want)
		t.leads(l, want, want)
		if info, err := t.b.Stat(t.ctx, name); err == nil {
			real, err := u.Stat(t.ctx, want)
			if info.Name, real.Name = "", ""; err != nil || !sameInfo(info, real) {
				t.Errorf("Stat(%s) is %+v, in Unlinked %s is %+v, %v", name, info, want, real, err)
			}
		}
	}
	if _, err := l.Real(t.ctx, "d/root/../x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Real of a name that is none: %v", err)
	}
}

func linkerAbsolute(t *env) {
	l, _, ok := t.linker()
	if !ok {
		return
	}
	t.sh(`ln -s "$PWD/d/f" link; ln -s "$PWD/d" dirlink; ln -s "$PWD" top; ln -s top/link chain`)
	for name, want := range map[string]string{"link": "d/f", "dirlink/f": "d/f", "top/d/f": "d/f", "chain": "d/f", "top/dirlink/f": "d/f"} {
		if _, err := t.b.Stat(t.ctx, name); err == nil {
			t.leads(l, name, want)
			continue
		}
		got, err := l.Real(t.ctx, name)
		t.wantErr("Real", err, name, fs.ErrPermission)
		if got != "" {
			t.Errorf("Real(%s) is %s and %v", name, got, err)
		}
	}
}

func linkerLeaving(t *env) {
	l, _, ok := t.linker()
	if !ok {
		return
	}
	t.sh("ln -s /backendtest-outside/file file; ln -s .. up; ln -s ../../../../../.. high; ln -s / root; ln -s d/../../backendtest-outside odd; ln -s root/etc second; ln -s ../none d/in")
	for _, name := range []string{"file", "up", "high", "root", "odd", "second", "up/x", "root/etc/passwd", "high/etc/passwd", "file/none"} {
		got, err := l.Real(t.ctx, name)
		t.wantErr("Real", err, name, fs.ErrPermission)
		if got != "" {
			t.Errorf("Real(%s) is %s and %v", name, got, err)
		}
	}
	t.leads(l, "d/in", "none")
}

func linkerLoop(t *env) {
	l, u, ok := t.linker()
	if !ok {
		return
	}
	t.sh("ln -s two one; ln -s one two; ln -s self/x self")
	for _, name := range []string{"one", "two/x", "self", "self/x"} {
		t.within("following a loop", func() {
			_, err := l.Real(t.ctx, name)
			t.wantErr("Real", err, name, fs.ErrInvalid)
			t.wantErr("Open in Unlinked", doOpen(t, t.ctx, u, name), name, fs.ErrPermission)
		})
	}
}

func linkerRefuses(t *env) {
	_, u, ok := t.linker()
	if !ok {
		return
	}
	t.sh("ln -s d/f link; ln -s d dir; ln -s nothing nowhere; ln -s ../d d/self; ln -s /etc out; ln -s new/x new; ln -s . here")
	refused := func(what string, name string, err error) {
		t.Helper()
		t.wantErr(what+" in Unlinked", err, name, fs.ErrPermission)
	}
	for _, name := range []string{"link", "dir", "nowhere", "dir/f", "d/self", "d/self/f", "dir/nothing", "nowhere/x", "out", "out/passwd", "here/d/f", "here"} {
		for _, o := range readOps() {
			refused(o.name, name, o.do(t, t.ctx, u, name))
		}
		refused("Write", name, doWrite(t, t.ctx, u, name))
		refused("EditFile", name, doEdit(t, t.ctx, u, name))
		refused("Copy to", name, doCopyTo(t, t.ctx, u, name))
		refused("Copy from", name, doCopyFrom(t, t.ctx, u, name))
	}
	for _, name := range []string{"dir/f", "dir/new", "d/self/f", "nowhere/x", "here/link", "out/x"} {
		refused("Remove", name, doRemove(t, t.ctx, u, name))
		refused("Move from", name, doMoveFrom(t, t.ctx, u, name))
		refused("Move to", name, doMoveTo(t, t.ctx, u, name))
	}
	if got := t.sh("cat d/f source; ls d; ls"); got != "needlesourcef\nself\nd\ndir\nhere\nlink\nnew\nnowhere\nout\nsource\n" {
		t.Errorf("after all that was refused a command sees %q", got)
	}
	if got := collect(t, "Grep", t.do.grep(t.ctx, u, hutch.Query{Pattern: "needle"})); len(got) != 1 || got[0].Name != "d/f" {
		t.Errorf("Grep in Unlinked finds %+v, want the file alone", got)
	}
}

func linkerItself(t *env) {
	_, u, ok := t.linker()
	if !ok {
		return
	}
	t.sh("ln -s d/f link; ln -s d dir; ln -s /etc out; ln -s nothing nowhere; ln -s d other; ln -s ../d d/self")
	want := []string{"d/f", "d/self", "dir", "link", "nowhere", "other", "out"}
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, u, "."))); !slices.Equal(got, want) {
		t.Errorf("Walk in Unlinked shows %q, want %q", got, want)
	}
	for _, i := range collect(t, "List", u.List(t.ctx, ".")) {
		if isLink := i.Mode.Type() == fs.ModeSymlink; isLink == (i.Name == "d") {
			t.Errorf("List in Unlinked shows %s with the mode %v", i.Name, i.Mode)
		}
	}
	for _, name := range []string{"dir", "out", "d/self"} {
		if err := u.Remove(t.ctx, name); err != nil {
			t.Errorf("Remove(%s) of a link in Unlinked: %v", name, err)
		}
	}
	if r, ok := hutch.As[hutch.Renamer](u); ok {
		t.write("n", "new")
		if err := errors.Join(r.Rename(t.ctx, "link", "renamed"), r.Rename(t.ctx, "n", "nowhere")); err != nil {
			t.Errorf("Rename of a link and over one in Unlinked: %v", err)
		}
	} else {
		t.sh("mv link renamed; rm nowhere; printf new > nowhere")
	}
	if got := t.sh("[ -L renamed ] && [ ! -L nowhere ] && [ ! -e nothing ] && cat renamed nowhere; ls"); got != "xnewd\nnowhere\nother\nrenamed\n" {
		t.Errorf("a command sees %q", got)
	}
	if err := hutch.RemoveAll(t.ctx, u, "other"); err != nil {
		t.Errorf("RemoveAll of a link in Unlinked: %v", err)
	}
	t.wantContent("d/f", "x")
}

// swapping replaces d by a link, with nothing there for a moment, and g by one
// in a single step, and puts both back, until it is told to stop.
const swapping = `while [ ! -e stop ]; do
	mv d aside; ln -s secret d; rm d; mv aside d
	ln -s secret/f link; mv -f link g; printf mine > file; mv -f file g
done`

func linkerSwapped(t *env) {
	l, u, ok := t.linker()
	if !ok {
		return
	}
	x, done := t.execer(), make(chan error, 1)
	go func() {
		_, err := x.Exec(t.ctx, hutch.Shell(swapping))
		done <- err
	}()
	s := &swapped{env: t, u: u}
	for start, turns := time.Now(), 0; !t.Failed(); turns++ {
		s.look(l)
		took, seen := time.Since(start), s.read > 0 && s.refused > 0
		if seen && (turns >= 300 || took > t.patience/10) {
			break
		}
		if took > t.patience {
			t.Errorf("Unlinked has read %d times and refused a link %d times", s.read, s.refused)
		}
	}
	t.write("stop", "")
	t.within("the command that swaps", func() {
		if err := <-done; err != nil {
			t.Errorf("the command that swaps: %v", err)
		}
	})
	t.wantContent("secret/f", "hidden")
}

// swapped looks at what is being swapped.
type swapped struct {
	*env
	u             hutch.Backend
	read, refused int
}

func (s *swapped) look(l hutch.Linker) {
	for _, name := range []string{"d/f", "g"} {
		data, err := hutch.ReadFile(s.ctx, s.u, name)
		switch {
		case err == nil && string(data) != "mine":
			s.Errorf("Unlinked reads %q from %s, which is behind a link", data, name)
		case err == nil:
			s.read++
		case errors.Is(err, fs.ErrPermission):
			s.refused++
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, hutch.ErrConflict):
			s.Errorf("Open(%s) in Unlinked while somebody swaps: %v", name, err)
		}
		if info, err := s.u.Stat(s.ctx, name); err == nil && info.Size != int64(len("mine")) {
			s.Errorf("Stat(%s) in Unlinked is %+v, which is behind a link", name, info)
		}
		if real, err := l.Real(s.ctx, name); err == nil && real != name && real != "secret/f" {
			s.Errorf("Real(%s) while somebody swaps is %s", name, real)
		}
	}
	all, err := hutch.Collect(s.u.List(s.ctx, "d"))
	if got := strings.Join(names(all), " "); err == nil && got != "d/f d/mine" {
		s.Errorf("List(d) in Unlinked shows %q", got)
	}
}
