package tool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/policy"
	"github.com/hutch-dev/hutch/tool"
)

// TestDifferentialCommands compares the tools that run commands, under every
// preset and under random rules, with what a plain reading of the rules owes: a
// command runs when it is allowed or approved, and then only.
func TestDifferentialCommands(t *testing.T) {
	more, steps := 40, 60
	if testing.Short() {
		more, steps = 10, 30
	}
	total := map[policy.Action]int{}
	first := rand.New(rand.NewPCG(5, 8))
	for name, set := range someSets(first, more) {
		if strings.HasPrefix(name, "random") {
			set.Execute.Rules = someCommandRules(rand.New(rand.NewPCG(9, uint64(len(set.Read.Rules)*64+len(set.Write.Rules)*8+len(name)))))
		}
		for i, who := range []*person{nil, {scope: policy.No}, {scope: policy.Once}, {scope: policy.Session}} {
			t.Run(fmt.Sprintf("%s/%d", name, i), func(t *testing.T) {
				bx := newBox(map[string]script{})
				x := newTrialOn(t, bx, set, rand.New(rand.NewPCG(uint64(i), 21)), who)
				for range steps {
					total[x.runCommand(bx)]++
				}
			})
		}
	}
	for _, a := range []policy.Action{policy.Allow, policy.Deny, policy.Ask} {
		if total[a] < 100 {
			t.Errorf("too rarely tried: %v", total)
		}
	}
}

// expects is how many questions are put about a command, and whether it runs.
func (x *trial) expects(a policy.Action) (asked int, allowed bool) {
	if x.who != nil {
		x.who.asked = nil
	}
	if a == policy.Ask && x.who != nil {
		return 1, x.who.scope != policy.No
	}
	return 0, a == policy.Allow
}

// runCommand runs one command, or does not.
func (x *trial) runCommand(bx *box) policy.Action {
	x.Helper()
	text, parts := x.command()
	action := x.l.strictest(parts)
	tl := pick(x.Rand, []string{"execute", "execute", "run_in_background"})
	c := console(x, x.b, everyTool())
	if _, there := c.tools[tl]; !there {
		if action == policy.Allow || action == policy.Ask && x.who != nil {
			x.Errorf("there is no %s, and %q is %s", tl, text, action)
		}
		return action
	}
	ran := 0
	bx.scripts[text] = func(_ context.Context, cmd *hutch.Cmd) (hutch.Result, error) {
		ran++
		io.WriteString(cmd.Stdout, "ran well\n")
		return hutch.Result{}, nil
	}
	granted := wish{name: text}
	if action == policy.Ask && x.l.granted[granted] {
		action = policy.Allow
	}
	asked, allowed := x.expects(action)
	in, _ := json.Marshal(args{"command": text})
	r, err := c.tools[tl].Call(x.Context(), tool.Call{Input: in})
	if err == nil && allowed && tl == "run_in_background" {
		out, _ := c.try(x.Context(), "read_output", args{"shell_id": "bg_1", "wait": 60})
		r.Text += out.Text
	}
	wrong := err != nil || (ran == 1) != allowed || r.Failed == allowed || strings.Contains(r.Text, "ran well") != allowed ||
		strings.Contains(r.Text, "Permission denied") == allowed || x.who != nil && len(x.who.asked) != asked
	if wrong {
		x.Fatalf("%s %q is %s, for %+v: ran %d times, %v\nfor %v\nrules of commands %+v\nand of files %+v",
			tl, text, action, r.Text, ran, err, parts, x.l.set.Execute, x.l.set)
	}
	x.l.granted[granted] = asked == 1 && x.who.scope == policy.Session || x.l.granted[granted]
	return action
}
