package policy

import (
	"fmt"
	"hash/maphash"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/search"
)

// compiled is a Set ready for use. It is safe for concurrent use.
type compiled struct {
	root string

	of map[guard.Op]*fileRules // of every operation on files

	command []commandRule
	execute Action  // the default
	runs    actions // what can become of commands
}

// fileRules are the rules of one operation on files.
type fileRules struct {
	rules []fileRule
	def   Action
	can   actions

	seed  maphash.Seed
	known []atomic.Pointer[known]
}

// actions are those that can be decided, besides Deny.
type actions struct{ allow, ask bool }

// known is a name for which it is known which rule decides: trying a hundred rules
// takes longer than reading a small file. Rules never change.
type known struct {
	name string
	rule int
}

// How many names are remembered for an operation, and how many bytes they have.
const (
	maxKnown     = 1 << 12
	maxKnownName = 256
)

// defaulted is the index of the rule where none matches.
const defaulted = -1

func compile(s *Set, root string) (*compiled, error) {
	c := &compiled{root: root, of: map[guard.Op]*fileRules{}}
	if err := checkAction("default", s.Default); err != nil {
		return nil, err
	}
	for _, op := range guard.Ops() {
		r := s.For(op)
		if err := checkAction(string(op)+".default", r.Default); err != nil {
			return nil, err
		}
		def := first(r.Default, s.Default, Deny)
		if op != guard.Execute {
			c.of[op] = &fileRules{}
		}
		for i, rule := range r.Rules {
			if err := c.add(op, rule); err != nil {
				return nil, fmt.Errorf("policy: %s.rules[%d]: pattern %q: %w: %w", op, i, rule.Pattern, fs.ErrInvalid, err)
			}
		}
		if op == guard.Execute {
			c.execute = def
			c.runs = c.commandOutlook()
			continue
		}
		f := c.of[op]
		f.def, f.seed, f.known = def, maphash.MakeSeed(), make([]atomic.Pointer[known], maxKnown)
		f.can = f.outlook()
	}
	return c, nil
}

func first(actions ...Action) Action {
	for _, a := range actions {
		if a != "" {
			return a
		}
	}
	return ""
}

func checkAction(where string, a Action) error {
	var v Action
	if a == "" {
		return nil
	}
	if err := v.UnmarshalText([]byte(a)); err != nil {
		return fmt.Errorf("policy: %s: %w: %w", where, fs.ErrInvalid, err)
	}
	return nil
}

func (c *compiled) add(op guard.Op, r Rule) error {
	var known Action
	if err := known.UnmarshalText([]byte(r.Action)); err != nil {
		return err
	}
	if op == guard.Execute {
		rule, err := compileCommand(r)
		c.command = append(c.command, rule)
		return err
	}
	rule, err := compileFile(r, c.root)
	to := c.of[op]
	to.rules = append(to.rules, rule)
	return err
}

// decide is what becomes of t, and the index of the rule that says so.
func (f *fileRules) decide(t target) (Action, int) {
	if t.outside || len(t.name) > maxKnownName {
		i := f.find(t)
		return f.action(i), i
	}
	slot := &f.known[maphash.String(f.seed, t.name)%maxKnown]
	if k := slot.Load(); k != nil && k.name == t.name {
		return f.action(k.rule), k.rule
	}
	i := f.find(t)
	slot.Store(&known{strings.Clone(t.name), i})
	return f.action(i), i
}

func (f *fileRules) find(t target) int {
	folded := search.FoldName(t.name)
	for i := range f.rules {
		if f.rules[i].matches(t, folded) {
			return i
		}
	}
	return defaulted
}

func (f *fileRules) action(i int) Action {
	if i == defaulted {
		return f.def
	}
	return f.rules[i].Action
}
