package policy

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
)

// CheckerOptions qualifies [Set.Checker].
type CheckerOptions struct {
	// Root is where commands see the root of the backend ([hutch.Rooted]), "" if
	// there are no commands, or where that is not known.
	Root string
	// Ask puts a question to somebody and waits for the answer, until ctx ends.
	// It may be called by several goroutines; the same question is not put twice
	// at a time. An error of it is a refusal. nil refuses whatever would be asked.
	Ask func(ctx context.Context, q Question) (Answer, error)
	// Remember makes the answer [Always] last. It is called before what was asked
	// about is done, and its error is a refusal. Without it Always is forgotten
	// with this Checker.
	Remember func(ctx context.Context, a Approval) error
	// Recall reports whether something was approved for ever. It is called, by
	// several goroutines, whenever a rule asks: what is forgotten is asked about
	// again. With it, Always is good for as long as it is recalled. nil recalls
	// what this Checker was told.
	Recall func(a Approval) bool
	// Recalls reports whether there is anything of op to recall. Without it, and with
	// nobody to ask, what is always asked about is not offered: a [guard.Backend]
	// then runs no commands.
	Recalls func(op guard.Op) bool
}

// Checker is a [guard.Check] that holds operations against a Set. It is safe for
// concurrent use.
type Checker struct {
	c *compiled
	o CheckerOptions

	mu      sync.Mutex
	granted map[grant]bool
	asking  map[string]*pending
}

var _ guard.Check = (*Checker)(nil)

// Checker makes a Check of a copy of s. What [Set.Check] finds wrong is an error.
func (s *Set) Checker(opts *CheckerOptions) (*Checker, error) {
	var o CheckerOptions
	if opts != nil {
		o = *opts
	}
	if o.Root != "" && !strings.HasPrefix(o.Root, "/") {
		return nil, fmt.Errorf("policy: %w: root %q does not begin with a slash", fs.ErrInvalid, o.Root)
	}
	if len(o.Root) > 1 {
		o.Root = strings.TrimRight(o.Root, "/")
	}
	c, err := compile(s, o.Root)
	if err != nil {
		return nil, err
	}
	return &Checker{c: c, o: o, granted: map[grant]bool{}, asking: map[string]*pending{}}, nil
}

// Check implements [guard.Check].
func (k *Checker) Check(ctx context.Context, r *guard.Request) error {
	if r.Op != guard.Execute {
		if f := k.c.of[r.Op]; f != nil { // most requests, and they should cost nothing
			if a, _ := f.decide(target{name: r.Name}); a == Allow {
				return nil
			}
		}
	}
	d := k.decide(ctx, r)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.Action == Allow:
		return nil
	case d.Action == Ask:
		return k.ask(ctx, r, d)
	}
	return refusal(&d, "")
}

// decide is what the rules say about a request.
func (k *Checker) decide(ctx context.Context, r *guard.Request) Decision {
	if r.Op == guard.Execute {
		if r.Cmd == nil || len(r.Cmd.Args) == 0 {
			return Decision{Op: r.Op, Target: r.Path, Action: Deny, Rule: defaulted, Why: "there is no command"}
		}
		return k.c.run(ctx, r.Cmd, r.Name)
	}
	shown := r.Path
	if shown == "" {
		shown = r.Name
	}
	return k.c.file(r.Op, target{name: r.Name}, shown)
}

// Explain says what the rules make of an operation on a path, as tools show it, or
// for Execute of a script of the shell that runs at the root. Nobody is asked, and
// no answer that was given counts.
func (k *Checker) Explain(ctx context.Context, op guard.Op, what string) (Decision, error) {
	if !slices.Contains(guard.Ops(), op) {
		return Decision{}, fmt.Errorf("policy: %w: there is no operation %q", fs.ErrInvalid, op)
	}
	if op == guard.Execute {
		d := k.c.run(ctx, hutch.Shell(what), ".")
		return d, ctx.Err()
	}
	a := &analysis{root: k.c.root}
	if strings.HasPrefix(what, "/") && k.c.root != "" && k.c.root != "/" {
		t, ok := a.resolve(what, ".")
		if !ok || t.outside {
			return Decision{}, fmt.Errorf("policy: %w: %s is outside the workspace, which is at %s", fs.ErrInvalid, what, k.c.root)
		}
		return k.c.file(op, t, what), nil
	}
	name, err := hutch.Clean(".", what)
	if err != nil {
		return Decision{}, err
	}
	return k.c.file(op, target{name: name}, what), nil
}

// Visible implements [guard.Check]: what op or reading denies is not shown, and
// Grep shows only what may be read without asking.
func (k *Checker) Visible(op guard.Op, name string) bool {
	t := target{name: name}
	own, _ := k.rules(op).decide(t)
	read, i := k.rules(guard.Read).decide(t)
	if op == guard.Grep && read == Ask && k.approved(Approval{Op: guard.Read, Name: name}, i) {
		read = Allow
	}
	return own != Deny && (read == Allow || read == Ask && op != guard.Grep)
}

// rules are those of an operation on files, and none for any other: it is denied.
func (k *Checker) rules(op guard.Op) *fileRules {
	if f := k.c.of[op]; f != nil {
		return f
	}
	return &fileRules{def: Deny}
}

// refusal is the error of a decision.
func refusal(d *Decision, more string) error {
	return &guard.Refusal{Text: sentence(d) + more}
}

// sentence says that something is not allowed and, where that is known, why.
func sentence(d *Decision) string {
	text := fmt.Sprintf("Permission denied for %s on '%s'", d.Op, d.Target)
	if p := d.decisive(); p != nil {
		switch {
		case p.mention:
			text = fmt.Sprintf("Permission denied: command references '%s', which is denied for %s", p.Target, p.Op)
		case p.Op != guard.Execute:
			text += fmt.Sprintf(": it would %s '%s'", p.Op, p.Target)
		case p.Target != d.Target && p.Why == "":
			text += ": it runs " + p.Target
		}
	}
	for _, why := range []string{d.Why, d.Description} {
		if why != "" {
			text += ": " + why
		}
	}
	return text
}

// decisive is the part of a command that decided, nil for other operations.
func (d *Decision) decisive() *Decision {
	for i := range d.Parts {
		if d.Parts[i].Action == d.Action {
			return &d.Parts[i]
		}
	}
	return nil
}
