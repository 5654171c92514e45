package deepagent

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sync"
)

// Question is what somebody is asked before something is done.
type Question struct {
	Title string `json:"title"` // a sentence
	// Text is what there is to know: a command, a diff, arguments.
	Text string `json:"text,omitempty"`
	// Pattern is what Session and Always would allow, where that is more than this.
	Pattern string `json:"pattern,omitempty"`
	// Call is the call that wants it, Agent the sub-agent whose call it is.
	Call  Call   `json:"call"`
	Agent string `json:"agent,omitempty"`
}

// Scope is for what an Answer holds. The values are those of package policy.
type Scope int

// The scopes. The zero value is a refusal.
const (
	No      Scope = iota
	Once          // this time
	Session       // for the run
	Always        // and remembered, by whoever can
)

// Answer is what somebody says to a Question.
type Answer struct {
	Scope  Scope  `json:"scope"`
	Reason string `json:"reason,omitempty"` // why not; the model sees it
}

// ErrNobody is the error of Ask where nobody can be asked: there is no Approve,
// the call has ended, or ctx is not that of a call. It matches fs.ErrPermission.
var ErrNobody = fmt.Errorf("there is nobody to ask: %w", fs.ErrPermission)

type askerKey struct{}

// asker is a call that may ask as long as it is at work.
type asker struct {
	r    *run
	call *Call

	mu    sync.Mutex
	ended bool
}

// asker is a context for one call; over ends its right to ask.
func (r *run) asker(ctx context.Context, c *Call) (asking context.Context, over func()) {
	a := &asker{r: r, call: c}
	return context.WithValue(ctx, askerKey{}, a), func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.ended = true
	}
}

func (a *asker) over() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ended
}

// Ask puts a question of the call that is at work under ctx to Options.Approve or
// Deps.Approve and waits for the answer. So does a rule that asks:
//
//	policy.CheckerOptions{Ask: func(ctx context.Context, q policy.Question) (policy.Answer, error) {
//		a, err := deepagent.Ask(ctx, deepagent.Question{Title: "May it " + string(q.Op) + " " + q.Path + "?", Text: q.Command + q.Diff + q.Note, Pattern: q.Pattern})
//		return policy.Answer{Scope: policy.Scope(a.Scope), Reason: a.Reason}, err
//	}}
//
// Call and Agent of q are filled in.
func Ask(ctx context.Context, q Question) (Answer, error) {
	a, ok := ctx.Value(askerKey{}).(*asker)
	if !ok {
		return Answer{}, ErrNobody
	}
	return a.ask(ctx, q, func() bool { return false }, func() {})
}

// ask puts a question when those before it are answered, if it still has to be.
func (a *asker) ask(ctx context.Context, q Question, granted func() bool, grant func()) (Answer, error) {
	t := a.r.tree
	if t.approve == nil {
		return Answer{}, ErrNobody
	}
	q.Call, q.Agent = *a.call, a.r.agent
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	if a.over() {
		return Answer{}, ErrNobody
	}
	if granted() {
		return Answer{Scope: Once}, nil
	}
	a.r.emit(Event{Kind: Asked, Call: a.call, Question: &q})
	answer, err := t.approve(ctx, q)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		answer = Answer{}
	}
	if answer.Scope == Session || answer.Scope == Always {
		grant()
	}
	a.r.emit(Event{Kind: Answered, Call: a.call, Question: &q, Answer: &answer})
	return answer, err
}

// approved asks about a call of a tool in Options.Ask. A refusal is a sentence for
// the model; "" is none.
func (r *run) approved(ctx context.Context, c *Call) (refusal string, err error) {
	a := ctx.Value(askerKey{}).(*asker)
	if !slices.Contains(r.o.Ask, c.Name) || r.tree.mayUse(c.Name) {
		return "", nil
	}
	q := Question{Title: "May the agent use " + c.Name + "?", Text: string(c.Input)}
	answer, err := a.ask(ctx, q, func() bool { return r.tree.mayUse(c.Name) }, func() { r.tree.grant(c.Name) })
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err != nil:
		return fmt.Sprintf("Permission denied for %s: it wants approval, and nobody could give it.", c.Name), nil
	case answer.Scope < Once || answer.Scope > Always:
		return refused(c.Name, answer.Reason), nil
	}
	return "", nil
}

func refused(name, reason string) string {
	if reason == "" {
		return fmt.Sprintf("Permission denied for %s: not approved. Do not try it again in another way.", name)
	}
	return fmt.Sprintf("Permission denied for %s: not approved: %s", name, reason)
}

func (t *tree) mayUse(name string) bool {
	t.granting.Lock()
	defer t.granting.Unlock()
	return t.granted[name]
}

func (t *tree) grant(name string) {
	t.granting.Lock()
	defer t.granting.Unlock()
	t.granted[name] = true
}
