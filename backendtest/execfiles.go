package backendtest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
)

func sameFileChecks() []check {
	return []check{
		{"Files/ToCommand", "a command sees what was written, under the same names", nil, filesToCommand},
		{"Files/FromCommand", "what a command writes, moves and removes is seen, under the same names", nil, filesFromCommand},
		{"Files/Mode", "permission bits are the same on both sides", nil, filesMode},
		{"Files/Rev", "a file that a command changes in place has another revision each time", these("f", "00"), filesRev},
		{"Files/InPlace", "a reader never mixes two versions of a file that is changed in place",
			func() map[string]string { return map[string]string{"f": large(mib)} }, filesInPlace},
		{"Files/Pipe", "a pipe is refused at once with errors.ErrUnsupported, shown by List and passed over by Walk", these("f", "x\n"), filesPipe},
		{"Files/EmptyDir", "an empty directory that a command made is shown, and can be removed", nil, filesEmptyDir},
		{"Files/BadNames", "files whose names are no names are not shown, and hide no other", these("d/f", "x\n"), filesBadNames},
	}
}

// commandNames are odd names that leave room for the path before them.
func commandNames() []string {
	return append(oddNames(), "deep/er/-n", "d d/\n")
}

func filesToCommand(t *env) {
	for i, n := range commandNames() {
		want := fmt.Sprintf("content %d of %s", i, n)
		t.write(n, want)
		if got := t.sh(`cat "$1"`, t.path(n)); got != want {
			t.Errorf("a command reads %s from %s, want %s", short(got), short(n), short(want))
		}
		if got := t.sh(`cat "$1"`, "./"+n); got != want {
			t.Errorf("a command in the root reads %s from %s, want %s", short(got), short(n), short(want))
		}
		if err := hutch.RemoveAll(t.ctx, t.b, "."); err != nil {
			t.Fatal(err)
		}
		if got := t.sh(`[ -e "$1" ] && echo there; echo end`, t.path(n)); got != "end\n" {
			t.Errorf("a command still sees %s after its removal", short(n))
		}
	}
}

func filesFromCommand(t *env) {
	for i, n := range oddNames() {
		want := fmt.Sprintf("content %d", i)
		t.sh(`printf %s "$2" > "$1"`, t.path(n), want)
		t.wantContent(n, want)
		if got := names(t.list(".")); !slices.Equal(got, []string{n}) {
			t.Errorf("after a command wrote %s List shows %q", short(n), got)
		}
		t.sh(`rm -- "$1"`, t.path(n))
		t.wantAbsent(n)
	}
	t.sh(`mkdir -p a/b && printf x > a/b/c && mv a d`)
	t.wantContent("d/b/c", "x")
	t.wantAbsent("a")
	t.write("d/b/c", "replaced")
	if got := t.sh("cat d/b/c"); got != "replaced" {
		t.Errorf("a command reads %q after a replacement", got)
	}
	t.move("d/b", "moved")
	if got := t.sh("cat moved/c; ls d"); got != "replaced" {
		t.Errorf("after a move a command sees %q", got)
	}
}

func filesMode(t *env) {
	t.writeWith("d/run", "#!/bin/sh\necho \"ran $1\"\n", hutch.WriteOptions{Mode: 0o755})
	if o := t.run(&hutch.Cmd{Args: []string{"./run", "x"}, Dir: "d"}); o.out != "ran x\n" {
		t.Errorf("a file written with 0755 as a program: %+v", o)
	}
	if o := t.run(&hutch.Cmd{Args: []string{t.path("d/run"), "y"}}); o.out != "ran y\n" {
		t.Errorf("a file written with 0755 as a program: %+v", o)
	}
	for _, m := range []fs.FileMode{0o600, 0o750, 0o444, 0o644} {
		t.sh(fmt.Sprintf("chmod %o d/run", m))
		if got := t.stat("d/run").Mode; got != m {
			t.Errorf("after chmod %o the mode is %v", m, got)
		}
	}
	t.sh("umask 022; printf x > new; chmod u+x new")
	if got := t.stat("new").Mode; got != 0o744 {
		t.Errorf("a file made by a command has the mode %v, want 0744", got)
	}
}

func filesRev(t *env) {
	t.sh("touch -t 200001010000 f")
	seen := map[string]string{t.stat("f").Rev: "00"}
	for i := 1; i <= 12; i++ {
		content := fmt.Sprintf("%02d", i)
		t.sh(`printf %s "$1" > f; touch -t 200001010000 f`, content)
		i := t.stat("f")
		if was, ok := seen[i.Rev]; ok {
			t.Errorf("the contents %s and %s have one revision %q", was, content, i.Rev)
		}
		seen[i.Rev] = content
		t.wantContent("f", content)
	}
	stale := t.stat("f").Rev
	t.sh("printf 99 > f")
	t.conflict("f", stale)
	t.wantContent("f", "99")
}

func filesInPlace(t *env) {
	for name, script := range map[string]string{
		"grows": "printf more >> f", "is cut": ": > f", "is written over": `head -c 1048576 /dev/zero | tr '\000' z > new; cat new > f`,
	} {
		t.write("f", t.files["f"])
		f, err := t.b.Open(t.ctx, "f")
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 10)
		if _, err := io.ReadFull(f, head); err != nil {
			t.Fatal(err)
		}
		t.sh(script)
		rest, err := io.ReadAll(f)
		f.Close()
		switch {
		case err == nil && string(head)+string(rest) != t.files["f"]:
			t.Errorf("a reader of a file that %s gets %d bytes that are no version of it", name, 10+len(rest))
		case err != nil:
			t.wantErr("reading a file that "+name, err, "f", hutch.ErrConflict)
		}
	}
}

func filesPipe(t *env) {
	t.sh("mkfifo d.pipe && mkdir e && mkfifo e/pipe")
	for _, name := range []string{"d.pipe", "e/pipe"} {
		t.within("Open of a pipe", func() {
			t.wantErr("Open", doOpen(t, t.ctx, t.b, name), name, errors.ErrUnsupported)
		})
		if i := t.stat(name); i.Mode.Type() != fs.ModeNamedPipe {
			t.Errorf("Stat(%s) = %+v, want a pipe", name, i)
		}
	}
	if got := names(t.list(".")); !slices.Equal(got, []string{"d.pipe", "e", "f"}) {
		t.Errorf("List shows %q", got)
	}
	if got := names(collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))); !slices.Equal(got, []string{"f"}) {
		t.Errorf("Walk shows %q", got)
	}
	t.within("Grep over a pipe", func() {
		if got := t.grep(hutch.Query{Pattern: "x"}); len(got) != 1 {
			t.Errorf("Grep finds %+v", got)
		}
	})
	t.remove("d.pipe")
	t.wantAbsent("d.pipe")
}

func filesEmptyDir(t *env) {
	t.sh("mkdir -p a/b/c")
	for _, dir := range []string{"a", "a/b", "a/b/c"} {
		if i := t.stat(dir); !i.IsDir() || i.Name != dir {
			t.Errorf("Stat(%s) = %+v, want a directory", dir, i)
		}
		_, err := hutch.WriteFile(t.ctx, t.b, dir, nil, nil)
		t.wantErr("Write", err, dir, hutch.ErrIsDir)
	}
	if got := names(t.list("a/b")); !slices.Equal(got, []string{"a/b/c"}) {
		t.Errorf("List shows %q", got)
	}
	if got := t.list("a/b/c"); len(got) != 0 {
		t.Errorf("List of an empty directory shows %q", names(got))
	}
	t.wantErr("Remove", t.b.Remove(t.ctx, "a/b"), "a/b", hutch.ErrIsDir)
	t.remove("a/b/c")
	t.wantAbsent("a/b/c")
	if err := hutch.RemoveAll(t.ctx, t.b, "a"); err != nil {
		t.Errorf("RemoveAll of empty directories: %v", err)
	}
	t.wantAbsent("a")
}

func filesBadNames(t *env) {
	t.sh(`printf x > "$(printf 'd/bad\377')"; mkdir "$(printf 'bad\376dir')"; printf x > "$(printf 'bad\376dir/f')"`)
	for _, i := range slices.Concat(t.list("."), t.list("d"), collect(t, "Walk", hutch.Walk(t.ctx, t.b, "."))) {
		if err := hutch.CheckName("list", i.Name); err != nil {
			t.Errorf("a list shows %q: %v", i.Name, err)
		}
	}
	if got := names(t.list("d")); !slices.Equal(got, []string{"d/f"}) {
		t.Errorf("List shows %q, want what has a name", got)
	}
	if got := t.grep(hutch.Query{Pattern: "x"}); len(got) != 1 || !strings.HasPrefix(got[0].Name, "d/f") {
		t.Errorf("Grep finds %+v", got)
	}
}
