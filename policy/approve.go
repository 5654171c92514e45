package policy

import (
	"fmt"
	"slices"

	"github.com/hutch-dev/hutch/guard"
)

// Approval is what [Always] allows: one operation on one name, or one command as
// it is. What the rules deny it does not allow; it is the answer to a question, and
// where none is asked it is nothing.
type Approval struct {
	Op   guard.Op `json:"op"`
	Name string   `json:"name"`           // of Execute that of the directory
	Args []string `json:"args,omitempty"` // these two of Execute only
	Env  []string `json:"env,omitempty"`
}

func approvalOf(r *guard.Request) Approval {
	a := Approval{Op: r.Op, Name: r.Name}
	if r.Op == guard.Execute {
		a.Args, a.Env = slices.Clone(r.Cmd.Args), slices.Clone(r.Cmd.Env)
	}
	return a
}

// Equal reports whether a and b allow the same.
func (a Approval) Equal(b Approval) bool {
	return a.Op == b.Op && a.Name == b.Name && slices.Equal(a.Args, b.Args) && slices.Equal(a.Env, b.Env)
}

// grant is something that was approved for the session.
type grant struct {
	op   guard.Op
	what string
	rule int // -1: the name or command only
}

// exactly is a as a grant. Quoted, texts that differ in bytes that are no UTF-8
// stay different.
func exactly(a Approval) grant {
	if a.Op == guard.Execute {
		return grant{a.Op, fmt.Sprintf("%q %q %q", a.Args, a.Env, a.Name), defaulted}
	}
	return grant{a.Op, a.Name, defaulted}
}

// widely is what Session allows where a rule asked: all that it is about. A command
// is approved as it is: the rule that asks is about a part of it only.
func widely(a Approval, rule int) grant {
	if a.Op == guard.Execute || rule == defaulted {
		return exactly(a)
	}
	return grant{op: a.Op, rule: rule}
}

// approved reports whether a, about which rule asks, was approved before.
func (k *Checker) approved(a Approval, rule int) bool {
	k.mu.Lock()
	told := k.told(a, rule)
	k.mu.Unlock()
	return told || k.o.Recall != nil && k.o.Recall(a)
}

// told reports whether a was approved for the session. k.mu is held.
func (k *Checker) told(a Approval, rule int) bool {
	return k.granted[exactly(a)] || k.granted[widely(a, rule)]
}

// keep keeps an answer for the session.
func (k *Checker) keep(g grant) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.granted[g] = true
}
