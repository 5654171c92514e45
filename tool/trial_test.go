package tool_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
)

// person answers questions of rules.
type person struct {
	scope policy.Scope
	asked []wish
}

// trial is a workspace behind rules, and its model.
type trial struct {
	testing.TB
	*model
	who    *person // nil: nobody can be asked
	b      hutch.Backend
	look   func() *world
	record bytes.Buffer
	done   map[string]int // how often steps of a tool were allowed, and (with "-") refused
}

// newTrial puts rules in front of a world on a backend: "state", "box" (which
// runs commands) or "local".
func newTrial(t testing.TB, kind string, set policy.Set, r *rand.Rand, who *person) *trial {
	t.Helper()
	switch kind {
	case "box":
		return newTrialOn(t, newBox(map[string]script{}), set, r, who)
	case "local":
		set.Execute = policy.Rules{Default: policy.Deny} // they have a test of their own
		w, dir, s := newLocal(t)
		return ruled(t, s, "", w, func() *world { return lookedDir(t, dir) }, set, r, who)
	}
	s, w := state.New(nil), newWorld(false)
	w.fill(t, s)
	return ruled(t, s, "", w, func() *world { return looked(t, s) }, set, r, who)
}

// newLocal is a world with links in a directory, and a sandbox of it.
func newLocal(t testing.TB) (w *world, dir string, s *local.Sandbox) {
	t.Helper()
	dir = t.TempDir()
	w = newWorld(true)
	w.fillDir(t, dir)
	s, err := local.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return w, dir, s
}

func newTrialOn(t testing.TB, b *box, set policy.Set, r *rand.Rand, who *person) *trial {
	t.Helper()
	w := newWorld(false)
	w.fill(t, b)
	return ruled(t, b, b.Root(), w, func() *world { return looked(t, b.Backend) }, set, r, who)
}

// ruled is a trial of rules in front of a backend in which w is.
func ruled(t testing.TB, b hutch.Backend, root string, w *world, look func() *world, set policy.Set, r *rand.Rand, who *person) *trial {
	t.Helper()
	x := &trial{TB: t, who: who, done: map[string]int{}, look: look}
	x.model = &model{Rand: r, w: w, l: newLaw(set, root), plain: console(t, b, everything())}
	o := &policy.CheckerOptions{Root: root}
	if who != nil {
		o.Ask = x.answer
	}
	check, err := set.Checker(o)
	if err != nil {
		t.Fatal(err)
	}
	g, err := guard.New(t.Context(), b, check, &guard.Options{Accept: []guard.Op{guard.Read, guard.Write}})
	if err != nil {
		t.Fatal(err)
	}
	_, x.rooted = hutch.As[hutch.Rooted](g)
	x.b = audit.New(g, slog.New(slog.NewJSONHandler(&x.record, nil)), nil)
	return x
}

func (x *trial) answer(_ context.Context, q policy.Question) (policy.Answer, error) {
	w := wish{q.Op, q.Path}
	if q.Op == guard.Execute {
		w.name = q.Command
	} else if x.rooted {
		w.name = orDot(strings.TrimPrefix(strings.TrimPrefix(q.Path, "/workspace"), "/"))
	}
	x.who.asked = append(x.who.asked, w)
	return policy.Answer{Scope: x.who.scope}, nil
}
