package tool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/audit"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/local"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/state"
	"github.com/hutch-dev/hutch/tool"
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
	x := &trial{TB: t, who: who, done: map[string]int{}}
	w := newWorld(kind == "local")
	var b hutch.Backend
	root := ""
	switch kind {
	case "local":
		set.Execute = policy.Rules{Default: policy.Deny} // they have a test of their own
		dir := t.TempDir()
		w.fillDir(t, dir)
		s, err := local.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		b, x.look = s, func() *world { return lookedDir(t, dir) }
	case "box":
		bx := newBox(map[string]script{})
		w.fill(t, bx)
		b, root, x.look = bx, bx.Root(), func() *world { return looked(t, bx.Backend) }
	default:
		s := state.New(nil)
		w.fill(t, s)
		b, x.look = s, func() *world { return looked(t, s) }
	}
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

// everyTool shows and searches all that it may.
func everyTool() *tool.Options {
	return &tool.Options{EditFormat: tool.AllFormats, SearchHidden: true}
}

// run does a step and holds everything that comes of it against the model.
func (x *trial) run(s *step) {
	x.Helper()
	c := console(x, x.b, everyTool())
	tl, there := c.tools[s.tool]
	if !there {
		if a := x.possible(s); a {
			x.Errorf("there is no %s, and it could be allowed", s.tool)
		}
		return
	}
	in := s.fit(tl)
	if x.who != nil {
		x.who.asked = nil
	}
	x.record.Reset()
	asked, refused := s.verdict(x.l, x.who != nil && x.who.scope != policy.No)
	if x.who == nil {
		asked = nil
	}
	r, err := tl.Call(x.Context(), tool.Call{Input: in})
	say := func(format string, a ...any) {
		x.Helper()
		x.Fatalf("%s %s: %s\nrefused %v, asked %v of %v\nsays %q, %v\nrules %+v", s.tool, in, fmt.Sprintf(format, a...), refused, asked, s.wants, r.Text, err, x.l.set)
	}
	if err != nil {
		say("an error that nobody can mend")
	}
	failed := refused || s.fails
	switch {
	case r.Failed != failed:
		say("failed is %v", r.Failed)
	case refused && !s.any && !strings.Contains(r.Text, "Permission denied"):
		say("the refusal is no sentence")
	case !refused && strings.Contains(r.Text, "Permission denied") && !s.any:
		say("it is refused")
	case x.who != nil && !s.any && !slices.Equal(s.questions(x.who.asked), asked):
		say("asked about %v", x.who.asked)
	}
	x.answers(s, r, asked, refused, failed, say)
	x.changes(s, failed, say)
	if refused {
		x.done["-"+s.tool]++
	} else if !failed {
		x.done[s.tool]++
	}
	if x.who != nil && x.who.scope == policy.Session {
		for _, w := range x.who.asked {
			x.l.granted[x.l.grant(w)] = true
		}
	}
}

// questions are those that were put, without the second time that a patch is read
// or taken back.
func (s *step) questions(put []wish) []wish {
	if s.tool != "apply_patch" {
		return put
	}
	var once []wish
	for _, w := range put {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// possible reports whether what a tool is about could ever be allowed.
func (x *trial) possible(s *step) bool {
	op := map[string]guard.Op{"ls": guard.List, "read_file": guard.Read, "write_file": guard.Write, "glob": guard.Glob, "grep": guard.Grep,
		"execute": guard.Execute, "run_in_background": guard.Execute}[s.tool]
	if op == "" {
		op = guard.Edit
	}
	return slices.ContainsFunc(s.wants, func(w wish) bool {
		a, _ := x.l.says(op, w.name)
		return w.op == op && (a == policy.Allow || a == policy.Ask && x.who != nil)
	})
}

// changes looks whether the workspace has changed exactly when it was allowed.
func (x *trial) changes(s *step, failed bool, say func(string, ...any)) {
	x.Helper()
	want := x.w
	if !failed && s.after != nil {
		want = s.after
	}
	got := x.look()
	if !got.equal(want) {
		say("the workspace is not what it should be:\n%q %q\n%q %q", got.files, got.links, want.files, want.links)
	}
	*x.w = *got
}

// answers looks whether an answer holds all that it should and nothing that it
// must not.
func (x *trial) answers(s *step, r tool.Result, asked []wish, refused, failed bool, say func(string, ...any)) {
	x.Helper()
	data, _ := json.Marshal(r.Data)
	if s.found != nil && !failed {
		want := s.found()
		got := namesIn(data)
		for i, n := range got {
			got[i] = strings.TrimPrefix(strings.TrimPrefix(n, "/workspace"), "/")
		}
		slices.Sort(want)
		slices.Sort(got)
		if strings.Contains(string(data), `"more":true`) {
			want = want[:min(len(want), len(got))]
		}
		if !slices.Equal(got, want) {
			say("found %q, want %q", got, want)
		}
	}
	var out strings.Builder
	out.WriteString(r.Text + "\n" + printed(r.Data))
	for _, m := range r.Media {
		out.Write(m.Data)
	}
	given := fmt.Sprint(s.in) + strings.Join(s.told, "\n") + strings.Join(worldDirs, "\n")
	for name, text := range newWorld(true).files {
		canary := strings.Split(text, "\n")[1]
		if strings.Contains(x.record.String(), canary[:12]) {
			say("the record holds what is in %s", name)
		}
		if strings.Contains(out.String(), canary[:12]) && !strings.Contains(given, canary[:12]) && !x.mayRead(canary, asked, refused) {
			say("it tells what is in %s", name)
		}
	}
	x.namesTold(s, out.String(), given, say)
	if refused && !strings.Contains(x.record.String(), `"result":"refused"`) && !s.any {
		say("the record does not say that it was refused: %s", x.record.String())
	}
}

var worldDirs = []string{"workspace", "src", "config", "Config", "deploy", "notes", ".ssh", "home", ".aws", "data", "deep"}

// mayRead reports whether some file that may be read now holds a text.
func (x *trial) mayRead(text string, asked []wish, refused bool) bool {
	for name, has := range x.w.files {
		w := wish{guard.Read, name}
		if strings.Contains(has, text) && (x.l.decides(w) == policy.Allow || slices.Contains(asked, w) && !refused) {
			return true
		}
	}
	return false
}

// namesTold looks whether an answer names files that it must not name.
func (x *trial) namesTold(s *step, out, given string, say func(string, ...any)) {
	x.Helper()
	op := map[string]guard.Op{"glob": guard.Glob, "grep": guard.Grep}[s.tool]
	var known []string
	for _, n := range x.w.names() {
		if x.l.shows(guard.List, n) || op != "" && x.l.shows(op, n) {
			known = append(known, path.Base(n))
		}
	}
	known = append(known, given)
	for _, n := range x.w.names() {
		base := path.Base(n)
		if len(base) > 3 && strings.Contains(out, base) && !slices.ContainsFunc(known, func(k string) bool { return strings.Contains(k, base) }) {
			say("it names %s", n)
		}
	}
}

// printed is a value as text, strings without their quotes.
func printed(v any) string {
	raw, _ := json.Marshal(v)
	var any any
	_ = json.Unmarshal(raw, &any)
	return fmt.Sprint(any)
}

// namesIn are the names of entries, paths or files in the data of a search.
func namesIn(data []byte) []string {
	var d struct {
		Paths   []string
		Entries []struct{ Name string }
		Files   []struct{ Path string }
	}
	_ = json.Unmarshal(data, &d)
	all := append([]string{}, d.Paths...)
	for _, e := range d.Entries {
		all = append(all, e.Name)
	}
	for _, f := range d.Files {
		all = append(all, f.Path)
	}
	return all
}

// someRules are rules that nobody would write, and what they do must hold too.
func someRules(r *rand.Rand) policy.Set {
	patterns := []string{"**", "**/*.go", "src/**", "src", "**/.env", ".env*", "config/**", "CONFIG", "l-*", "**/*secret*", "README.md", "/workspace/config/**",
		"data/*", "{deploy,notes}/**", "**/[a-c]*", "**/.*", ".ssh", "deep/**/*.json", "/home/**", "**/{l-env,main.go}", "*", "moved/**", "**/*.k?y", "//etc/**"}
	actions := []policy.Action{policy.Allow, policy.Deny, policy.Ask}
	var set policy.Set
	set.Default = pick(r, append(actions, policy.Allow, ""))
	for _, op := range guard.Ops() {
		to := set.For(op)
		to.Default = pick(r, append(actions, policy.Allow, policy.Allow, ""))
		if op == guard.Execute {
			continue
		}
		for range r.IntN(5) {
			to.Rules = append(to.Rules, policy.Rule{Pattern: pick(r, patterns), Action: pick(r, actions)})
		}
	}
	return set
}

// someSets are all presets, what switches make, and some more.
func someSets(r *rand.Rand, more int) map[string]policy.Set {
	all := map[string]policy.Set{
		"editing": policy.New(&policy.Options{AllowWrite: true, AllowEdit: true, AllowExecute: true}),
		"denying": policy.New(&policy.Options{Default: policy.Deny, AllowEdit: true, NoList: true}),
		"nothing": {},
		// Who may list what leads there, and read it when asked, may not list it.
		"asking": {Default: policy.Allow, Read: policy.Rules{Rules: []policy.Rule{{Pattern: "src/**", Action: policy.Ask}}},
			List: policy.Rules{Rules: []policy.Rule{{Pattern: "src/*.go", Action: policy.Deny}}}},
	}
	for _, name := range policy.Presets() {
		all[name], _ = policy.Preset(name)
	}
	for i := range more {
		all[fmt.Sprint("random", i)] = someRules(r)
	}
	return all
}

// TestDifferential compares every tool for files under every preset, and under
// random rules, with what a plain reading of the rules owes: what is refused, who
// is asked about what, what is found and what the workspace becomes. Nothing that
// comes back tells of what must not be seen.
func TestDifferential(t *testing.T) {
	kinds, more, steps := []string{"state", "box", "local"}, 12, 40
	if runtime.GOOS != "linux" {
		kinds = kinds[:2] // where names differ by more than their case
	}
	if testing.Short() {
		more, steps = 3, 25
	}
	for k, kind := range kinds {
		total := map[string]int{}
		for name, set := range someSets(rand.New(rand.NewPCG(uint64(k), 3)), more) {
			for i, who := range []*person{nil, {scope: policy.No}, {scope: policy.Once}, {scope: policy.Session}} {
				r := rand.New(rand.NewPCG(uint64(i), uint64(len(name)+k)))
				t.Run(fmt.Sprintf("%s/%s/%d", kind, name, i), func(t *testing.T) {
					x := newTrial(t, kind, set, r, who)
					for range steps {
						x.run(x.any())
					}
					for tl, n := range x.done {
						total[tl] += n
					}
				})
			}
		}
		for _, tl := range tool.Names()[:9] {
			if total[tl] < 5 || total["-"+tl] < 5 {
				t.Errorf("%s: %s was tried too rarely: %v", kind, tl, total)
			}
		}
	}
}
