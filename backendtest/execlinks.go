package backendtest

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/hutch-dev/hutch"
)

func linkChecks() []check {
	return []check{
		{"Links/Inside", "Open and Stat follow a link that stays inside", these("d/f", "linked\n"), linksInside},
		{"Links/Leaving", "a link that leaves the backend is fs.ErrPermission for every method, in the middle of a name too",
			these("d/f", "x"), linksLeaving},
		{"Links/Shown", "List and Walk show a link as itself and never go through it", these("d/f", "needle\n"), linksShown},
		{"Links/Written", "a link is written through, and stays a link", these("d/f", "old"), linksWritten},
		{"Links/Removed", "Remove and RemoveAll remove a link and never what it points to", these("d/f", "x", "e/g", "y"), linksRemoved},
		{"Links/Nowhere", "a link to nothing is fs.ErrNotExist, and a loop is an error", nil, linksNowhere},
		{"Links/Absolute", "an absolute link to a file inside works or is refused, and never leads elsewhere", these("d/f", "inside", "e", "else", "e2/f", "else"), linksAbsolute},
	}
}

func linksInside(t *env) {
	t.sh("ln -s d/f link; ln -s d dirlink; ln -s ../d/f d/up; ln -s link second; mkdir -p a/b; ln -s ../../d a/b/deep")
	for _, name := range []string{"link", "dirlink/f", "d/up", "second", "a/b/deep/f"} {
		t.wantContent(name, "linked\n")
		if i := t.stat(name); i.Name != name || !i.Mode.IsRegular() || i.Size != 7 || i.Rev == "" {
			t.Errorf("Stat(%s) = %+v, want the file that it leads to", name, i)
		}
	}
	if i := t.stat("dirlink"); !i.IsDir() || i.Name != "dirlink" || i.Rev != "" {
		t.Errorf("Stat(dirlink) = %+v, want the directory that it leads to", i)
	}
	if got := names(t.list("dirlink")); !slices.Equal(got, []string{"dirlink/f", "dirlink/up"}) {
		t.Errorf("List(dirlink) shows %q", got)
	}
	t.write("dirlink/new", "written")
	t.wantContent("d/new", "written")
}

// linksLeaving changes nothing outside that would be missed, even where a
// backend lets it out: what it writes and removes there is called outside.
func linksLeaving(t *env) {
	t.sh("ln -s /backendtest-outside/file file; ln -s .. up; ln -s ../../../../../.. high; ln -s / root; ln -s d/../../backendtest-outside odd; ln -s root/etc second")
	for _, name := range []string{"file", "up", "high", "root", "odd", "second", "up/x", "root/etc/passwd", "high/etc/passwd"} {
		t.wantErr("Open", doOpen(t, t.ctx, t.b, name), name, fs.ErrPermission)
		t.wantErr("Stat", doStat(t, t.ctx, t.b, name), name, fs.ErrPermission)
		t.wantErr("List", doList(t, t.ctx, t.b, name), name, fs.ErrPermission)
	}
	const outside = "root/backendtest-outside/file"
	for _, name := range []string{"file", "up", "root", "odd", "up/backendtest-outside", "high/backendtest-outside/x", outside} {
		t.wantErr("Write", doWrite(t, t.ctx, t.b, name), name, fs.ErrPermission)
	}
	for _, name := range []string{"up/backendtest-outside", outside} {
		t.wantErr("Remove", doRemove(t, t.ctx, t.b, name), name, fs.ErrPermission)
	}
	t.write("source", "source")
	t.wantErr("Move to", doMoveTo(t, t.ctx, t.b, outside), outside, fs.ErrPermission)
	t.wantErr("Copy to", doCopyTo(t, t.ctx, t.b, "up/backendtest-outside"), "up/backendtest-outside", fs.ErrPermission)
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))); len(got) != 8 {
		t.Errorf("Walk shows %q", got)
	}
}

func linksShown(t *env) {
	t.sh("ln -s d/f link; ln -s d dirlink; ln -s /etc out; ln -s nothing nowhere")
	links := []string{"dirlink", "link", "nowhere", "out"}
	for _, i := range t.list(".") {
		if isLink := i.Mode.Type() == fs.ModeSymlink; isLink != slices.Contains(links, i.Name) || isLink && i.IsDir() {
			t.Errorf("List shows %s with the mode %v", i.Name, i.Mode)
		}
	}
	want := []string{"d/f", "dirlink", "link", "nowhere", "out"}
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))); !slices.Equal(got, want) {
		t.Errorf("Walk shows %q, want %q", got, want)
	}
	if got := names(collect(t, "Glob", t.do.glob(t.ctx, t.b, "**", nil))); !slices.Equal(got, want) {
		t.Errorf("Glob shows %q, want %q", got, want)
	}
	if got := t.grep(hutch.Query{Pattern: "needle"}); len(got) != 1 || got[0].Name != "d/f" {
		t.Errorf("Grep finds %+v, want the file alone", got)
	}
	if got := t.grep(hutch.Query{Pattern: "needle", Dir: "link"}); len(got) != 1 || got[0].Name != "link" {
		t.Errorf("Grep in a link that was named finds %+v", got)
	}
}

func linksWritten(t *env) {
	t.sh("chmod 600 d/f; ln -s d/f link")
	rev := t.stat("link").Rev
	t.writeWith("link", "new", hutch.WriteOptions{IfRev: rev})
	t.wantContent("d/f", "new")
	t.wantContent("link", "new")
	t.conflict("link", hutch.Absent)
	t.conflict("link", rev)
	if m := t.stat("d/f").Mode; m != 0o600 {
		t.Errorf("writing through a link changes the mode to %v", m)
	}
	if got := t.sh("[ -L link ] && [ ! -L d/f ] && cat d/f"); got != "new" {
		t.Errorf("a command sees %q behind the link", got)
	}
	if _, err := t.do.edit(t.ctx, t.b, "link", one("new", "edited")); err != nil {
		t.Errorf("editing through a link: %v", err)
	}
	t.wantContent("d/f", "edited")
}

func linksRemoved(t *env) {
	t.sh("ln -s d/f link; ln -s d dirlink; ln -s /backendtest-outside out; ln -s nothing nowhere; ln -s ../d e/in; ln -s .. e/up")
	for _, name := range []string{"link", "dirlink", "out", "nowhere"} {
		t.remove(name)
	}
	if got := t.sh("ls; cat d/f"); got != "d\ne\nx" {
		t.Errorf("after the links were removed there is %q", got)
	}
	if err := hutch.RemoveAll(t.ctx, t.b, "e"); err != nil {
		t.Errorf("RemoveAll of a directory with links: %v", err)
	}
	t.wantAbsent("e")
	t.wantContent("d/f", "x")
}

func linksNowhere(t *env) {
	t.sh("ln -s nothing nowhere; ln -s two one; ln -s one two")
	t.wantErr("Open", doOpen(t, t.ctx, t.b, "nowhere"), "nowhere", fs.ErrNotExist)
	t.wantErr("Stat", doStat(t, t.ctx, t.b, "nowhere"), "nowhere", fs.ErrNotExist)
	for _, name := range []string{"one", "two/x"} {
		t.within("following a loop", func() {
			for _, err := range []error{doOpen(t, t.ctx, t.b, name), doStat(t, t.ctx, t.b, name), doWrite(t, t.ctx, t.b, name)} {
				if err == nil || errors.Is(err, hutch.ErrConflict) {
					t.Errorf("a loop of links: %v, want an error", err)
				}
			}
		})
	}
	if got := names(t.list(".")); !slices.Equal(got, []string{"nowhere", "one", "two"}) {
		t.Errorf("List shows %q", got)
	}
}

func linksAbsolute(t *env) {
	t.sh(`ln -s "$PWD/d/f" link; ln -s "$PWD/d" dirlink`)
	for _, name := range []string{"link", "dirlink/f"} {
		data, err := hutch.ReadFile(t.ctx, t.b, name)
		if err == nil && string(data) != "inside" {
			t.Errorf("%s leads to %q", name, data)
		}
		if err != nil {
			t.wantErr("Open", err, name, fs.ErrPermission)
		}
	}
}
