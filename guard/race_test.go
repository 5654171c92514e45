package guard_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// What is replaced by a link between the check and the operation is not followed.
func TestSwapped(t *testing.T) {
	for _, name := range []string{"open/a", "alias", "way/a"} {
		for op, do := range map[string]func(g hutch.Backend) error{
			"Open":  func(g hutch.Backend) error { _, err := hutch.ReadFile(ctx, g, name); return err },
			"Write": func(g hutch.Backend) error { return writeErr(g, name) },
			"Edit":  func(g hutch.Backend) error { return edit(g, name, "in", "out") },
			"Grep": func(g hutch.Backend) error {
				_, err := hutch.Collect(hutch.Grep(ctx, g, hutch.Query{Pattern: ".", Dir: name}))
				return err
			},
		} {
			l := trap(t)
			l.link("open", "way")
			l.link("open/a", "alias")
			before := contents(t, l)
			delete(before, "open/a")
			checked := false
			rules := deny(all, "secret")
			check := rules.check
			rules.check = func(r *guard.Request) error {
				err := check(r)
				if err == nil && r.Name == "open/a" && !checked {
					checked = true
					l.link("../secret/key", "open/a")
				}
				return err
			}
			refused(t, op+" of "+name, do(guarded(t, l, rules)), name)
			delete(before, "open/a")
			untouched(t, op+" of "+name, l, before)
			if !checked {
				t.Errorf("%s of %s: nothing was exchanged", op, name)
			}
		}
	}
}

// Who exchanges links without end gets a refusal, not a wait.
func TestSwappedForEver(t *testing.T) {
	l := newLinked()
	put(t, l, "a", "b")
	l.link("a", "l")
	n := 0
	g := guarded(t, l, &rules{check: func(r *guard.Request) error {
		if n++; n > 100 {
			t.Fatal("it goes on and on")
		}
		to := map[string]string{"a": "b", "b": "a"}[r.Name]
		l.link(to, "l")
		l.b.Rename(ctx, r.Name, "x")
		l.link("/etc", r.Name) // so that what was checked is refused
		l.b.Rename(ctx, "x", to)
		return nil
	}})
	_, err := hutch.ReadFile(ctx, g, "l")
	refused(t, "read", err, "l")
	l.b.Remove(ctx, "a")
	l.b.Remove(ctx, "b")
	put(t, l, "a", "b")
	refused(t, "write", writeErr(g, "l"), "l")
}

// A Write that was refused when it had begun to read is not done again with the rest.
func TestSwappedWhileReading(t *testing.T) {
	l := newLinked()
	put(t, l, "a/f", "b/f")
	l.link("a", "l")
	g := guarded(t, late{straightLinks{l}}, &rules{})
	_, err := g.Write(ctx, "l/f", io.MultiReader(strings.NewReader("one"), strings.NewReader("two")), nil)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if data, _ := hutch.ReadFile(ctx, l, "b/f"); string(data) != "in b/f\n" {
		t.Errorf("%q", data)
	}
}

// late is a backend that notices a link only when it has read.
type late struct{ straightLinks }

type straightLinks struct{ *linked }

func (s late) As(target any) bool {
	if l, ok := target.(*hutch.Linker); ok {
		*l = s
		return true
	}
	return s.linked.As(target)
}

func (s late) Real(_ context.Context, name string) (string, error) {
	return s.linked.at("real", name, true)
}

func (s late) Unlinked() hutch.Backend { return lateDirect{&linked{s.core, true, false}, s.linked} }

type lateDirect struct {
	hutch.Backend
	l *linked
}

func (s lateDirect) Write(ctx context.Context, name string, r io.Reader, o *hutch.WriteOptions) (hutch.Info, error) {
	if strings.HasPrefix(name, "a/") {
		r.Read(make([]byte, 3))
		s.l.link("b", "l")
		return hutch.Info{}, &fs.PathError{Op: "write", Path: name, Err: fs.ErrPermission}
	}
	return s.Backend.Write(ctx, name, r, o)
}

// A list that fails in the middle does not begin again in another place.
func TestSwappedWhileListing(t *testing.T) {
	l := newLinked()
	put(t, l, "a/1", "a/2", "b/3")
	l.link("a", "l")
	g := guarded(t, l, &rules{})
	var got []string
	for i, err := range g.List(ctx, "l") {
		if err != nil {
			refused(t, "list", err, "l")
			break
		}
		got = append(got, i.Name)
		l.failing = &fs.PathError{Op: "list", Path: "a", Err: fs.ErrPermission}
		l.link("b", "l")
	}
	want(t, "list", got, "l/1")
}

// What comes below a directory while rules are asked about it does not go with
// it to where it may not be.
func TestComesMeanwhile(t *testing.T) {
	for _, name := range []string{"d/protected", "d/sub/protected"} {
		l := newLinked()
		put(t, l, "d/x", "d/sub/y")
		var g *guard.Backend
		came := false
		g = guarded(t, l, &rules{check: func(r *guard.Request) error {
			if strings.HasPrefix(r.Name, "e/") && strings.HasSuffix(r.Name, "protected") {
				return &guard.Refusal{Text: "protected"}
			}
			if r.Name == "e/x" && !came {
				came = true
				if err := writeErr(g, name); err != nil {
					t.Error(err)
				}
			}
			return nil
		}})
		refused(t, "rename", hutch.Move(ctx, g, "d", "e"), "e"+name[1:])
		if _, err := l.Stat(ctx, name); err != nil || !came {
			t.Error(err, came)
		}
	}
}

// One that is being written is waited for, and what begins during the renaming
// waits for it.
func TestTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLinked()
		put(t, l, "d/x")
		rules := deny("write", "e/protected")
		g := guarded(t, l, rules)
		in, out := io.Pipe()
		wrote, moved := make(chan error, 1), make(chan error, 2)
		go func() { _, err := g.Write(ctx, "d/protected", in, nil); wrote <- err }()
		synctest.Wait()
		go func() { moved <- hutch.Move(ctx, g, "d", "e") }()
		ended, cancel := context.WithCancel(ctx)
		go func() { moved <- hutch.Move(ended, g, "d", "e") }()
		synctest.Wait()
		if len(moved) > 0 {
			t.Fatal("renamed while something was written below it: ", <-moved)
		}
		if err := writeErr(g, "other"); err != nil {
			t.Error(err)
		}
		if err := hutch.Move(ctx, g, "other", "another"); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-moved; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		out.Write([]byte("x"))
		out.Close()
		if err := <-wrote; err != nil {
			t.Error(err)
		}
		refused(t, "rename", <-moved, "e/protected")
	})
}

func TestWritesWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLinked()
		put(t, l, "d/x")
		g := guarded(t, l, &rules{})
		hold, inside := make(chan bool), make(chan bool)
		l.renaming = func() { close(inside); <-hold }
		moved, wrote := make(chan error, 1), make(chan error, 3)
		go func() { moved <- hutch.Move(ctx, g, "d", "e") }()
		<-inside
		for _, name := range []string{"d/new", "d/x/y", "e/z"} {
			go func() { wrote <- writeErr(g, name) }()
		}
		ended, cancel := context.WithCancel(ctx)
		stopped := make(chan error, 1)
		go func() {
			_, err := hutch.WriteFile(ended, g, "d/never", nil, nil)
			stopped <- err
		}()
		synctest.Wait()
		if len(wrote) != 1 { // below the new name nothing is in the way
			t.Errorf("%d writes are done while the directory is being renamed", len(wrote))
		}
		cancel()
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(hold)
		if err := <-moved; err == nil {
			// e/z was written first, so that the directory had no place any more.
			t.Log("renamed")
		}
		for range 3 {
			<-wrote
		}
		if _, err := l.Stat(ctx, "e/new"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a write followed the directory: %v", err)
		}
	})
}
