package tool_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

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
		if x.possible(s) {
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
	x.note(s.tool, refused, failed)
}

// note counts a step and remembers what was approved for good.
func (x *trial) note(tl string, refused, failed bool) {
	if refused {
		x.done["-"+tl]++
	} else if !failed {
		x.done[tl]++
	}
	if x.who == nil || x.who.scope != policy.Session {
		return
	}
	for _, w := range x.who.asked {
		x.l.granted[x.l.grant(w)] = true
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
	often := 5
	if runtime.GOOS != "linux" {
		kinds = kinds[:2] // where names differ by more than their case
	}
	if testing.Short() {
		more, steps, often = 3, 25, 1
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
			if total[tl] < often || total["-"+tl] < often {
				t.Errorf("%s: %s was tried too rarely: %v", kind, tl, total)
			}
		}
	}
}
