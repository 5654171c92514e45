package backendtest

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/hutch-dev/hutch"
)

func modeChecks() []check {
	return []check{
		{"Mode/Default", "a new file has DefaultMode", nil, modeDefault},
		{"Mode/Given", "a file has the permission bits that Write names, whatever they are", nil, modeGiven},
		{"Mode/Kept", "a file that is replaced keeps its mode where Write names none", nil, modeKept},
		{"Mode/OtherBits", "bits other than 0o777 are ignored", nil, modeOtherBits},
	}
}

func revChecks() []check {
	return []check{
		{"Rev/FiftyWrites", "50 writes in a row have 50 different revisions, also of the same length", nil, revFifty},
		{"Rev/Returns", "a content that returns after another does not bring its conflicts back", these("f", "A"), revReturns},
		{"Rev/Removed", "a file that is made anew does not have the revision of the one that was removed", nil, revRemoved},
		{"Rev/Moved", "a name that holds other content after a move has another revision", nil, revMoved},
		{"IfRev/Absent", "Absent writes only where no file is, else ErrConflict and fs.ErrExist", these("old", "old"), ifRevAbsent},
		{"IfRev/Match", "a write with the revision of the file succeeds", these("f", "one"), ifRevMatch},
		{"IfRev/Stale", "a write with another revision is ErrConflict and changes nothing", these("f", "one"), ifRevStale},
		{"IfRev/Missing", "a write with a revision where no file is is ErrConflict and leaves no trace", nil, ifRevMissing},
	}
}

func (t *env) writeWith(name, content string, opts hutch.WriteOptions) hutch.Info {
	t.Helper()
	info, err := t.b.Write(t.ctx, name, strings.NewReader(content), &opts)
	if err != nil {
		t.Fatalf("Write(%s, %+v): %v", name, opts, err)
	}
	return info
}

func (t *env) wantMode(what, name string, returned hutch.Info, want fs.FileMode) {
	t.Helper()
	if returned.Mode != want {
		t.Errorf("%s: Write says %v, want %v", what, returned.Mode, want)
	}
	if got := t.stat(name).Mode; got != want {
		t.Errorf("%s: Stat says %v, want %v", what, got, want)
	}
}

func modeDefault(t *env) {
	t.wantMode("a new file", "f", t.write("f", "x"), hutch.DefaultMode)
	t.wantMode("a new file below", "d/f", t.writeWith("d/f", "x", hutch.WriteOptions{IfRev: hutch.Absent}), hutch.DefaultMode)
}

func modeGiven(t *env) {
	for _, m := range []fs.FileMode{0o755, 0o600, 0o777, 0o400, 0o444, 0o660, 0o666, 0o111, 0o644} {
		new := fmt.Sprintf("new%o", m)
		t.wantMode("a new file", new, t.writeWith(new, "x", hutch.WriteOptions{Mode: m}), m)
		t.wantMode("a file that is replaced", "f", t.writeWith("f", fmt.Sprint(m), hutch.WriteOptions{Mode: m}), m)
	}
}

func modeKept(t *env) {
	for _, m := range []fs.FileMode{0o755, 0o600, 0o444, 0o666} {
		t.writeWith("f", "x", hutch.WriteOptions{Mode: m})
		t.wantMode("a file that is replaced", "f", t.write("f", "y"), m)
		rev := t.stat("f").Rev
		t.wantMode("a file that is replaced", "f", t.writeWith("f", "z", hutch.WriteOptions{IfRev: rev}), m)
		t.wantContent("f", "z")
	}
}

func modeOtherBits(t *env) {
	odd := fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky | fs.ModeDir | fs.ModeSymlink
	t.wantMode("a new file with odd bits", "f", t.writeWith("f", "x", hutch.WriteOptions{Mode: odd | 0o750}), 0o750)
	t.wantMode("only odd bits", "f", t.writeWith("f", "y", hutch.WriteOptions{Mode: odd}), 0o750)
	t.wantMode("only odd bits on a new file", "g", t.writeWith("g", "y", hutch.WriteOptions{Mode: odd}), hutch.DefaultMode)
}

func revFifty(t *env) {
	for _, next := range []func(int) string{
		func(i int) string { return fmt.Sprintf("%02d", i) },
		func(i int) string { return strings.Repeat("x", i) },
		func(i int) string { return strings.Repeat("x", 4000) + fmt.Sprintf("%02d", i) },
	} {
		seen := map[string]int{}
		for i := range 50 {
			rev := t.write("f", next(i)).Rev
			if before, ok := seen[rev]; ok {
				t.Errorf("writes %d and %d have the same revision %q", before, i, rev)
			}
			seen[rev] = i
			if s := t.stat("f").Rev; s != rev {
				t.Errorf("write %d: Write says revision %q, Stat %q", i, rev, s)
			}
		}
	}
}

func revReturns(t *env) {
	a := t.stat("f").Rev
	b := t.write("f", "B").Rev
	t.write("f", "A")
	if now := t.stat("f").Rev; now == b || a == b {
		t.Errorf("A, B, A have the revisions %q, %q, %q", a, b, now)
	}
	t.conflict("f", b)
	t.wantContent("f", "A")
}

// conflict fails unless a write of name with the revision rev is ErrConflict.
func (t *env) conflict(name, rev string) {
	t.Helper()
	_, err := t.b.Write(t.ctx, name, strings.NewReader("must not be stored"), &hutch.WriteOptions{IfRev: rev, Mode: 0o600})
	want := []error{hutch.ErrConflict}
	if rev == hutch.Absent {
		want = append(want, fs.ErrExist)
	}
	t.wantErr("Write with IfRev "+rev, err, name, want...)
}

func revRemoved(t *env) {
	seen := map[string]bool{}
	for i := range 20 {
		rev := t.write("d/f", fmt.Sprintf("%02d", i)).Rev
		if seen[rev] {
			t.Errorf("the revision %q comes back for other content", rev)
		}
		seen[rev] = true
		t.remove("d/f")
		t.conflict("d/f", rev)
	}
}

func revMoved(t *env) {
	a, b := t.write("a", "AA").Rev, t.write("b", "BB").Rev
	if err := hutch.Move(t.ctx, t.b, "b", "a"); err != nil {
		t.Fatal(err)
	}
	if now := t.stat("a").Rev; now == a {
		t.Errorf("a holds what b held and has still the revision %q (b had %q)", now, b)
	}
	t.conflict("a", a)
	one := t.write("one/f", "11").Rev
	t.write("two/f", "22")
	for _, m := range [][2]string{{"one", "away"}, {"two", "one"}} {
		if err := hutch.Move(t.ctx, t.b, m[0], m[1]); err != nil {
			t.Fatal(err)
		}
	}
	t.wantContent("one/f", "22")
	t.conflict("one/f", one)
	old := t.stat("one/f").Rev
	if err := hutch.Copy(t.ctx, t.b, "one/f", t.b, "away/f"); err != nil {
		t.Fatal(err)
	}
	t.conflict("one/f", old)
	t.wantContent("one/f", "11")
}

func ifRevAbsent(t *env) {
	info := t.writeWith("d/new", "new", hutch.WriteOptions{IfRev: hutch.Absent})
	t.wantContent("d/new", "new")
	before := t.stat("old")
	t.conflict("old", hutch.Absent)
	t.conflict("d/new", hutch.Absent)
	if now := t.stat("old"); !sameInfo(now, before) {
		t.Errorf("a conflict changes %+v to %+v", before, now)
	}
	if now := t.stat("d/new"); !sameInfo(now, info) {
		t.Errorf("a conflict changes %+v to %+v", info, now)
	}
	t.wantContent("old", "old")
	t.remove("old")
	t.writeWith("old", "anew", hutch.WriteOptions{IfRev: hutch.Absent})
	t.wantContent("old", "anew")
}

func ifRevMatch(t *env) {
	rev := t.stat("f").Rev
	for i := range 5 {
		content := fmt.Sprint("version ", i)
		rev = t.writeWith("f", content, hutch.WriteOptions{IfRev: rev}).Rev
		t.wantContent("f", content)
	}
}

func ifRevStale(t *env) {
	stale := t.stat("f").Rev
	now := t.write("f", "two")
	for _, rev := range []string{stale, "never given", now.Rev + "x", " " + now.Rev} {
		t.conflict("f", rev)
		if s := t.stat("f"); !sameInfo(s, now) {
			t.Errorf("a conflict changes %+v to %+v", now, s)
		}
	}
	t.wantContent("f", "two")
	t.write("g", "other")
	t.conflict("g", now.Rev)
}

func ifRevMissing(t *env) {
	rev := t.write("f", "x").Rev
	t.remove("f")
	for _, name := range []string{"f", "new", "some/new/name"} {
		t.conflict(name, rev)
		t.wantAbsent(name)
	}
	if got := names(t.list(".")); len(got) != 0 {
		t.Errorf("conflicts leave %q", got)
	}
}
