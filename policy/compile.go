package policy

import (
	"fmt"
	"hash/maphash"
	"io/fs"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch/guard"
)

// compiled is a Set ready for use. It is safe for concurrent use.
type compiled struct {
	root    string
	files   map[guard.Op]*fileRules
	command []commandRule
	execute Action // the default
}

// fileRules are the rules of one operation on files.
type fileRules struct {
	rules []fileRule
	def   Action

	seed  maphash.Seed
	known [16]shard
}

// shard remembers which rule decides about some of the names that were asked
// about: trying a hundred rules takes longer than reading a small file.
type shard struct {
	mu sync.RWMutex
	m  map[string]int32
}

// What is remembered: names of so many bytes, so many of them in a shard.
const (
	maxKnown     = 1 << 10
	maxKnownName = 256
)

// defaulted is the index of the rule where none matches.
const defaulted = -1

func compile(s *Set, root string) (*compiled, error) {
	c := &compiled{root: root, files: map[guard.Op]*fileRules{}}
	if err := checkAction("default", s.Default); err != nil {
		return nil, err
	}
	for _, op := range guard.Ops() {
		r := s.For(op)
		if err := checkAction(string(op)+".default", r.Default); err != nil {
			return nil, err
		}
		def := first(r.Default, s.Default, Deny)
		for i, rule := range r.Rules {
			if err := c.add(op, rule); err != nil {
				return nil, fmt.Errorf("policy: %s.rules[%d]: pattern %q: %w: %w", op, i, rule.Pattern, fs.ErrInvalid, err)
			}
		}
		if op == guard.Execute {
			c.execute = def
			continue
		}
		c.rules(op).def = def
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

func (c *compiled) rules(op guard.Op) *fileRules {
	if c.files[op] == nil {
		c.files[op] = &fileRules{seed: maphash.MakeSeed()}
	}
	return c.files[op]
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
	to := c.rules(op)
	to.rules = append(to.rules, rule)
	return err
}

// decide is what becomes of t, and the index of the rule that says so.
func (f *fileRules) decide(t target) (Action, int) {
	if t.outside || len(t.name) > maxKnownName {
		i := f.find(t)
		return f.action(i), i
	}
	sh := &f.known[maphash.String(f.seed, t.name)%uint64(len(f.known))]
	sh.mu.RLock()
	known, ok := sh.m[t.name]
	sh.mu.RUnlock()
	if ok {
		return f.action(int(known)), int(known)
	}
	i := f.find(t)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.m == nil || len(sh.m) >= maxKnown {
		sh.m = map[string]int32{}
	}
	sh.m[strings.Clone(t.name)] = int32(i)
	return f.action(i), i
}

func (f *fileRules) find(t target) int {
	for i := range f.rules {
		if f.rules[i].matches(t) {
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
