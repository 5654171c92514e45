package policy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/hutch-dev/hutch"
	"github.com/hutch-dev/hutch/guard"
	"github.com/hutch-dev/hutch/internal/diff"
)

// Scope is for what an Answer holds.
type Scope int

// The scopes. The zero value is a refusal.
const (
	No      Scope = iota
	Once          // this operation
	Session       // all of Question.Op that match Question.Pattern, with this Checker
	Always        // Question.Approval, from now on
)

// Answer is what somebody says to a Question.
type Answer struct {
	Scope  Scope
	Reason string // why not; whoever wanted the operation sees it
}

// Question is what somebody is asked.
type Question struct {
	Op   guard.Op
	Path string // as tools show it; of Execute the directory
	// Command is the command line of an Execute, whole, and Cmd the command.
	Command string
	Cmd     *hutch.Cmd
	// Pattern is what Session would allow: that of the rule, or the very name or
	// command where it is a default that asks.
	Pattern     string
	Approval    Approval // what Always would allow
	Description string   // of the rule
	// Diff is a unified diff of what a write or an edit would change; where there
	// is none, Note says what would change.
	Diff, Note string
	// Decision is how it came to the question.
	Decision Decision
}

// pending is a question that is being answered.
type pending struct {
	done chan struct{}
	err  error
	void bool // nobody has answered: who asked was not interested any more
}

// ask asks whether what d is about may be done. Whoever wants the same thing while
// somebody is being asked gets the same answer.
func (k *Checker) ask(ctx context.Context, r *guard.Request, d Decision) error {
	this := approvalOf(r)
	if k.approved(this, d.Rule) {
		return nil
	}
	if k.o.Ask == nil || !guard.MayAsk(ctx) {
		return refusal(&d, " (approval required)")
	}
	key := questionKey(widely(this, d.Rule), r)
	for {
		p, mine := k.begin(this, d.Rule, key)
		switch {
		case p == nil:
			return nil
		case mine:
			return k.answer(ctx, r, d, key, p)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.done:
		}
		if !p.void {
			return p.err
		}
	}
}

// begin joins a question that is being answered or makes it mine. Without any, it
// was granted meanwhile.
func (k *Checker) begin(this Approval, rule int, key string) (p *pending, mine bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.told(this, rule) {
		return nil, false
	}
	if p, ok := k.asking[key]; ok {
		return p, false
	}
	p = &pending{done: make(chan struct{}), void: true}
	k.asking[key] = p
	return p, true
}

// answer puts a question and tells those who wait for the answer.
func (k *Checker) answer(ctx context.Context, r *guard.Request, d Decision, key string, p *pending) error {
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.asking, key)
		close(p.done)
	}()
	q := question(r, d)
	a, err := k.o.Ask(ctx, q)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && a.Scope == Always && k.o.Remember != nil {
		err = k.o.Remember(ctx, q.Approval)
	}
	switch {
	case err != nil:
		err = &unasked{guard.Refusal{Text: sentence(&d) + " (approval required, and nobody could give it)"}, err}
	case a.Scope == Once:
	case a.Scope == Session:
		k.keep(widely(q.Approval, d.Rule))
	case a.Scope == Always:
		if k.o.Recall == nil { // else it lasts as long as it is remembered
			k.keep(exactly(q.Approval))
		}
	default:
		err = refusal(&d, refusedBecause(a.Reason))
	}
	p.err, p.void = err, false
	return err
}

func refusedBecause(reason string) string {
	if reason = strings.TrimSpace(reason); reason != "" {
		return " (not approved: " + reason + ")"
	}
	return " (not approved)"
}

// unasked is the refusal of what could not be asked about. The cause is inside.
type unasked struct {
	guard.Refusal
	cause error
}

func (u *unasked) Unwrap() []error { return []error{fs.ErrPermission, u.cause} }

// As makes it a [*guard.Refusal], too.
func (u *unasked) As(target any) bool {
	t, ok := target.(**guard.Refusal)
	if ok {
		*t = &u.Refusal
	}
	return ok
}

// questionKey is the same for requests that one answer is good for: the same
// operation with the same change.
func questionKey(g grant, r *guard.Request) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %d %q ", g.op, g.what, g.rule, r.Name)
	if c := r.Change; c != nil {
		fmt.Fprintf(h, "%d %t %t %t %d %x %x", c.Size, c.TooLarge, c.Before == nil, c.After == nil, len(c.Before),
			sha256.Sum256(c.Before), sha256.Sum256(c.After))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// question is what is asked about a request.
func question(r *guard.Request, d Decision) Question {
	q := Question{Op: r.Op, Path: d.Target, Pattern: d.Pattern, Approval: approvalOf(r), Description: d.Description, Decision: d}
	switch {
	case r.Op == guard.Execute:
		q.Path, q.Command, q.Cmd = r.Path, wholeCommand(r.Cmd), r.Cmd
		q.Pattern = q.Command
	case d.Rule == defaulted:
		q.Pattern = r.Name
	}
	if r.Change != nil {
		q.Diff, q.Note = showChange(d.Target, r.Change)
	}
	return q
}

// maxDiff is how many bytes on either side are shown as a diff.
const maxDiff = 1 << 20

// showChange is a change as a diff, or a sentence about it.
func showChange(name string, c *guard.Change) (text, note string) {
	before, after := len(c.Before), len(c.After)
	switch {
	case c.TooLarge:
		return "", fmt.Sprintf("the file is too large to be shown; it will have %d bytes or more", c.Size)
	case c.After == nil && c.Before == nil:
		return "", "nothing is there"
	case before > maxDiff || after > maxDiff:
		note = fmt.Sprintf("the change is too large to be shown: %d bytes become %d", before, after)
	case binary(c.Before) || binary(c.After):
		note = fmt.Sprintf("the file is binary: %d bytes become %d", before, after)
	case c.Before == nil:
		note = "the file is new"
	case c.After == nil:
		note = "the file is removed"
	case bytes.Equal(c.Before, c.After):
		note = "the file stays as it is"
	}
	if before > maxDiff || after > maxDiff || binary(c.Before) || binary(c.After) {
		return "", note
	}
	return diff.Unified(name, string(c.Before), string(c.After)), note
}

func binary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 || !utf8.Valid(data) }
