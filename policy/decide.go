package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// Decision is what becomes of an operation, and why.
type Decision struct {
	Op     guard.Op `json:"op"`
	Target string   `json:"target"` // a path, or a command
	Action Action   `json:"action"`
	// Rule is the index of the rule that decides among those of Op; -1 is the
	// default of the operation or of the set.
	Rule        int    `json:"rule"`
	Pattern     string `json:"pattern,omitempty"`
	Description string `json:"description,omitempty"`
	// Why is a remark of what was found in a command; "" for most.
	Why string `json:"why,omitempty"`
	// Parts are what a command consists of, each with what becomes of it. The
	// strictest decides.
	Parts []Decision `json:"parts,omitempty"`
	// mention says that a command only mentions Target.
	mention bool
}

// file decides about an operation on a file.
func (c *compiled) file(op guard.Op, t target, shown string) Decision {
	f := c.of[op]
	if f == nil {
		return Decision{Op: op, Target: shown, Action: Deny, Rule: defaulted, Why: "there is no such operation"}
	}
	action, i := f.decide(t)
	d := Decision{Op: op, Target: shown, Action: action, Rule: i}
	if i != defaulted {
		d.Pattern, d.Description = f.rules[i].Pattern, f.rules[i].Description
	}
	return d
}

// run decides about a command.
func (c *compiled) run(ctx context.Context, cmd *hutch.Cmd, dir string) Decision {
	d := Decision{Op: guard.Execute, Target: commandLine(cmd), Rule: defaulted, Action: Allow}
	d.Parts = c.takeApart(ctx, cmd, dir)
	worst := -1
	for i, p := range d.Parts {
		if worst < 0 || severity(p.Action) > severity(d.Parts[worst].Action) {
			worst = i
		}
	}
	if worst < 0 {
		d.Action, d.Why = c.execute, "it runs nothing"
		return d
	}
	w := d.Parts[worst]
	d.Action, d.Rule, d.Pattern, d.Description, d.Why = w.Action, w.Rule, w.Pattern, w.Description, w.Why
	return d
}

func severity(a Action) int {
	switch a {
	case Allow:
		return 0
	case Ask:
		return 1
	}
	return 2
}

// takeApart finds the parts of a command and decides about each.
func (c *compiled) takeApart(ctx context.Context, cmd *hutch.Cmd, dir string) []Decision {
	a := &analysis{ctx: ctx, root: c.root, dirs: []string{dir}, seen: map[string]bool{}, left: maxText, funcs: map[string]bool{}}
	var vars, words []word
	for _, e := range cmd.Env {
		vars = append(vars, word{e, true})
	}
	for _, arg := range cmd.Args {
		words = append(words, word{arg, true})
	}
	if len(words) > 0 {
		a.program(vars, words, 0)
	}
	var all []Decision
	for i := range a.parts {
		p := &a.parts[i]
		if p.redirect {
			all = append(all, c.redirection(a, p))
			continue
		}
		all = append(all, c.invocation(p))
		all = append(all, c.mentioned(a, p)...)
	}
	return all
}

// invocation decides about one program.
func (c *compiled) invocation(p *part) Decision {
	d := Decision{Op: guard.Execute, Target: p.String(), Action: c.execute, Rule: defaulted, Why: p.unknown}
	var names commandNames
	if p.unknown == "" {
		names = namesOf(p)
	}
	for i := range c.command {
		r := &c.command[i]
		if !r.matches(p, &names) {
			continue
		}
		d.Action, d.Rule, d.Pattern, d.Description = r.Action, i, r.Pattern, r.Description
		return d
	}
	if p.through {
		d.Action, d.Why = Allow, "what it runs is looked at by itself"
	}
	return d
}

// commandNames are the spellings of a part that rules are held against.
type commandNames struct {
	exact string
	loose []string
}

func namesOf(p *part) commandNames {
	var exact, text []string
	for _, w := range append(append([]word(nil), p.vars...), p.words...) {
		if !w.known {
			exact = append(exact, unknownMark)
		} else {
			exact = append(exact, w.text)
		}
		text = append(text, w.text)
	}
	n := commandNames{exact: wordName(exact)}
	n.loose = append(n.loose, wordName(text))
	text = text[len(p.vars):]
	if len(p.vars) > 0 {
		n.loose = append(n.loose, wordName(text))
	}
	if i := strings.LastIndexByte(text[0], '/'); i >= 0 && i+1 < len(text[0]) {
		text = append([]string{text[0][i+1:]}, text[1:]...)
		n.loose = append(n.loose, wordName(text))
	}
	return n
}

func (r *commandRule) matches(p *part, n *commandNames) bool {
	switch {
	case r.all:
		return !p.through
	case r.class == classDangerous:
		return p.danger
	case r.class == classUnknown:
		return p.unknown != ""
	case p.unknown != "":
		return false
	case r.Action == Allow:
		return r.exact.Match(n.exact, true)
	}
	return slices.ContainsFunc(n.loose, func(name string) bool { return r.below.Match(name, true) })
}

// redirection decides about a file that is opened for a redirection.
func (c *compiled) redirection(a *analysis, p *part) Decision {
	op := guard.Read
	if p.write {
		op = guard.Write
	}
	if p.danger {
		for i, r := range c.command {
			if r.class == classDangerous || r.all {
				return Decision{Op: guard.Execute, Target: p.String(), Action: r.Action, Rule: i, Pattern: r.Pattern, Description: r.Description}
			}
		}
	}
	if !p.file.known {
		d := c.somewhere(op)
		d.Target = p.String()
		return d
	}
	var worst Decision
	for i, dir := range a.dirs {
		t, ok := a.resolve(p.file.text, dir)
		if !ok {
			return Decision{Op: op, Target: p.file.text, Action: Deny, Rule: defaulted, Why: "it is no path"}
		}
		if d := c.file(op, t, t.path()); i == 0 || severity(d.Action) > severity(worst.Action) {
			worst = d
		}
	}
	return worst
}

// somewhere decides about a file whose name is not known: only rules about all
// files are about it.
func (c *compiled) somewhere(op guard.Op) Decision {
	f := c.of[op]
	d := Decision{Op: op, Action: f.def, Rule: defaulted, Why: "its name is known only when it runs"}
	for i, r := range f.rules {
		if r.all {
			d.Action, d.Rule, d.Pattern, d.Description = r.Action, i, r.Pattern, r.Description
			break
		}
	}
	return d
}

// readers are programs that only read the files that they are given.
var readers = map[string]bool{
	"cat": true, "head": true, "tail": true, "less": true, "more": true, "grep": true, "egrep": true, "fgrep": true,
	"rg": true, "wc": true, "ls": true, "stat": true, "file": true, "diff": true, "cmp": true, "cksum": true,
	"md5sum": true, "sha1sum": true, "sha256sum": true, "sha512sum": true, "du": true, "test": true, "[": true,
	"cd": true, "echo": true, "printf": true, "nl": true, "od": true, "xxd": true, "strings": true, "cut": true, "tr": true,
}

// mentioned finds arguments that name files which rules deny.
func (c *compiled) mentioned(a *analysis, p *part) []Decision {
	if len(p.words) == 0 || p.through { // its words are those of what it runs
		return nil
	}
	ops := []guard.Op{guard.Read, guard.Write}
	if readers[p.words[0].text] {
		ops = ops[:1]
	}
	var all []Decision
	for _, w := range append(append([]word(nil), p.vars...), p.words[1:]...) {
		if !w.known {
			continue
		}
		for _, text := range candidates(w.text) {
			if d, ok := c.mention(a, ops, text); ok {
				all = append(all, d)
				break
			}
		}
	}
	return all
}

// mention decides about one argument. Only a rule that denies counts: by default,
// every word of a command would be somewhere.
func (c *compiled) mention(a *analysis, ops []guard.Op, text string) (Decision, bool) {
	for _, dir := range a.dirs {
		t, ok := a.resolve(text, dir)
		if !ok {
			continue
		}
		for _, op := range ops {
			d := c.file(op, t, t.path())
			if d.Action != Deny || d.Rule == defaulted {
				continue
			}
			if r := &c.of[op].rules[d.Rule]; r.all || bare(text) && !r.plain {
				continue
			}
			d.mention = true
			return d, true
		}
	}
	return Decision{}, false
}
