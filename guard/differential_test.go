package guard_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// rule decides about names that begin or end with a text.
type rule struct {
	op     guard.Op // "" for all
	prefix string
	suffix string
	allow  bool
}

// book is rules of which the first that fits decides, as plainly as can be.
type book struct {
	rules []rule
	def   bool
	asked bool
	// protects says that no link may be renamed.
	protects bool
}

func (b *book) allows(op guard.Op, name string) bool {
	for _, r := range b.rules {
		if (r.op == "" || r.op == op) && strings.HasPrefix(name, r.prefix) && strings.HasSuffix(name, r.suffix) {
			return r.allow
		}
	}
	return b.def
}

func (b *book) shows(op guard.Op, name string) bool {
	return b.allows(op, name) && (op != guard.Grep || b.allows(guard.Read, name))
}

func (b *book) asCheck() *rules {
	c := &rules{}
	check := func(r *guard.Request) error {
		if !b.allows(r.Op, r.Name) {
			return &guard.Refusal{Text: "no"}
		}
		return nil
	}
	if b.asked {
		c = asking(check)
	}
	c.check, c.visible = check, b.shows
	if b.protects {
		c.confine.Protect = []string{"x"}
	}
	return c
}

var (
	someNames = []string{"a", "b", "d", "d/a", "d/b", "d/e", "d/e/a", "e", "e/a", "e/d/b", ".", "la", "ld", "ld/a", "ld/e/a", "d/l", "d/l/a", "out", "x", "x/y"}
	someOps   = append(guard.Ops(), "", "", "")
	someLinks = []string{"a", "d", "d/a", "e", "/workspace/d/e", "..", "nothing", "la", "ld/e", "d/l"}
)

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func randomBook(r *rand.Rand) *book {
	b := &book{def: r.IntN(3) > 0, asked: r.IntN(2) == 0, protects: r.IntN(2) == 0}
	for range r.IntN(6) {
		one := rule{op: pick(r, someOps), allow: r.IntN(3) == 0}
		if one.prefix = pick(r, someNames); one.prefix == "." || r.IntN(4) == 0 {
			one.prefix, one.suffix = "", pick(r, []string{"a", "b", "/a", "e/a"})
		}
		b.rules = append(b.rules, one)
	}
	return b
}

func contentsOf(l *linked) map[string]string {
	all := map[string]string{}
	for i := range l.b.Walk(ctx, ".") {
		data, _ := hutch.ReadFile(ctx, l.b, i.Name)
		all[i.Name] = string(data)
	}
	return all
}

// TestDifferential compares random operations under random rules with what a
// plain reading of the rules owes.
func TestDifferential(t *testing.T) {
	ops := []string{"open", "stat", "write", "edit", "remove", "move", "list", "walk", "glob", "grep"}
	refusals, done := 0, 0
	for seed := range uint64(600) {
		r := rand.New(rand.NewPCG(seed, 1))
		ours, theirs := newLinked(), newLinked()
		ours.speeds = r.IntN(2) == 0
		for range 8 {
			name, to := pick(r, someNames), pick(r, someLinks)
			for _, l := range []*linked{ours, theirs} {
				if seed := name[0]; seed == 'l' || path.Base(name) == "l" || name == "out" {
					hutch.WriteFile(ctx, l.b, name, []byte(mark+to), nil)
				} else {
					hutch.WriteFile(ctx, l.b, name, []byte("in "+name+"\nis it\n"), nil)
				}
			}
		}
		b := randomBook(r)
		g := guarded(t, ours, b.asCheck())
		for range 40 {
			s := step{pick(r, ops), pick(r, someNames), pick(r, someNames)}
			clear(ours.opened)
			want, got := model{b, theirs}.owed(s), s.on(g)
			if want.refused {
				refusals++
			} else {
				done++
			}
			if why := differ(s, want, got, contentsOf(theirs), contentsOf(ours)); why != "" {
				t.Fatalf("seed %d, %+v, rules %+v: %s\ngot  %+v\nwant %+v\nin %q", seed, s, b, why, got, want, contentsOf(theirs))
			}
			for name := range ours.opened {
				if !b.asked && !b.allows(guard.Read, name) {
					t.Fatalf("seed %d, %+v: %s was opened", seed, s, name)
				}
			}
		}
	}
	t.Logf("%d refused, %d done", refusals, done)
}

func differ(s step, want, got outcome, theirs, ours map[string]string) string {
	absent := s.op == "move" && errors.Is(got.err, fs.ErrNotExist) // which may be told first
	switch {
	case want.refused && !absent && !errors.Is(got.err, fs.ErrPermission):
		return "it should be refused"
	case !maps.Equal(theirs, ours):
		return fmt.Sprintf("the files differ: %q", ours)
	case want.refused:
		return ""
	case (want.err == nil) != (got.err == nil):
		return "one fails"
	case want.got != got.got:
		return "the answers differ"
	case s.op == "move": // which of two errors is told is open
		return ""
	}
	for _, m := range []error{fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, hutch.ErrIsDir, hutch.ErrNotDir, hutch.ErrConflict} {
		if errors.Is(want.err, m) != errors.Is(got.err, m) {
			return "the errors differ"
		}
	}
	return ""
}
