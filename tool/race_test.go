package tool_test

import (
	"io/fs"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// TestOwnChange: a change that begins when another one of the same console has
// written, but is not over, does not take it for somebody else's.
func TestOwnChange(t *testing.T) {
	start := map[string]string{"f": "a\nb\n"}
	second := map[string]args{
		"edit_file": edit("f", "b", "B"), "write_file": {"path": "f", "content": "A\nB\n"},
		"apply_patch":   {"patch": "--- f\n+++ f\n@@ -2 +2 @@\n-b\n+B\n"},
		"hashline_edit": {"path": "f", "start_line": 0, "start_hash": "", "new_content": "x", "insert_after": true},
	}
	for name, in := range second {
		synctest.Test(t, func(t *testing.T) {
			b := &sour{Backend: state.New(nil)}
			put(t, b, "f", start["f"])
			c := console(t, b, everything())
			c.ok("read_file", args{"path": "f"})
			done := make(chan tool.Result, 1)
			b.wrote = func(string) {
				b.wrote = nil
				go func() {
					r, err := c.tools[name].Call(t.Context(), tool.Call{Input: input(t, in)})
					if err != nil {
						t.Error(err)
					}
					done <- r
				}()
				synctest.Wait()
			}
			c.ok("edit_file", edit("f", "a", "A"))
			if r := <-done; r.Failed {
				t.Errorf("%s: %s", name, r.Text)
			}
		})
	}
}

// TestReadWhileEdited: a read that began before a change of this console does not
// make the change look like somebody else's.
func TestReadWhileEdited(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\nb\n")
	c := console(t, b, nil)
	b.opened = func(string) {
		b.opened = nil
		c.ok("edit_file", edit("f", "a", "A"))
	}
	c.ok("read_file", args{"path": "f"})
	c.ok("edit_file", edit("f", "b", "B"))
	c.holds("f", "A\nB\n")
}

// TestWriteRace: a version written between the look and the write is not
// replaced if the model knows another one, and else is the one replaced.
func TestWriteRace(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\n")
	race := func(string, *hutch.WriteOptions) error {
		b.write = nil
		put(t, b.Backend, "f", "his\n")
		return nil
	}
	c := console(t, b, nil)
	b.write = race
	r := c.call("write_file", args{"path": "f", "content": "mine\n"})
	if d := data(t, r); d["diff"] != "--- f\n+++ f\n@@ -1 +1 @@\n-his\n+mine\n" {
		t.Errorf("%v", d)
	}
	b.write = race
	c.fails("write_file", args{"path": "f", "content": "mine again\n"}, "changed since you last read it")
	c.holds("f", "his\n")
}

// TestPatchCreateRace: a file that comes to be meanwhile is not replaced.
func TestPatchCreateRace(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	b.write = func(string, *hutch.WriteOptions) error {
		b.write = nil
		put(t, b.Backend, "n", "his\n")
		return nil
	}
	c := console(t, b, patches())
	c.fails("apply_patch", args{"patch": "*** Begin Patch\n*** Add File: n\n+mine\n*** End Patch"}, "somebody else changed it meanwhile")
	c.holds("n", "his\n")
}

// TestPatchRemovedRace: a file that changes before it is removed is not removed.
func TestPatchRemovedRace(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "d", "x\n")
	put(t, b, "a", "1\n")
	b.write = func(string, *hutch.WriteOptions) error {
		b.write = nil
		put(t, b.Backend, "d", "his\n")
		return nil
	}
	c := console(t, b, patches())
	c.fails("apply_patch", args{"patch": "*** Begin Patch\n*** Update File: a\n@@\n-1\n+2\n*** Delete File: d\n*** End Patch"}, "'d' could not be written: somebody else changed it meanwhile")
	c.holds("d", "his\n")
	c.holds("a", "1\n")
}

// TestPatchDrop: context that differs is left out only where one place is left.
func TestPatchDrop(t *testing.T) {
	c := open(t, map[string]string{"f": "x\nk\n1\nk\n"}, patches())
	c.fails("apply_patch", args{"patch": "--- f\n+++ f\n@@ -1,2 +1,2 @@\n other\n-k\n+K\n"}, "does not fit 'f'")
}

// TestPatchDrift: parts after one that was found lower are looked for lower too.
func TestPatchDrift(t *testing.T) {
	c := open(t, map[string]string{"f": "0\n0\n0\na\nk\nk\nk\nk\nk\nz\n"}, patches())
	c.ok("apply_patch", args{"patch": "--- f\n+++ f\n@@ -1 +1 @@\n-a\n+A\n@@ -4 +4 @@\n-k\n+K\n"})
	c.holds("f", "0\n0\n0\nA\nk\nk\nK\nk\nk\nz\n")
}

// TestGrepDenied: a file that may not be read is said, and ends nothing.
func TestGrepDenied(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "a", "hit\n")
	put(t, b, "b", "hit\n")
	b.open = func(name string, _ *hutch.WriteOptions) error {
		if name == "a" {
			return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
		}
		return nil
	}
	if got := console(t, b, nil).ok("grep", args{"pattern": "hit"}); got != "b\n(Some files could not be searched: permission denied.)" {
		t.Error(got)
	}
}
