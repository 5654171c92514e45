package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// note is what a Check was shown.
func note(r *guard.Request) string {
	s := fmt.Sprintf("%s %s", r.Op, r.Name)
	c := r.Change
	switch {
	case c == nil:
		return s
	case c.TooLarge:
		return fmt.Sprintf("%s too large, %d, %v", s, c.Size, c.Before == nil && c.After == nil)
	}
	side := func(b []byte) string {
		if b == nil {
			return "none"
		}
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%s %s -> %s", s, side(c.Before), side(c.After))
}

func TestChange(t *testing.T) {
	var asked []string
	l := newLinked()
	put(t, l, "f", "d/x")
	l.link("f", "l")
	g := guarded(t, l, asking(func(r *guard.Request) error {
		asked = append(asked, note(r))
		if r.Change != nil { // it is a copy
			clear(r.Change.Before)
			clear(r.Change.After)
		}
		return nil
	}))
	large := strings.Repeat("x", guard.MaxChange+5)
	for _, step := range []struct {
		do   func() error
		want []string
	}{
		{func() error { return writeErr(g, "new") }, []string{`write new none -> "x"`}},
		{func() error { return writeErr(g, "l") }, []string{`write f "in f\n" -> "x"`}},
		{func() error { _, err := hutch.WriteFile(ctx, g, "f", nil, nil); return err }, []string{`write f "x" -> ""`}},
		{func() error { _, err := hutch.WriteFile(ctx, g, "f", []byte(large), nil); return err },
			[]string{fmt.Sprintf("write f too large, %d, true", guard.MaxChange+1)}},
		{func() error {
			_, err := hutch.EditFile(ctx, g, "f", []hutch.Edit{{Old: "x", New: "y", All: true}})
			return err
		}, []string{"read f", fmt.Sprintf("edit f too large, %d, true", len(large))}},
		{func() error { return writeErr(g, "f") }, []string{"write f too large, 1, true"}},
		{func() error { return edit(g, "l", "x", "z") }, []string{"read f", `edit f "x" -> "z"`}},
		{func() error { return hutch.Move(ctx, g, "f", "new") }, []string{`write f "z" -> none`, `write new "x" -> "z"`, "read f"}},
		{func() error { return hutch.Move(ctx, g, "d", "e") }, []string{"write d", "write e", "write d/x", "read d/x", "write e/x"}},
		{func() error { return g.Remove(ctx, "new") }, []string{`write new "z" -> none`}},
		{func() error { return g.Remove(ctx, "l") }, []string{"write l"}},
		{func() error { _, err := g.Stat(ctx, "e"); return err }, nil},
	} {
		asked = nil
		if err := step.do(); err != nil {
			t.Errorf("%q: %v", step.want, err)
		}
		want(t, "asked", asked, step.want...)
	}
	if data, err := hutch.ReadFile(ctx, l, "e/x"); string(data) != "in d/x\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func edit(b hutch.Backend, name, from, to string) error {
	_, err := hutch.EditFile(ctx, b, name, []hutch.Edit{{Old: from, New: to}})
	return err
}

// What is large arrives whole, and what was shown is what is written.
func TestLarge(t *testing.T) {
	l := newLinked()
	var shown *guard.Change
	g := guarded(t, l, asking(func(r *guard.Request) error { shown = r.Change; return nil }))
	for _, n := range []int{guard.MaxChange - 1, guard.MaxChange, guard.MaxChange + 1, 2*guard.MaxChange + 3} {
		data := bytes.Repeat([]byte("0123456789\n"), n/11+1)[:n]
		if _, err := g.Write(ctx, "f", io.MultiReader(bytes.NewReader(data)), nil); err != nil {
			t.Fatal(err)
		}
		if got, err := hutch.ReadFile(ctx, l, "f"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes arrive as %d, %v", n, len(got), err)
		}
		if shown.TooLarge != (n > guard.MaxChange) || shown.Size != int64(min(n, guard.MaxChange+1)) {
			t.Errorf("of %d bytes is shown: too large %v, %d", n, shown.TooLarge, shown.Size)
		}
		l.b.Remove(ctx, "f")
	}
	boom := errors.New("boom")
	if _, err := g.Write(ctx, "f", io.MultiReader(strings.NewReader("x"), failing{boom}), nil); !errors.Is(err, boom) {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(ctx)
	read := &counter{}
	g = guarded(t, l, asking(func(*guard.Request) error { cancel(); return ended.Err() }))
	if _, err := g.Write(ended, "f", read, nil); err != context.Canceled {
		t.Errorf("%v, want the end of the context as it is", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type counter struct{ n int }

func (c *counter) Read(p []byte) (int, error) {
	if c.n += len(p); c.n > 100 {
		return 0, io.EOF
	}
	return len(p), nil
}

// Nothing is read of what is refused, and nobody waits where nobody is asked.
func TestRefusedUnread(t *testing.T) {
	g := guarded(t, newLinked(), deny("write", "f"))
	read := &counter{}
	_, err := g.Write(ctx, "f", read, nil)
	refused(t, "Write", err, "f")
	if read.n != 0 {
		t.Errorf("%d bytes were read", read.n)
	}
}

// What changes while somebody thinks is shown again.
func TestChangedMeanwhile(t *testing.T) {
	l := newLinked()
	put(t, l, "f")
	var asked []string
	g := guarded(t, l, asking(func(r *guard.Request) error {
		if r.Op == guard.Read {
			return nil
		}
		asked = append(asked, note(r))
		if len(asked) < 3 {
			_, err := hutch.WriteFile(ctx, l, "f", fmt.Append(nil, "other ", len(asked)), nil)
			return err
		}
		return nil
	}))
	if err := writeErr(g, "f"); err != nil {
		t.Fatal(err)
	}
	want(t, "write", asked, `write f "in f\n" -> "x"`, `write f "other 1" -> "x"`, `write f "other 2" -> "x"`)
	asked = nil
	if _, err := hutch.UpdateFile(ctx, g, "f", func(before []byte, _ hutch.Info) ([]byte, error) { return append([]byte("+"), before...), nil }); err != nil {
		t.Fatal(err)
	}
	want(t, "edit", asked, `edit f "x" -> "+x"`, `edit f "other 1" -> "+other 1"`, `edit f "other 2" -> "+other 2"`)

	asked = nil
	rev, _ := l.Stat(ctx, "f")
	if _, err := hutch.WriteFile(ctx, g, "f", []byte("y"), &hutch.WriteOptions{IfRev: rev.Rev}); !errors.Is(err, hutch.ErrConflict) {
		t.Errorf("a condition that no longer holds: %v", err)
	}
	if len(asked) != 1 {
		t.Errorf("asked %q", asked)
	}
	g = guarded(t, l, asking(func(r *guard.Request) error {
		l.b.Remove(ctx, "f")
		put(t, l, "f")
		return nil
	}))
	if err := writeErr(g, "f"); !errors.Is(err, hutch.ErrConflict) {
		t.Errorf("a file that changes all the time: %v", err)
	}
}

func TestEditRules(t *testing.T) {
	l := newLinked()
	put(t, l, "f", "g")
	g := guarded(t, l, deny("edit", "f"))
	refused(t, "edit", edit(g, "f", "in", "out"), "f")
	if err := writeErr(g, "f"); err != nil {
		t.Errorf("a write is no edit: %v", err)
	}
	if _, err := hutch.UpdateFile(ctx, g, "f", func(b []byte, _ hutch.Info) ([]byte, error) { return b, nil }); err != nil {
		t.Errorf("an edit that changes nothing: %v", err)
	}
	g = guarded(t, l, deny("write", "g"))
	if err := edit(g, "g", "in", "out"); err != nil {
		t.Errorf("an edit is no write: %v", err)
	}
	var ee *hutch.EditError
	if err := edit(g, "g", "nothing", "x"); !errors.As(err, &ee) || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%v", err)
	}
}
