package policy

import (
	"strings"

	"github.com/hutch-dev/hutch/guard"
)

// Outlook implements [guard.Check]. It is Denied only where nothing can be allowed,
// and Asked only where somebody can be asked. What is recalled needs nobody to ask.
func (k *Checker) Outlook(op guard.Op) guard.Outlook {
	var can actions
	if op == guard.Execute {
		can = k.c.runs
	} else if f := k.c.of[op]; f != nil {
		can = f.can
	}
	switch {
	case can.ask && k.o.Ask != nil:
		return guard.Asked
	case can.allow, can.ask && k.o.Recalls != nil && k.o.Recalls(op):
		return guard.Allowed
	}
	return guard.Denied
}

func (c *actions) note(a Action) {
	c.allow = c.allow || a == Allow
	c.ask = c.ask || a == Ask
}

// outlook is what can be decided about names.
func (f *fileRules) outlook() (can actions) {
	for i := range f.rules {
		r := &f.rules[i]
		if !r.system && !f.shadowed(i) {
			can.note(r.Action)
		}
		if r.all {
			return can
		}
	}
	can.note(f.def)
	return can
}

// shadowed reports whether a rule before the one at i takes all that it matches,
// as far as that is easily seen.
func (f *fileRules) shadowed(i int) bool {
	r := &f.rules[i]
	for j := range f.rules[:i] {
		before := &f.rules[j]
		if before.system != r.system || before.Action == Allow {
			continue
		}
		if !hasWildcard(r.glob.String()) && before.glob.Covers(r.glob.String()) || r.glob.String() == before.glob.String() {
			return true
		}
		if base := r.glob.Base(); base != "." && before.glob.Covers(base) {
			return true
		}
	}
	return false
}

func hasWildcard(pattern string) bool { return strings.ContainsAny(pattern, `*?[{\`) }

func (c *compiled) commandOutlook() (can actions) {
	for i := range c.command {
		can.note(c.command[i].Action)
		if c.command[i].all {
			return can
		}
	}
	can.note(c.execute)
	return can
}
