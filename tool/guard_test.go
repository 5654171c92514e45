package tool_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
)

// foreseen is a backend whose guard foresees something.
type foreseen struct {
	hutch.Backend
	looks map[guard.Op]guard.Outlook
}

func (f foreseen) Outlook(op guard.Op) guard.Outlook { return f.looks[op] }

func TestForeseen(t *testing.T) {
	b := foreseen{state.New(nil), map[guard.Op]guard.Outlook{guard.Read: guard.Allowed, guard.List: guard.Allowed, guard.Write: guard.Asked, guard.Glob: guard.Asked}}
	c := console(t, b, everything())
	if got := slices.Sorted(maps.Keys(c.tools)); !slices.Equal(got, []string{"glob", "ls", "read_file", "write_file"}) {
		t.Error(got)
	}
	if !c.tools["write_file"].Asks || c.tools["read_file"].Asks {
		t.Error("what asks")
	}
	prompt := tool.SystemPrompt(tool.Console(b, everything()))
	for _, part := range []string{"ls, read_file, write_file, glob.", "approval: write_file, glob."} {
		if !strings.Contains(prompt, part) {
			t.Errorf("%q has no %q", prompt, part)
		}
	}
	for _, name := range tool.Names() {
		if _, ok := c.tools[name]; !ok && strings.Contains(prompt, name) {
			t.Errorf("%q names %s", prompt, name)
		}
	}
	if tool.SystemPrompt(nil) != "" {
		t.Error("a prompt for nothing")
	}
}

// sour fails in the way it is told to.
type sour struct {
	hutch.Backend
	write, remove, open func(name string, o *hutch.WriteOptions) error
	opened, wrote       func(name string) // when it has been done
}

func (s *sour) Open(ctx context.Context, name string) (hutch.File, error) {
	if s.open != nil {
		if err := s.open(name, nil); err != nil {
			return nil, err
		}
	}
	f, err := s.Backend.Open(ctx, name)
	if s.opened != nil && err == nil {
		s.opened(name)
	}
	return f, err
}

func (s *sour) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	if s.write != nil {
		if err := s.write(name, o); err != nil {
			return hutch.Info{}, err
		}
	}
	i, err := s.Backend.Write(ctx, name, r, o)
	if s.wrote != nil && err == nil {
		s.wrote(name)
	}
	return i, err
}

func (s *sour) Remove(ctx context.Context, name string) error {
	if s.remove != nil {
		if err := s.remove(name, nil); err != nil {
			return err
		}
	}
	return s.Backend.Remove(ctx, name)
}

// TestErrors: what the model can mend is a result, what it cannot is an error.
func TestErrors(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\n")
	c := console(t, b, nil)
	wrap := func(err error) func(string, *hutch.WriteOptions) error {
		return func(name string, _ *hutch.WriteOptions) error { return &fs.PathError{Op: "x", Path: name, Err: err} }
	}
	for want, err := range map[string]error{
		"Permission denied: that is a secret":                          &guard.Refusal{Text: "Permission denied: that is a secret"},
		"Error: Permission denied for 'f'.":                            fs.ErrPermission,
		"Error: 'f': unsupported operation.":                           errors.ErrUnsupported,
		"Error: 'f' changed meanwhile. Read it again, then try again.": hutch.ErrConflict,
	} {
		b.open = wrap(err)
		if r := c.call("read_file", args{"path": "f"}); !r.Failed || r.Text != want {
			t.Errorf("%v: %q, want %q", err, r.Text, want)
		}
	}
	for _, err := range []error{hutch.ErrClosed, context.Canceled, context.DeadlineExceeded, io.ErrUnexpectedEOF, errors.New("the wire is cut")} {
		b.open = wrap(err)
		if _, got := c.tools["read_file"].Call(t.Context(), tool.Call{Input: []byte(`{"path":"f"}`)}); !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
	}
}

// TestContextOver: when ctx has ended there is nobody to mend anything.
func TestContextOver(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\n")
	ctx, cancel := context.WithCancel(t.Context())
	b.open = func(name string, _ *hutch.WriteOptions) error {
		cancel()
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	if r, err := console(t, b, nil).tools["read_file"].Call(ctx, tool.Call{Input: input(t, args{"path": "f"})}); err == nil {
		t.Error(r.Text)
	}
}

// TestConflictWhileReading: a file that changes under a read is read again.
func TestConflictWhileReading(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\n")
	left := 2
	b.open = func(name string, _ *hutch.WriteOptions) error {
		if left--; left >= 0 {
			return &fs.PathError{Op: "read", Path: name, Err: hutch.ErrConflict}
		}
		return nil
	}
	console(t, b, nil).ok("read_file", args{"path": "f"})
}

// unreadable may be written and not read.
func TestWriteUnreadable(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "f", "a\n")
	b.open = func(name string, _ *hutch.WriteOptions) error {
		return &fs.PathError{Op: "open", Path: name, Err: &guard.Refusal{Text: "no"}}
	}
	c := console(t, b, nil)
	r := c.call("write_file", args{"path": "f", "content": "b\n"})
	if d := data(t, r); r.Failed || d["diff_cut"] != true || d["diff"] != nil {
		t.Errorf("%s %v", r.Text, d)
	}
	b.open = nil
	c.holds("f", "b\n")
}

const three = "*** Begin Patch\n*** Update File: a\n@@\n-1\n+2\n*** Add File: b\n+new\n*** Delete File: d\n*** Update File: x\n@@\n-1\n+2\n*** End Patch\n"

// TestRollback: if a file of a patch cannot be written, those before it are as
// they were; if that cannot be, it is said.
func TestRollback(t *testing.T) {
	refuse := &guard.Refusal{Text: "Permission denied: x is not yours"}
	no := func(which string, err error) func(string, *hutch.WriteOptions) error {
		return func(name string, o *hutch.WriteOptions) error {
			if name == which {
				return &fs.PathError{Op: "write", Path: name, Err: err}
			}
			return nil
		}
	}
	start := func() (*sour, *bench) {
		b := &sour{Backend: state.New(nil)}
		for name, content := range map[string]string{"a": "1\n", "d": "gone\n", "x": "1\n"} {
			put(t, b, name, content)
		}
		return b, console(t, b, patches())
	}
	same := func(c *bench) {
		t.Helper()
		c.holds("a", "1\n")
		c.holds("d", "gone\n")
		c.holds("x", "1\n")
		c.absent("b")
	}

	b, c := start()
	b.write = no("x", refuse)
	c.fails("apply_patch", args{"patch": three}, "Nothing is changed, what was written was taken back. 'x' could not be written: Permission denied: x is not yours")
	same(c)
	b, c = start()
	b.write = no("a", refuse)
	c.fails("apply_patch", args{"patch": three}, "Nothing was changed. 'a' could not be written")
	same(c)
	b, c = start()
	b.remove = no("d", refuse)
	c.ok("read_file", args{"path": "a"})
	c.fails("apply_patch", args{"patch": three}, "'d' could not be written")
	same(c)
	b.remove = nil
	c.ok("apply_patch", args{"patch": three}) // what was taken back is no change by somebody else
	c.holds("a", "2\n")
	c.absent("d")

	// Somebody else writes in the middle: his version stays, and it is said.
	b, c = start()
	b.write = func(name string, _ *hutch.WriteOptions) error {
		if name == "x" {
			put(t, b.Backend, "a", "his\n")
			return &fs.PathError{Op: "write", Path: name, Err: refuse}
		}
		return nil
	}
	c.fails("apply_patch", args{"patch": three}, "The patch is applied in part", "'a' (somebody else changed it meanwhile. Read it again.)")
	c.holds("a", "his\n")
	c.absent("b")

	// The workspace goes away in the middle: an error that says how it stands.
	b, c = start()
	b.write = no("x", errors.New("the wire is cut"))
	_, err := c.tools["apply_patch"].Call(t.Context(), tool.Call{Input: input(t, args{"patch": three})})
	if err == nil || !strings.Contains(err.Error(), "taken back: at 'x'") {
		t.Error(err)
	}
	same(c)

	// ctx ends in the middle: it is taken back all the same.
	b, c = start()
	ctx, cancel := context.WithCancel(t.Context())
	b.write = func(name string, _ *hutch.WriteOptions) error {
		if name == "x" {
			cancel()
			return &fs.PathError{Op: "write", Path: name, Err: ctx.Err()}
		}
		return nil
	}
	if _, err := c.tools["apply_patch"].Call(ctx, tool.Call{Input: input(t, args{"patch": three})}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	same(c)
}

// TestPatchStale: what changes between reading and writing is not overwritten.
func TestPatchStale(t *testing.T) {
	b := &sour{Backend: state.New(nil)}
	put(t, b, "a", "1\n")
	put(t, b, "d", "gone\n")
	put(t, b, "x", "1\n")
	once := true
	b.write = func(name string, _ *hutch.WriteOptions) error {
		if once && name == "a" {
			once = false
			put(t, b.Backend, "d", "his\n")
			put(t, b.Backend, "x", "his\n")
		}
		return nil
	}
	c := console(t, b, patches())
	c.fails("apply_patch", args{"patch": three}, "'x' could not be written: somebody else changed it meanwhile")
	c.holds("a", "1\n")
	c.holds("d", "his\n")
	c.holds("x", "his\n")
	c.absent("b")
}
